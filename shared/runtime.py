"""Turns a plain stage function into what a Cloud Function does with one message."""

import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from cloudevents.http import CloudEvent
from pydantic import JsonValue, ValidationError

from shared.errors import EvalForgeError, MessageError, PermanentError, StageFailedError
from shared.logs import describe, logger
from shared.messages import Message
from shared.ports import Clock, Outgoing, Publisher
from shared.pubsub_push import Pushed, body_of, decode_push, ids_in
from shared.repositories.dead_letters import DeadLetters

AnyMessage = TypeVar("AnyMessage", bound=Message)
Stage = Callable[[AnyMessage], Iterable[Outgoing]]
StageInPages = Callable[[AnyMessage], Iterable[Iterable[Outgoing]]]


class Parts(Protocol):
    """What the runtime itself needs of the wiring."""

    @property
    def publisher(self) -> Publisher:
        """Where outgoing messages go."""

    @property
    def dead_letters(self) -> DeadLetters:
        """Where what cannot be worked on is kept."""

    @property
    def clock(self) -> Clock:
        """The time."""


def handle(
    event: CloudEvent,
    message_type: type[AnyMessage],
    run: Stage[AnyMessage],
    *,
    stage: str,
    parts: Parts,
) -> None:
    """Decode, validate, run (which writes), publish what comes of it.

    Returning acknowledges the message. A permanent error is kept as a dead
    letter and acknowledged; any other error is raised, so that it is delivered
    again.
    """
    handle_in_pages(event, message_type, lambda message: [run(message)], stage=stage, parts=parts)


def handle_in_pages(
    event: CloudEvent,
    message_type: type[AnyMessage],
    run: StageInPages[AnyMessage],
    *,
    stage: str,
    parts: Parts,
) -> None:
    """Do as `handle` does, a page at a time: what follows a yield is run once its page is published."""
    log = logger(stage)
    started = time.perf_counter()
    pushed = decode_push(event)
    fields: dict[str, Any] = {"message_id": pushed.message_id, "trace_context": pushed.trace_context}
    body: dict[str, JsonValue] = {}
    try:
        body = _body(pushed)
        published = sum(
            parts.publisher.publish(page, trace_context=pushed.trace_context)
            for page in run(_validated(body, message_type))
        )
    except PermanentError as error:
        letter = parts.dead_letters.record(
            stage=stage,
            error=error,
            message=ids_in(body),
            message_id=pushed.message_id,
            at=parts.clock(),
        )
        log.exception("kept as a dead letter", extra=fields | ids_in(body) | {"dead_letter_id": letter.id})
        return
    except EvalForgeError as error:
        log.warning("to be delivered again: %s", describe(error), extra=fields | ids_in(body))
        raise
    except Exception as error:
        log.exception("to be delivered again", extra=fields | ids_in(body))
        # Whoever prints what is raised here must not print the values that a foreign error repeats.
        raise StageFailedError(f"{stage}: {describe(error)}") from None
    elapsed = round((time.perf_counter() - started) * 1000, 1)
    log.info("done", extra=fields | ids_in(body) | {"count": published, "elapsed_ms": elapsed})


def _body(pushed: Pushed) -> dict[str, JsonValue]:
    body = body_of(pushed)
    if body is None:
        raise MessageError("the message is not a JSON object; publish it again as its topic's schema says")
    return body


def _validated(body: dict[str, JsonValue], message_type: type[AnyMessage]) -> AnyMessage:
    try:
        return message_type.model_validate(body)
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, fault["loc"])) for fault in error.errors(include_input=False))
        raise MessageError(
            f"a {message_type.__name__} message has wrong or missing fields: {fields}"
        ) from None
