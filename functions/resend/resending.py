"""From a dead letter back to its topic, and never both lost and forgotten."""

from datetime import timedelta
from itertools import islice

from pydantic import ValidationError

from shared.domain.dead_letters import NEVER, DeadLetter, LetterState
from shared.errors import ConflictError, NotFoundError, ResendError
from shared.messages import CARRIED
from shared.ports import Clock, Outgoing, Publisher
from shared.repositories.dead_letters import DeadLetters, KnownLetter
from shared.topology import FUNCTIONS

# Far longer than one message takes to publish.
_CLAIM = timedelta(minutes=5)
# What one tick of the schedule sends; the next tick goes on.
_MOST_AT_ONCE = 500


def resend_due(
    letters: DeadLetters,
    publisher: Publisher,
    *,
    clock: Clock,
    at_once: bool = False,
) -> list[Outgoing]:
    """Send again, each by itself, transient dead letters whose time has come, and those that a crash left.

    `at_once` takes for come what is still to come, but for what never will.
    Nothing is returned to be published: each message goes out between the
    two notes that it is being sent and that it was.
    """
    now = clock()
    for known in list(letters.in_state(LetterState.SENDING)):
        if known.letter.moved_at is None or abs(now - known.letter.moved_at) >= _CLAIM:
            _publish(known, letters, publisher, clock)
    by = NEVER - timedelta(days=1) if at_once else now
    for known in list(islice(letters.due(by), _MOST_AT_ONCE)):
        if outgoing_of(known.letter):
            counted = known.letter.model_copy(update={"sent_by_itself": known.letter.sent_by_itself + 1})
            _send(KnownLetter(counted, known.version), letters, publisher, clock)
    return []


def resend_one(letter_id: str, letters: DeadLetters, publisher: Publisher, *, clock: Clock) -> DeadLetter:
    """Send a dead letter again because somebody asks.

    Raises:
        NotFoundError: there is none of this id.
        ResendError: it does not hold a message that could be sent, or was dropped.
        ConflictError: somebody else does something with it now.
    """
    known = _known(letter_id, letters)
    if known.letter.state is LetterState.DROPPED:
        raise ResendError(f"{letter_id} was dropped by {known.letter.dropped_by}")
    if outgoing_of(known.letter) is None:
        raise ResendError(
            f"{letter_id} holds no message that {known.letter.stage} takes; mend its cause, give its "
            "source again, and drop it"
        )
    if not _send(known, letters, publisher, clock):
        raise ConflictError(f"{letter_id} was changed by somebody else meanwhile; look at it again")
    return known.letter


def drop(letter_id: str, letters: DeadLetters, *, actor: str, reason: str, clock: Clock) -> DeadLetter:
    """Give a dead letter up, with who says so and why; raises as `resend_one` does."""
    known = _known(letter_id, letters)
    if not reason.strip():
        raise ResendError("dropping a dead letter needs a reason")
    if known.letter.state is not LetterState.WAITING:
        raise ResendError(f"{letter_id} does not wait: it is {known.letter.state.value}")
    dropped = _moved(known.letter, LetterState.DROPPED, clock).model_copy(
        update={"dropped_by": actor, "drop_reason": reason}
    )
    if not letters.replace(dropped, known):
        raise ConflictError(f"{letter_id} was changed by somebody else meanwhile; look at it again")
    return dropped


def outgoing_of(letter: DeadLetter) -> Outgoing | None:
    """Spell a dead letter as the message that its stage takes; None where it holds none."""
    topic = next((one.topic for one in FUNCTIONS if one.name == letter.stage), None)
    if topic is None or topic not in CARRIED:
        return None
    try:
        return Outgoing(topic, CARRIED[topic].model_validate(letter.message))
    except ValidationError:
        return None


def _known(letter_id: str, letters: DeadLetters) -> KnownLetter:
    known = letters.known(letter_id)
    if known is None:
        raise NotFoundError(f"there is no dead letter {letter_id}; `evalforge list dead-letters` shows them")
    return known


def _send(known: KnownLetter, letters: DeadLetters, publisher: Publisher, clock: Clock) -> bool:
    """Note that it is being sent, send it, note that it was: a crash in between is noticed, and made good."""
    if not letters.replace(_moved(known.letter, LetterState.SENDING, clock), known):
        return False
    claimed = letters.known(known.letter.id)
    return claimed is not None and _publish(claimed, letters, publisher, clock)


def _publish(known: KnownLetter, letters: DeadLetters, publisher: Publisher, clock: Clock) -> bool:
    outgoing = outgoing_of(known.letter)
    if outgoing:
        publisher.publish([outgoing])
    # Where this does not succeed, the message has failed again already, and waits.
    letters.replace(_moved(known.letter, LetterState.SENT, clock), known)
    return True


def _moved(letter: DeadLetter, state: LetterState, clock: Clock) -> DeadLetter:
    return letter.model_copy(update={"state": state, "moved_at": clock()})
