"""From the dead-letter topic to a dead letter that a person can read and send again."""

from cloudevents.http import CloudEvent

from shared.errors import EvalForgeError, UnavailableError
from shared.logs import describe, logger
from shared.ports import Clock
from shared.pubsub_push import (
    DEAD_LETTER_ATTEMPTS,
    DEAD_LETTER_SOURCE,
    DEAD_LETTER_SUBSCRIPTION,
    LAST_ERROR,
    body_of,
    decode_push,
    ids_in,
)
from shared.repositories.dead_letters import DeadLetters
from shared.topology import FUNCTIONS


def bury_message(event: CloudEvent, *, dead_letters: DeadLetters, clock: Clock) -> None:
    """Store the ids that a message carried, the stage that failed on it, and how often it was tried."""
    pushed = decode_push(event)
    told = pushed.attributes
    source = told.get(DEAD_LETTER_SOURCE) or told.get(DEAD_LETTER_SUBSCRIPTION, "")
    attempts = told.get(DEAD_LETTER_ATTEMPTS, "")
    last = told.get(LAST_ERROR) or "the logs of the stage name the error"
    try:
        letter = dead_letters.record(
            stage=_stage_of(source),
            error=UnavailableError(f"every attempt failed with an error that may pass: {last}"),
            message=ids_in(body_of(pushed) or {}),
            message_id=pushed.message_id,
            at=clock(),
            attempts=int(attempts) if attempts.isdecimal() else 0,
            transient=True,
        )
    except EvalForgeError as error:
        logger("bury").warning("to be delivered again: %s", describe(error))
        raise
    logger("bury").error("kept as a dead letter", extra={"dead_letter_id": letter.id})


def _stage_of(source: str) -> str:
    """Name the stage by its subscription, as Pub/Sub tells it, or by its topic, as our queue does."""
    name = source.rpartition("/")[2]
    found = (one.name for one in FUNCTIONS if one.topic and name in (one.id, one.topic.value))
    return next(found, source or "unknown")
