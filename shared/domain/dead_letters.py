"""A message or a record that could not be worked on, kept with its reason."""

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import JsonValue

from shared.domain.canonical import canonical_json, digest
from shared.domain.model import Instant, Model


class LetterState(StrEnum):
    """Where a dead letter is in its life; one that fails again waits again."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    DROPPED = "dropped"


class DeadLetter(Model):
    """What failed, in which stage, and why; `message` holds ids only.

    `at` is when it failed last, `moved_at` when it last came to its state;
    `sent_by_itself` counts how often it was sent again with nobody asking.
    """

    id: str
    stage: str
    error: str
    reason: str
    transient: bool
    attempts: int
    message: dict[str, JsonValue]
    at: Instant
    state: LetterState = LetterState.WAITING
    moved_at: Instant | None = None
    sent_by_itself: int = 0
    dropped_by: str | None = None
    drop_reason: str | None = None

    def is_due(self, now: datetime, waits_minutes: tuple[int, ...]) -> bool:
        """Say whether it is time to send it again by itself: its cause may have passed."""
        if not self.transient or self.state is not LetterState.WAITING:
            return False
        left = waits_minutes[self.sent_by_itself : self.sent_by_itself + 1]
        return bool(left) and now - self.at >= timedelta(minutes=left[0])


def dead_letter_id(stage: str, message: dict[str, JsonValue]) -> str:
    """Name the dead letter of a message: the same message has one, however often it fails."""
    return "dl-" + digest(stage, canonical_json(message), length=16)
