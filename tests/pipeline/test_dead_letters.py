"""Messages that cannot be worked on: kept where a person sees them, and in nobody's way."""

import json
import sqlite3
import time
from typing import Any

import pytest
from cloudevents.http import CloudEvent

from functions.local.delivery import Delivery, entry_points
from functions.local.host import queue_of
from shared import wiring
from shared.embedded.queue import SqliteQueue
from shared.errors import StoreDamagedError, UnavailableError
from shared.messages import SuggestionChanged, TraceFound
from shared.ports import Outgoing
from shared.pubsub_push import DEAD_LETTER_ATTEMPTS, DEAD_LETTER_SOURCE, LAST_ERROR, Pushed, encode_push
from shared.topology import RetryPolicy, Topic
from shared.wiring import Wiring

# JSON can spell half of a character; no store can keep it.
HALF = b'{"incident_id": "\\ud800", "trace_id": "\\ud800"}'


def _hasty_queue(parts: Wiring) -> SqliteQueue:
    """A queue that gives up soon, with one message in it."""
    queue = SqliteQueue(
        parts.documents._database,  # type: ignore[attr-defined]
        retries=RetryPolicy(first_wait=0.001, longest_wait=0.002, attempts=3),
    )
    queue.publish([Outgoing(Topic.SUGGESTIONS, SuggestionChanged(suggestion_id="sg-none"))])
    return queue


def test_a_message_that_every_attempt_failed_is_kept_with_its_stage_and_last_error(parts: Wiring) -> None:
    body = TraceFound(trace_id="t", incident_id="in-1").model_dump_json().encode()
    attributes = {
        DEAD_LETTER_SOURCE: "failures",
        DEAD_LETTER_ATTEMPTS: "8",
        LAST_ERROR: "StageFailedError: KeyError",
    }
    with wiring.use(parts):
        for _ in range(2):
            event = encode_push(Pushed(body, "1", attributes), topic="dead-letters")
            entry_points()[Topic.DEAD_LETTERS](event)
    letters = list(parts.dead_letters.all())
    assert [(one.stage, one.attempts, one.transient) for one in letters] == [("sanitize", 8, True)]
    assert "KeyError" in letters[0].reason
    assert letters[0].message == {"trace_id": "t", "incident_id": "in-1"}


@pytest.mark.parametrize("data", [b"", b"hello", b"[]", b"{}", b'{"trace_id": 7}', b"[" * 5000, HALF])
def test_a_message_that_is_none_is_a_dead_letter_and_acknowledged(parts: Wiring, data: bytes) -> None:
    with wiring.use(parts):
        entry_points()[Topic.FAILURES](encode_push(Pushed(data, "1", {}), topic="failures"))
    letters = list(parts.dead_letters.all())
    assert [(one.stage, one.error) for one in letters] == [("sanitize", "MessageError")]


def test_a_message_with_half_a_character_ends_a_run_as_a_dead_letter(parts: Wiring) -> None:
    """It cannot be stored as it is: neither by its stage, nor by `bury` after every attempt failed."""
    with parts.documents._database.transaction() as connection:  # type: ignore[attr-defined]
        for topic in (Topic.ALERTS, Topic.DEAD_LETTERS):
            connection.execute(
                "INSERT INTO messages (topic, data, attributes, available_at) VALUES (?, ?, ?, 0)",
                (topic, HALF, json.dumps({"traceparent": 5, DEAD_LETTER_ATTEMPTS: 7, "x": ["a"]})),
            )
    queue = queue_of(parts)
    with wiring.use(parts):
        Delivery(queue, entry_points()).drain()
    assert sorted(one.stage for one in parts.dead_letters.all()) == ["find_failures", "unknown"]


def test_a_run_ends_and_says_so_when_even_a_dead_letter_cannot_be_kept(parts: Wiring) -> None:
    def refuse(_: CloudEvent) -> None:
        raise UnavailableError("no room")

    queue = _hasty_queue(parts)
    with pytest.raises(UnavailableError, match="1 messages could not be kept"):
        Delivery(queue, dict.fromkeys(Topic, refuse)).drain()
    assert queue.pending() == 1


def test_a_run_waits_for_the_last_attempt_to_keep_a_dead_letter(parts: Wiring) -> None:
    tries: list[float] = []

    def slow(_: CloudEvent) -> None:
        tries.append(time.monotonic())
        if len(tries) < 6:
            raise UnavailableError("no room yet")
        time.sleep(0.3)

    queue = _hasty_queue(parts)
    Delivery(queue, dict.fromkeys(Topic, slow)).drain()
    assert (queue.pending(), len(tries)) == (0, 6)


def test_a_dead_letter_that_could_not_be_kept_is_tried_again_by_the_next_run(parts: Wiring) -> None:
    broken = [True]

    def bury(_: CloudEvent) -> None:
        if broken[0]:
            raise UnavailableError("no room")

    queue = _hasty_queue(parts)
    with pytest.raises(UnavailableError):
        Delivery(queue, dict.fromkeys(Topic, bury)).drain()
    broken[0] = False
    Delivery(queue, dict.fromkeys(Topic, bury)).drain()
    assert queue.pending() == 0


@pytest.mark.parametrize("error", [StoreDamagedError("damaged"), sqlite3.OperationalError("readonly")])
def test_a_run_ends_when_its_queue_cannot_be_read(parts: Wiring, error: Exception) -> None:
    class Broken(SqliteQueue):
        def lease(self) -> Any:
            raise error

    queue = Broken(parts.documents._database)  # type: ignore[attr-defined]
    queue.publish([Outgoing(Topic.SUGGESTIONS, SuggestionChanged(suggestion_id="sg-none"))])
    with pytest.raises((StoreDamagedError, UnavailableError)):
        Delivery(queue, entry_points()).drain()


def test_a_run_ends_when_a_stage_finds_the_store_damaged(parts: Wiring) -> None:
    def refuse(_: CloudEvent) -> None:
        raise StoreDamagedError("the store is damaged")

    queue = queue_of(parts)
    queue.publish([Outgoing(Topic.SUGGESTIONS, SuggestionChanged(suggestion_id="sg-none"))])
    with pytest.raises(StoreDamagedError):
        Delivery(queue, dict.fromkeys(Topic, refuse)).drain()
    assert queue.pending() == 1
