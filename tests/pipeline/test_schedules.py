"""Every message delivered twice, out of order, two at a time: the same end state."""

import json
import random
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cloudevents.http import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from functions.local.delivery import entry_points
from functions.local.trace_run import register_files
from shared import wiring
from shared.domain.incidents import Incident, IncidentKind
from shared.errors import TransientError
from shared.messages import AlertRaised, SuggestionChanged
from shared.ports import Outgoing
from shared.pubsub_push import Pushed, encode_push
from shared.topology import Topic
from shared.wiring import Wiring
from tests.conftest import SAMPLES
from tests.pipeline.end_state import assert_whole, end_state, open_store
from tests.properties import examples

COPIES = 2


class Chaos:
    """A broker that keeps Pub/Sub's promise and no more: each message comes at least once, some time."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._waiting: list[tuple[Topic, bytes]] = []

    def publish(self, outgoing: Iterable[Outgoing], *, trace_context: str = "") -> int:
        published = [(topic, message.model_dump_json().encode()) for topic, message in outgoing]
        with self._lock:
            self._waiting += published * COPIES
        return len(published)

    def take(self) -> tuple[Topic, bytes] | None:
        with self._lock:
            if not self._waiting:
                return None
            return self._waiting.pop(self._random.randrange(len(self._waiting)))

    def give_back(self, message: tuple[Topic, bytes]) -> None:
        with self._lock:
            self._waiting.append(message)

    def event(self, message: tuple[Topic, bytes]) -> CloudEvent:
        topic, data = message
        return encode_push(Pushed(data, str(self._random.random()), {}), topic=topic)


def run_chaotically(parts: Wiring, chaos: Chaos, *, workers: int, drop: float = 0.0) -> None:
    """Deliver until nothing is left; some deliveries are forgotten after they were done, as by a crash."""
    entries = entry_points()
    dropping = random.Random(17)

    def work() -> None:
        while (message := chaos.take()) is not None:
            try:
                entries[message[0]](chaos.event(message))
            except TransientError:
                chaos.give_back(message)
                continue
            if dropping.random() < drop:
                chaos.give_back(message)

    with wiring.use(parts):
        # A worker that finds nothing ends while another still publishes: begin again until all is quiet.
        while True:
            with ThreadPoolExecutor(workers) as pool:
                for done in [pool.submit(work) for _ in range(workers)]:
                    done.result()
            if (left := chaos.take()) is None:
                return
            chaos.give_back(left)


def order_of(parts: Wiring, source: str | None = None) -> Outgoing:
    incident = Incident(id=f"in-{source}", kind=IncidentKind.BACKFILL, source=source)
    parts.incidents.open_or_renew(incident)
    return Outgoing(Topic.ALERTS, AlertRaised(incident_id=incident.id))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    parts = open_store(tmp_path_factory.mktemp("undisturbed") / "store.db")
    register_files([SAMPLES], parts)
    chaos = Chaos(0)
    parts = replace(parts, publisher=chaos)
    chaos.publish([order_of(parts)])
    run_chaotically(parts, chaos, workers=1)
    assert_whole(parts)
    assert (parts.captures.count(), parts.healthy.count()) == (11, 13)
    return end_state(parts)


@examples(12)
@given(seed=st.integers(0, 2**32))
def test_any_schedule_ends_in_the_same_state(
    seed: int, undisturbed: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    parts = open_store(tmp_path_factory.mktemp("chaos") / "store.db")
    register_files([SAMPLES], parts)
    chaos = Chaos(seed)
    parts = replace(parts, publisher=chaos)
    chaos.publish([order_of(parts)])
    run_chaotically(parts, chaos, workers=2, drop=0.2)
    assert_whole(parts)
    assert end_state(parts) == undisturbed


def halves(folder: Path) -> list[Path]:
    """Cut every trace in two, so that each grows while its first half is worked on."""
    lines = SAMPLES.read_bytes().splitlines(keepends=True)
    paths = [folder / "early.jsonl", folder / "late.jsonl"]
    paths[0].write_bytes(b"".join(lines[::2]))
    paths[1].write_bytes(b"".join(lines[1::2]))
    return paths


@examples(8)
@given(seed=st.integers(0, 2**32), late_after=st.integers(0, 150))
def test_traces_that_grow_meanwhile_end_in_the_same_state(
    seed: int, late_after: int, undisturbed: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("growing")
    early, late = halves(folder)
    parts = open_store(folder / "store.db")
    chaos = Growing(seed, late_after)
    parts = replace(parts, publisher=chaos)
    register_files([early], parts)
    chaos.then = lambda: arrive(parts, late)
    chaos.publish([order_of(parts)])
    run_chaotically(parts, chaos, workers=2)
    arrive(parts, late)
    run_chaotically(parts, chaos, workers=2)
    assert_whole(parts)
    state = end_state(parts)
    assert {key: state[key] for key in ("captures", "healthy", "patterns")} == {
        key: undisturbed[key] for key in ("captures", "healthy", "patterns")
    }


def arrive(parts: Wiring, path: Path) -> None:
    """Let the second halves come in, with the order to look for them."""
    register_files([path], parts)
    parts.publisher.publish([order_of(parts)])


class Growing(Chaos):
    """Lets something happen after a number of deliveries."""

    def __init__(self, seed: int, after: int) -> None:
        super().__init__(seed)
        self._left = after
        self.then: Any = None

    def take(self) -> tuple[Topic, bytes] | None:
        with self._lock:
            self._left -= 1
            due = self._left == 0
        if due:
            self.then()
        return super().take()


def test_a_drained_store_is_not_written_by_any_message_told_again(tmp_path: Path) -> None:
    parts = open_store(tmp_path / "store.db")
    register_files([SAMPLES], parts)
    chaos = Chaos(3)
    parts = replace(parts, publisher=chaos)
    chaos.publish([order_of(parts)])
    run_chaotically(parts, chaos, workers=1)
    before = all_rows(parts)
    chaos.publish([order_of(parts)])
    chaos.publish(
        Outgoing(Topic.SUGGESTIONS, SuggestionChanged(suggestion_id=one.id))
        for one in parts.suggestions.all()
    )
    run_chaotically(parts, chaos, workers=2)
    assert all_rows(parts) == before


def all_rows(parts: Wiring) -> list[Any]:
    with parts.documents._database.reading() as connection:  # type: ignore[attr-defined]
        rows = connection.execute("SELECT collection, id, data, version FROM documents").fetchall()
    return [(collection, name, json.loads(data), version) for collection, name, data, version in rows]
