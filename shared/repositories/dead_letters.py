"""Dead letters: what could not be worked on, with its reason."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from pydantic import JsonValue

from shared.domain.dead_letters import DeadLetter, LetterState, dead_letter_id
from shared.ports import Create, Document, Documents, Replace
from shared.repositories.paging import every
from shared.topology import DEAD_LETTERS, DEAD_LETTERS_BY_STATE


class KnownLetter(NamedTuple):
    """A stored dead letter and the version that guards its replacement."""

    letter: DeadLetter
    version: str


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
        """Keep a dead letter; one that waits already stays as it was, one that was sent again waits again."""
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
        while not self._documents.commit(Create(DEAD_LETTERS, letter.id, letter.model_dump(mode="json"))):
            known = self.known(letter.id)
            if known is None:
                continue
            if known.letter.state is LetterState.WAITING:
                return known.letter
            again = letter.model_copy(update={"sent_by_itself": known.letter.sent_by_itself})
            if self.replace(again, known):
                return again
        return letter

    def get(self, letter_id: str) -> DeadLetter | None:
        """Read one."""
        known = self.known(letter_id)
        return known.letter if known else None

    def known(self, letter_id: str) -> KnownLetter | None:
        """Read one with its version."""
        found = self._documents.get(DEAD_LETTERS, letter_id)
        return _known(found) if found else None

    def replace(self, letter: DeadLetter, known: KnownLetter) -> bool:
        """Write what became of a dead letter, or return False when somebody else did so since."""
        return self._documents.commit(
            Replace(DEAD_LETTERS, letter.id, letter.model_dump(mode="json"), known.version)
        )

    def in_state(self, state: LetterState) -> Iterator[KnownLetter]:
        """Yield those in a state, the earliest first."""
        return map(_known, every(self._documents, DEAD_LETTERS_BY_STATE, (state.value,)))

    def all(self) -> Iterator[DeadLetter]:
        """Yield those that wait, the earliest first."""
        return (known.letter for known in self.in_state(LetterState.WAITING))

    def count(self) -> int:
        """Count those that wait."""
        return self._documents.count(DEAD_LETTERS_BY_STATE, (LetterState.WAITING.value,))


def _known(found: Document) -> KnownLetter:
    return KnownLetter(DeadLetter.model_validate(found.data), found.version)
