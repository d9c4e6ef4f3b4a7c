"""Dead letters: what could not be worked on, with its reason."""

from collections.abc import Iterator
from datetime import datetime

from pydantic import JsonValue

from shared.domain.dead_letters import DeadLetter, dead_letter_id
from shared.ports import Create, Documents
from shared.repositories.paging import every
from shared.topology import ALL_DEAD_LETTERS, DEAD_LETTERS


class DeadLetters:
    """Messages and records that could not be worked on."""

    def __init__(self, documents: Documents) -> None:
        """Use the `dead_letters` collection."""
        self._documents = documents

    def record(
        self,
        *,
        stage: str,
        error: Exception,
        message: dict[str, JsonValue],
        at: datetime,
        attempts: int = 1,
        transient: bool = False,
    ) -> DeadLetter:
        """Keep a dead letter; one that is known already stays as it was."""
        letter = DeadLetter(
            id=dead_letter_id(stage, message),
            stage=stage,
            error=type(error).__name__,
            reason=str(error),
            transient=transient,
            attempts=attempts,
            message=message,
            at=at,
        )
        self._documents.commit(Create(DEAD_LETTERS, letter.id, letter.model_dump(mode="json")))
        return letter

    def get(self, letter_id: str) -> DeadLetter | None:
        """Read one."""
        found = self._documents.get(DEAD_LETTERS, letter_id)
        return DeadLetter.model_validate(found.data) if found else None

    def all(self) -> Iterator[DeadLetter]:
        """Yield all, the earliest first."""
        return (DeadLetter.model_validate(found.data) for found in every(self._documents, ALL_DEAD_LETTERS))

    def count(self) -> int:
        """Count them."""
        return self._documents.count(ALL_DEAD_LETTERS)
