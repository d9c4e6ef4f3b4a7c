"""Publishing and delivery: what every backend's broker must do."""

import threading
import time
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from functions.bury.burial import bury_message
from shared.messages import SCHEMA_VERSION, AlertRaised, CaptureStored, TraceFound
from shared.ports import Outgoing
from shared.pubsub_push import Pushed, body_of, encode_push
from shared.topology import Topic
from shared.wiring import Wiring
from tests.contract.brokers import ATTEMPTS, Broker, CloudBroker, EmbeddedBroker, wait_for

TRACE_CONTEXT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(params=["embedded", pytest.param("cloud", marks=pytest.mark.needs("emulators"))])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Broker:
    if request.param == "embedded":
        return EmbeddedBroker(tmp_path)
    return CloudBroker(request.getfixturevalue("emulated_project"))


class Seen:
    """A handler that notes all it gets, and fails as it is told."""

    def __init__(self, fail: int = 0, on: Topic | None = None) -> None:
        self._fail = fail
        self._on = on
        self._lock = threading.Lock()
        self.times: defaultdict[str, list[float]] = defaultdict(list)
        self.by_topic: defaultdict[Topic, list[Pushed]] = defaultdict(list)

    def __call__(self, topic: Topic, pushed: Pushed) -> None:
        with self._lock:
            self.by_topic[topic].append(pushed)
            told = self.times[f"{topic}:{pushed.data.decode()}"]
            told.append(time.monotonic())
            tries = len(told)
        if (self._on is None or topic is self._on) and tries <= self._fail:
            raise RuntimeError("not yet")


def orders(number: int) -> list[Outgoing]:
    return [Outgoing(Topic.ALERTS, AlertRaised(incident_id=f"in-{one}")) for one in range(number)]


def test_every_message_arrives_whole_at_its_topics_function(broker: Broker) -> None:
    seen = Seen()
    with broker.delivering(seen):
        assert broker.publisher.publish(orders(50), trace_context=TRACE_CONTEXT) == 50
        other = Outgoing(Topic.CAPTURES, CaptureStored(trace_id="t"))
        assert broker.publisher.publish([other]) == 1
        wait_for(lambda: len(seen.by_topic[Topic.ALERTS]) >= 50 and bool(seen.by_topic[Topic.CAPTURES]))
    bodies = Counter(pushed.data.decode() for pushed in seen.by_topic[Topic.ALERTS])
    assert set(bodies) == {f'{{"incident_id":"in-{number}"}}' for number in range(50)}
    for pushed in seen.by_topic[Topic.ALERTS]:
        assert pushed.attributes == {"schema": SCHEMA_VERSION, "traceparent": TRACE_CONTEXT}
        assert pushed.message_id
    assert seen.by_topic[Topic.CAPTURES][0].attributes == {"schema": SCHEMA_VERSION}


def test_nothing_to_publish_is_published_at_once(broker: Broker) -> None:
    assert broker.publisher.publish([]) == 0


def test_what_fails_is_delivered_again_later_until_it_succeeds(broker: Broker) -> None:
    seen = Seen(fail=2)
    with broker.delivering(seen):
        broker.publisher.publish(orders(5))
        wait_for(lambda: len(seen.times) == 5 and all(len(told) >= 3 for told in seen.times.values()))
    for told in seen.times.values():
        assert all(later - sooner >= 0.04 for sooner, later in pairwise(told))


def test_a_message_that_fails_holds_up_no_other(broker: Broker) -> None:
    seen = Seen(fail=100, on=Topic.ALERTS)
    with broker.delivering(seen):
        broker.publisher.publish(orders(1))
        wait_for(lambda: len(seen.by_topic[Topic.ALERTS]) > 0)
        broker.publisher.publish([Outgoing(Topic.CAPTURES, CaptureStored(trace_id="t"))])
        wait_for(lambda: bool(seen.by_topic[Topic.CAPTURES]), seconds=20)


def test_after_its_last_attempt_a_message_is_buried_with_its_stage(broker: Broker, parts: Wiring) -> None:
    seen = Seen(fail=100, on=Topic.FAILURES)
    with broker.delivering(seen):
        broker.publisher.publish([Outgoing(Topic.FAILURES, TraceFound(trace_id="t", incident_id="in-1"))])
        wait_for(lambda: bool(seen.by_topic[Topic.DEAD_LETTERS]))
    assert len(seen.by_topic[Topic.FAILURES]) >= ATTEMPTS
    event = encode_push(seen.by_topic[Topic.DEAD_LETTERS][0], topic="dead-letters")
    bury_message(event, dead_letters=parts.dead_letters, clock=parts.clock)
    letter = next(parts.dead_letters.all())
    assert (letter.stage, letter.transient) == ("sanitize", True)
    assert letter.attempts >= ATTEMPTS
    assert letter.message == {"trace_id": "t", "incident_id": "in-1"}


@pytest.mark.parametrize("trace_id", ['ключ 🔑 \x00 "\\/', "x" * 500_000], ids=["unicode", "large"])
def test_ids_of_any_text_and_size_travel_whole(broker: Broker, trace_id: str) -> None:
    seen = Seen()
    with broker.delivering(seen):
        broker.publisher.publish([Outgoing(Topic.CAPTURES, CaptureStored(trace_id=trace_id))])
        wait_for(lambda: bool(seen.by_topic[Topic.CAPTURES]))
    assert body_of(seen.by_topic[Topic.CAPTURES][0]) == {"trace_id": trace_id}


def test_many_publishers_at_once_lose_nothing(broker: Broker) -> None:
    seen = Seen()
    # A server that 800 messages reach at once may refuse some several times; nothing is given up here.
    with broker.delivering(seen, attempts=100):
        threads = [
            threading.Thread(
                target=broker.publisher.publish,
                args=(
                    [
                        Outgoing(Topic.CAPTURES, CaptureStored(trace_id=f"{one}-{number}"))
                        for number in range(100)
                    ],
                ),
            )
            for one in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_for(lambda: len(seen.times) == 800)
