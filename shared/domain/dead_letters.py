"""A message or a record that could not be worked on, kept with its reason."""

from pydantic import JsonValue

from shared.domain.canonical import canonical_json, digest
from shared.domain.model import Instant, Model


class DeadLetter(Model):
    """What failed, in which stage, and why; `message` holds ids only."""

    id: str
    stage: str
    error: str
    reason: str
    transient: bool
    attempts: int
    message: dict[str, JsonValue]
    at: Instant


def dead_letter_id(stage: str, message: dict[str, JsonValue]) -> str:
    """Name the dead letter of a message: the same message has one, however often it fails."""
    return "dl-" + digest(stage, canonical_json(message), length=16)
