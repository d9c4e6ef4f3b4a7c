"""Dead letters: what could not be worked on, with its reason."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from pydantic import JsonValue

from shared.domain.dead_letters import DeadLetter, LetterState, dead_letter_id, due_after
from shared.ports import Create, Document, Documents, Replace
from shared.repositories.paging import every
from shared.topology import DEAD_LETTERS, DEAD_LETTERS_BY_STATE, DUE_DEAD_LETTERS


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
        text: str = "",
        message_id: str = "",
        attempts: int = 1,
        transient: bool = False,
    ) -> DeadLetter:
        """Keep a dead letter; one that waits already stays as it was, one that was sent again waits again.

        What the broker only delivers once more is no new failure: what was done
        about it since, stays.
        """
        letter = DeadLetter(
            id=dead_letter_id(stage, message),
            stage=stage,
            error=type(error).__name__,
            reason=str(error),
            transient=transient,
            attempts=attempts,
            message=message,
            text=text,
            message_id=message_id,
            at=at,
            due_at=due_after(at, transient=transient, sent_by_itself=0),
        )
        while not self._documents.commit(Create(DEAD_LETTERS, letter.id, letter.model_dump(mode="json"))):
            known = self.known(letter.id)
            if known is None:
                continue
            told_again = bool(message_id) and known.letter.message_id == message_id
            if known.letter.state is LetterState.WAITING or told_again:
                return known.letter
            again = _failed_again(letter, known.letter)
            if self.replace(again, known):
                return again
        return letter

    def get(self, letter_id: str) -> DeadLetter | None:
        """Read one."""
        known = self.known(letter_id)
        return known.letter if known else None

    def waiting(self, stage: str, message: dict[str, JsonValue]) -> DeadLetter | None:
        """Read the dead letter of a message, if it waits."""
        letter = self.get(dead_letter_id(stage, message))
        return letter if letter and letter.state is LetterState.WAITING else None

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

    def due(self, now: datetime) -> Iterator[KnownLetter]:
        """Yield those that wait and are to be sent again by themselves by now, the longest due first."""
        for found in every(self._documents, DUE_DEAD_LETTERS, (LetterState.WAITING.value,)):
            known = _known(found)
            if known.letter.due_at > now:
                return
            yield known

    def count(self) -> int:
        """Count those that wait."""
        return self._documents.count(DEAD_LETTERS_BY_STATE, (LetterState.WAITING.value,))


def _failed_again(letter: DeadLetter, before: DeadLetter) -> DeadLetter:
    """Let one wait again, with what is remembered of its life."""
    due = due_after(letter.at, transient=letter.transient, sent_by_itself=before.sent_by_itself)
    return letter.model_copy(
        update={
            "sent_by_itself": before.sent_by_itself,
            "due_at": due,
            "dropped_by": before.dropped_by,
            "drop_reason": before.drop_reason,
        }
    )


def _known(found: Document) -> KnownLetter:
    return KnownLetter(DeadLetter.model_validate(found.data), found.version)
