"""The loop on Google's own parts: the same end as on the embedded backend, through outages and kills."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from functions.local.demo import alert_payload
from functions.local.emulation import Emulation
from functions.local.emulator_note import EmulatorHosts
from functions.local.trace_run import order_files, register_files, run_files
from functions.resend.resending import resend_one
from shared.domain.dead_letters import LetterState
from shared.domain.suggestions import SuggestionStatus
from shared.messages import CaptureStored
from shared.ports import Create, Delete, Outgoing
from shared.repositories.outbox import NoticeState
from shared.topology import FAILURE_PATTERNS, Topic
from shared.wiring import Wiring
from tests.conftest import SAMPLES
from tests.emulator.conftest import World, until
from tests.emulator.outages import stopped
from tests.pipeline.end_state import assert_whole, end_state, is_whole, open_store


@pytest.fixture
def embedded(recorded: Path, tmp_path: Path) -> dict[str, Any]:
    """What the recorded runs come to on the embedded backend."""
    parts = open_store(tmp_path / "embedded.db")
    run_files([recorded], parts)
    return end_state(parts)


def post(emulation: Emulation) -> httpx.Response:
    return httpx.post(emulation.webhook, json=alert_payload(), trust_env=False, timeout=30)


def came_to(parts: Wiring, wanted: dict[str, Any]) -> None:
    """Wait for an end state, and hold that nothing is lost and nothing counts twice."""
    until(lambda: parts.captures.count() == len(wanted["captures"]) and is_whole(parts))
    assert_whole(parts)
    # What gave up says why, which the ids of an end state do not.
    assert list(parts.dead_letters.all()) == []
    assert end_state(parts) == wanted
    notices = list(parts.outbox.all())
    assert len(notices) == len({notice.suggestion_id for notice in notices})
    assert {notice.state for notice in notices} == {NoticeState.NO_CHANNEL}


def test_a_webhook_ends_in_finished_suggestions(world: World) -> None:
    with world() as emulation:
        register_files([SAMPLES], emulation.parts)
        answer = post(emulation)
        assert (answer.status_code, answer.json()["searching"]) == (202, True)
        until(lambda: emulation.parts.captures.count() == 11 and is_whole(emulation.parts))
        assert_whole(emulation.parts)
        told = list(emulation.parts.suggestions.all())
        assert {one.status for one in told} == {SuggestionStatus.PENDING}
        assert sum(one.recurrence for one in told) == 11
        assert emulation.parts.dead_letters.count() == 0


def test_recorded_runs_end_as_on_the_embedded_backend(
    world: World, recorded: Path, embedded: dict[str, Any]
) -> None:
    with world() as emulation:
        order_files([recorded], emulation.parts)
        came_to(emulation.parts, embedded)


def test_an_outage_of_pubsub_and_killed_functions_lose_nothing(
    world: World, recorded: Path, embedded: dict[str, Any], emulators: EmulatorHosts
) -> None:
    with world() as emulation:
        parts = emulation.parts
        order_files([recorded], parts)
        until(lambda: parts.captures.count() > 3)
        with stopped(emulators.pubsub):
            # Longer than a publish call waits, so that stages fail on it.
            time.sleep(13)
        for name in ("sanitize", "extract", "deduplicate", "generate"):
            master = emulation.functions()[name].pid
            # The worker with its requests, then the master: what remains is started again.
            for worker in psutil.Process(master).children():
                worker.kill()
            time.sleep(0.3)
            os.kill(master, signal.SIGKILL)
        came_to(parts, embedded)


def test_a_poison_message_is_buried_seen_and_sent_again(world: World) -> None:
    with world() as emulation:
        parts = emulation.parts
        register_files([SAMPLES], parts)
        post(emulation)
        until(lambda: parts.captures.count() == 11 and is_whole(parts))
        # A stored pattern that no version can read stops its capture at `extract`, for ever.
        trace = next(parts.captures.heads()).trace_id
        whole = parts.documents.get(FAILURE_PATTERNS, trace)
        assert whole is not None
        parts.documents.commit(Delete(FAILURE_PATTERNS, trace))
        parts.documents.commit(Create(FAILURE_PATTERNS, trace, whole.data | {"body": "no pattern"}))
        parts.publisher.publish([Outgoing(Topic.CAPTURES, CaptureStored(trace_id=trace))])
        until(lambda: parts.dead_letters.count() == 1)
        letter = next(parts.dead_letters.all())
        assert (letter.stage, letter.transient, letter.message) == ("extract", True, {"trace_id": trace})
        assert letter.attempts >= 5

        parts.documents.commit(Delete(FAILURE_PATTERNS, trace))
        resend_one(letter.id, parts.dead_letters, parts.publisher, clock=parts.clock)
        until(lambda: parts.patterns.get(trace) is not None and is_whole(parts))
        sent = parts.dead_letters.get(letter.id)
        assert sent is not None
        assert sent.state is LetterState.SENT
        assert parts.dead_letters.count() == 0
