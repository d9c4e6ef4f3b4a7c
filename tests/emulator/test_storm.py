"""A storm of webhooks while the broker cannot be reached: what was answered 2xx is worked on, or kept."""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, Self

import httpx
import pytest
from google.api_core.exceptions import DeadlineExceeded
from google.cloud.pubsub_v1 import SubscriberClient

from functions.local.demo import alert_payload
from functions.local.emulator_note import EmulatorHosts
from functions.local.trace_run import register_files
from shared.domain.incidents import IncidentState
from shared.messages import TraceFound
from shared.topology import Topic, function_of
from shared.wiring import Wiring
from tests.emulator.conftest import World
from tests.emulator.outages import Gate, gate_before, stopped
from tests.emulator.waiting_work import one_trace

AT_A_TIME = 16
# Datadog waits for so long, and sends again what is answered 5xx; how soon, it does not say.
DATADOG_SECONDS = 15
TIMES_AGAIN = 5
AGAIN_AFTER_SECONDS = 2
# Of so many webhooks one cannot be read, and one says nothing that is to be looked into.
EVERY = 20
_PULL_SECONDS = 3
_LONGEST_SEARCH_SECONDS = 120


class Size(NamedTuple):
    """How many webhooks come, and how long the broker is out of reach."""

    webhooks: int
    outage_seconds: float


class Answered(NamedTuple):
    """A webhook with its answer, and from when to when it was under way."""

    webhook: bytes
    status: int
    told: dict[str, Any]
    began: float
    ended: float

    @property
    def searched(self) -> bool:
        """Say whether it was answered that its incident is searched for."""
        return self.status == 202 and bool(self.told["searching"])


class Outage(NamedTuple):
    """From when to when the broker could not be reached."""

    began: float
    ended: float

    def holds(self, one: Answered) -> bool:
        """Say whether there was no broker all the while."""
        return self.began <= one.began and one.ended <= self.ended


class Storm:
    """Posts webhooks, so many at a time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = httpx.Client(trust_env=False, timeout=DATADOG_SECONDS)
        self._pool = ThreadPoolExecutor(AT_A_TIME)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._client.close()

    def send(self, webhooks: Iterable[bytes]) -> list[Future[Answered]]:
        """Send all, and do not wait."""
        return [self._pool.submit(self._send, one) for one in webhooks]

    def send_again(self, answered: Sequence[Answered]) -> Iterator[Answered]:
        """Send what was answered 5xx as often as Datadog does; yield every answer."""
        for _ in range(TIMES_AGAIN):
            answered = all_of(self.send(one.webhook for one in answered if one.status >= 500))
            if not answered:
                return
            yield from answered
            time.sleep(AGAIN_AFTER_SECONDS)

    def _send(self, webhook: bytes) -> Answered:
        began = time.monotonic()
        answer = self._client.post(self._url, content=webhook)
        return Answered(webhook, answer.status_code, answer.json(), began, time.monotonic())


class Searches:
    """What find_failures publishes; the test stands where sanitize stands."""

    def __init__(self, client: SubscriberClient, project: str) -> None:
        """Let nothing be pushed on."""
        self._client = client
        self._path = f"projects/{project}/subscriptions/{function_of(Topic.FAILURES).id}"
        self._client.modify_push_config(request={"subscription": self._path, "push_config": {}})

    def read(self, wanted: set[str]) -> set[str]:
        """Read for which incidents a trace was found, until these are among them and no more come."""
        found: set[str] = set()
        deadline = time.monotonic() + _LONGEST_SEARCH_SECONDS
        while (came := self._pull()) or (not wanted <= found and time.monotonic() < deadline):
            found |= came
        return found

    def _pull(self) -> set[str]:
        asked = {"subscription": self._path, "max_messages": 1000}
        try:
            pulled = self._client.pull(request=asked, timeout=_PULL_SECONDS, retry=None).received_messages
        except DeadlineExceeded:
            return set()
        if pulled:
            ids = [one.ack_id for one in pulled]
            self._client.acknowledge(request={"subscription": self._path, "ack_ids": ids})
        return {TraceFound.model_validate_json(one.message.data).incident_id for one in pulled}


def webhooks(how_many: int) -> Iterator[bytes]:
    for number in range(how_many):
        payload = alert_payload() | {"alert_id": str(number), "cycle_key": str(number)}
        match number % EVERY:
            case 7:
                yield f"webhook {number} is no alert".encode()
            case 13:
                yield json.dumps(payload | {"transition": "No Data"}).encode()
            case _:
                yield json.dumps(payload).encode()


def all_of(sent: list[Future[Answered]]) -> list[Answered]:
    return [one.result() for one in sent]


def outage(gate: Gate, host: str, seconds: float) -> Outage:
    """Let the broker be silent for half of the time, and for the other half not be there.

    What was sent into the silence is gone: a broker that had only slept would read it in the end.
    """
    with stopped(host):
        began = time.monotonic()
        time.sleep(seconds / 2)
        with gate.shut():
            time.sleep(seconds / 2)
            return Outage(began, time.monotonic())


def assert_kept(parts: Wiring, answered: Iterable[Answered]) -> None:
    """Hold that what was answered 2xx stands where the answer says."""
    for one in answered:
        match one.status:
            case 200:
                letter = parts.dead_letters.get(one.told["dead_letter"])
                assert letter is not None
                assert (letter.reason, letter.text) == (one.told["reason"], one.webhook.decode())
            case 202:
                state = parts.incidents.get(one.told["incident"]).state
                assert state is (IncidentState.OPEN if one.searched else IncidentState.NOTED)


@pytest.mark.parametrize("size", [Size(200, 15), pytest.param(Size(1000, 120), marks=pytest.mark.full)])
def test_what_was_answered_2xx_while_the_broker_was_out_of_reach_is_worked_on(
    world: World,
    emulators: EmulatorHosts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    size: Size,
) -> None:
    # Every webhook that is not taken is an error in the log.
    monkeypatch.setenv("EVALFORGE_LOG_LEVEL", "CRITICAL")
    with gate_before(emulators.pubsub) as gate, world(pubsub=gate.address) as emulation:
        parts = emulation.parts
        register_files([one_trace(tmp_path)], parts)
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", emulators.pubsub)
        with SubscriberClient() as subscriber, Storm(emulation.webhook) as storm:
            searches = Searches(subscriber, parts.settings.project)
            sent = storm.send(webhooks(size.webhooks))
            # Some are answered before there is no broker, and in the end it is back.
            all_of(sent[: size.webhooks // 5])
            out = outage(gate, emulators.pubsub, size.outage_seconds)
            first = all_of(sent)
            answered = [*first, *storm.send_again(first)]
            incidents = {one.told["incident"] for one in answered if one.searched}
            searched = searches.read(incidents)

        assert {one.status for one in first} == {200, 202, 503}
        assert [one for one in first if one.searched and out.holds(one)] == []
        assert max(one.ended - one.began for one in answered) < DATADOG_SECONDS
        assert incidents - searched == set()
        assert_kept(parts, answered)
        # What was not taken was sent again and taken: nothing of the storm is lost, and nothing gave up.
        assert len(incidents) == size.webhooks - 2 * size.webhooks // EVERY
        assert parts.dead_letters.count() == size.webhooks // EVERY
