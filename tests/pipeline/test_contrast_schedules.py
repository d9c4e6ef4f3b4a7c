"""Sweeps among deliveries in any order, two at once, broken off at any point: the same end state."""

import random
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.local.delivery import entry_points
from shared import wiring
from shared.errors import TransientError
from shared.ports import Outgoing, Write
from shared.repositories.courses import Courses
from shared.topology import Topic
from shared.wiring import Wiring
from tests.pipeline.contrasting import TICK, Recorded, arrive, failures, found, healthy_runs, store_of
from tests.pipeline.end_state import assert_whole, end_state
from tests.pipeline.test_schedules import Chaos, run_chaotically
from tests.properties import examples

FAILED = ["f-reason", "f-missing", "f-early"]
PASSED = ["h-tent", "h-tent-2", "h-boots", "h-move", "h-move-2"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    parts = store_of(tmp_path_factory.mktemp("undisturbed"), source())
    arrive(parts, *PASSED, *FAILED)
    assert_whole(parts)
    return end_state(parts)


def source() -> Recorded:
    return Recorded([*failures(), *healthy_runs()])


def settle(parts: Wiring, chaos: Chaos, work: Callable[[], object]) -> None:
    """Tick until nothing is due."""
    for _ in range(10):
        work()
        if next(parts.contrasts.due(), None) is None:
            return
        chaos.publish([TICK])
    raise AssertionError("the sweeps come to no end")


@examples(15)
@given(seed=st.integers(0, 2**32))
def test_any_schedule_with_sweeps_among_it_ends_in_the_same_state(
    seed: int, undisturbed: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    chaos = Chaos(seed)
    parts = replace(store_of(tmp_path_factory.mktemp("chaos"), source()), publisher=chaos)
    chaos.publish([*found(*FAILED, *PASSED), *[TICK] * 4])
    settle(parts, chaos, lambda: run_chaotically(parts, chaos, workers=3, drop=0.2))
    assert_whole(parts)
    assert end_state(parts) == undisturbed


class KilledError(BaseException):
    """Ends a process wherever it is: nothing catches it."""


class Mortal:
    """A store and a publisher of a process that is killed before or after its so-manieth write."""

    def __init__(self, parts: Wiring, chaos: Chaos, after: int) -> None:
        self._documents, self._chaos = parts.documents, chaos
        self.left = after

    def commit(self, *writes: Write) -> bool:
        self._step()
        done = self._documents.commit(*writes)
        self._step()
        return done

    def publish(self, outgoing: Iterable[Outgoing], *, trace_context: str = "") -> int:
        self._step()
        done = self._chaos.publish(outgoing, trace_context=trace_context)
        self._step()
        return done

    def _step(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise KilledError

    def __getattr__(self, name: str) -> Any:
        return getattr(self._documents, name)


def started(parts: Wiring, chaos: Chaos, after: int) -> Wiring:
    """Start a process that is killed after so many steps."""
    mortal: Any = Mortal(parts, chaos, after)
    return replace(parts, documents=mortal, courses=Courses(mortal), publisher=mortal)


def work_off(parts: Wiring, chaos: Chaos, lives: Iterable[int]) -> int:
    """Deliver one by one; a process that is killed is followed by the next. Says how many were killed."""
    entries, waiting, killed = entry_points(), iter(lives), 0
    process = started(parts, chaos, next(waiting, 0))
    while (message := chaos.take()) is not None:
        try:
            with wiring.use(process):
                entries[message[0]](chaos.event(message))
        except TransientError:
            chaos.give_back(message)
        except KilledError:
            chaos.give_back(message)
            killed += 1
            process = started(parts, chaos, next(waiting, 0))
    return killed


@examples(15)
@given(seed=st.integers(0, 2**32))
def test_processes_that_are_killed_anywhere_lose_nothing(
    seed: int, undisturbed: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    chaos, drawn = Chaos(seed), random.Random(seed)
    parts = store_of(tmp_path_factory.mktemp("killed"), source())
    chaos.publish([*found(*FAILED, *PASSED), *[TICK] * 3])
    lives = [drawn.randint(1, 60) for _ in range(8)]
    killed = 0

    def work() -> None:
        nonlocal killed
        killed += work_off(parts, chaos, lives[killed:])

    settle(parts, chaos, work)
    assert killed >= 4
    assert_whole(parts)
    assert end_state(parts) == undisturbed


def survived(parts: Wiring, chaos: Chaos, after: int) -> bool:
    """Kill a sweep after so many steps, and let the next process go on; True where it had come to its end."""
    chaos.publish(found(*FAILED, *PASSED))
    work_off(parts, chaos, [])
    done = False
    with suppress(KilledError), wiring.use(started(parts, chaos, after)):
        entry_points()[Topic.CONTRASTS](chaos.event((Topic.CONTRASTS, b"{}")))
        done = True
    settle(parts, chaos, lambda: work_off(parts, chaos, []))
    return done


def test_a_sweep_that_is_killed_at_any_step_is_done_by_the_next(
    undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    """A step is a write or a publishing, or right behind one: beginning, telling a page, settling."""
    done = []
    for after in range(1, 8):
        parts = store_of(tmp_path, source(), f"killed-{after}")
        done.append(survived(parts, Chaos(after), after))
        assert_whole(parts)
        assert end_state(parts) == undisturbed
    assert done == [False] * 6 + [True]
