"""A message or a record that could not be worked on, kept with its reason."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pydantic import JsonValue

from shared.domain.canonical import canonical_json, digest
from shared.domain.model import Instant, Model

# A time that sorts behind every other.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
# How long after it failed the first time and later; fifty attempts had come before.
RESEND_AFTER_MINUTES = (10, 60, 360, 1440)


class LetterState(StrEnum):
    """Where a dead letter is in its life; one that fails again waits again."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    DROPPED = "dropped"


class DeadLetter(Model):
    """What failed, in which stage, and why; `message` holds ids only.

    `text` is what came in from outside and could not be read, redacted and cut.

    `at` is when it failed last, `moved_at` when it last came to its state;
    `due_at` is when it is sent again with nobody asking, far in the future for
    never; `sent_by_itself` counts how often it was. `message_id` is the broker's,
    the same however often the broker delivers it.
    """

    id: str
    stage: str
    error: str
    reason: str
    transient: bool
    attempts: int
    message: dict[str, JsonValue]
    at: Instant
    text: str = ""
    message_id: str = ""
    state: LetterState = LetterState.WAITING
    due_at: Instant = NEVER
    moved_at: Instant | None = None
    sent_by_itself: int = 0
    dropped_by: str | None = None
    drop_reason: str | None = None


def due_after(at: datetime, *, transient: bool, sent_by_itself: int) -> datetime:
    """Say when one that failed at this time is sent again by itself: its cause may have passed by then."""
    left = RESEND_AFTER_MINUTES[sent_by_itself : sent_by_itself + 1]
    return at + timedelta(minutes=left[0]) if transient and left else NEVER


def dead_letter_id(stage: str, message: dict[str, JsonValue]) -> str:
    """Name the dead letter of a message: the same message has one, however often it fails."""
    return "dl-" + digest(stage, canonical_json(message), length=16)
