"""Who is heard at the webhook, what each alert comes to, and that none is lost on the way."""

import base64
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import functions_framework
import pytest
from flask.testing import FlaskClient

from functions.local.demo import ALERT_TIME, alert_payload
from functions.local.host import queue_of
from shared import logs, wiring
from shared.domain.incidents import Incident, IncidentState
from shared.errors import ConfigError, MisconfiguredError, RefusedError, UnavailableError
from shared.redaction.findings import findings
from shared.settings import Settings, load_settings
from shared.wiring import Wiring, wire_embedded
from tests.conftest import ROOT

MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    app = functions_framework.create_app(  # type: ignore[no-untyped-call]
        "receive_alert", str(ROOT / "functions" / "receive_alert" / "main.py"), "http"
    )
    made: FlaskClient = app.test_client()
    return made


@pytest.fixture
def used(parts: Wiring) -> Iterator[Wiring]:
    with wiring.use(parts):
        yield parts


def at(minutes: int, transition: str = "Triggered", **changed: str) -> dict[str, str]:
    """Build an alert of one cycle, so many minutes after the demo's."""
    moment = str(int(ALERT_TIME.timestamp() * 1000) + minutes * MINUTE_MS)
    event = f"{transition} {minutes}"
    told = {"date_ms": moment, "updated_ms": moment, "transition": transition, "event_id": event}
    return alert_payload() | told | changed


def kept(client: FlaskClient, parts: Wiring, payload: dict[str, str]) -> Incident:
    """Post an alert and read its incident."""
    answer = client.post("/", json=payload)
    assert answer.status_code == 202, answer.text
    return parts.incidents.get(answer.get_json()["incident"])


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Wiring]:
    settings = Settings(evalforge_store=tmp_path / "s.db", datadog_webhook_token="new-token, old-token")
    with wiring.use(parts := wire_embedded(settings)):
        yield parts


@pytest.mark.parametrize(
    "headers",
    [
        {"X-EvalForge-Token": "new-token"},
        {"X-EvalForge-Token": "old-token"},
        basic("datadog", "new-token"),
        basic("", "old-token"),
    ],
)
def test_two_tokens_are_heard_in_a_header_or_as_a_password(
    client: FlaskClient, guarded: Wiring, headers: dict[str, str]
) -> None:
    assert client.post("/", json=alert_payload(), headers=headers).status_code == 202
    assert queue_of(guarded).pending() == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-EvalForge-Token": ""},
        {"X-EvalForge-Token": "new-token, old-token"},
        {"X-EvalForge-Token": "new-token,"},
        basic("new-token", ""),
        basic("new-token", "wrong"),
        basic("", ""),
        {"Authorization": "Basic"},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()},
        {"Authorization": "Bearer new-token"},
        {"Authorization": 'Digest username="x", password="new-token"'},
    ],
)
def test_nobody_else_is_heard(client: FlaskClient, guarded: Wiring, headers: dict[str, str]) -> None:
    answer = client.post("/", json=alert_payload(), headers=headers)
    assert (answer.status_code, answer.get_json()) == (401, {"error": "unauthorized"})
    assert queue_of(guarded).pending() == 0
    assert guarded.dead_letters.count() == 0


@pytest.mark.parametrize("token", [",", " , ", "a,b,c"])
def test_no_token_or_more_than_two_are_refused_at_the_start(token: str) -> None:
    with pytest.raises(ConfigError, match="DATADOG_WEBHOOK_TOKEN"):
        load_settings(datadog_webhook_token=token)


@pytest.mark.parametrize("transition", ["Triggered", "Re-Triggered", "Warn", "Re-Warn", "Renotify"])
def test_what_opens_an_incident_asks_for_a_search(client: FlaskClient, used: Wiring, transition: str) -> None:
    assert kept(client, used, at(0, transition)).state is IncidentState.OPEN
    assert queue_of(used).pending() == 1


def test_recovered_closes_it_with_one_last_search(client: FlaskClient, used: Wiring) -> None:
    opened = kept(client, used, at(0))
    closed = kept(client, used, at(5, "Recovered"))
    assert (closed.id, closed.state, closed.since) == (opened.id, IncidentState.CLOSED, opened.since)
    assert queue_of(used).pending() == 2


def test_alerts_of_one_cycle_end_the_same_in_any_order_and_however_often(
    client: FlaskClient, used: Wiring
) -> None:
    told = [at(0), at(3, "Renotify"), at(5, "Recovered"), at(5, "Re-Triggered"), at(6, "Escalated")]
    ended = set()
    for number, order in enumerate(itertools.permutations(told)):
        for payload in (*order, order[number % len(told)]):
            incident = kept(client, used, payload | {"cycle_key": str(number)})
        ended.add(incident.model_copy(update={"id": ""}))
    (one,) = ended
    assert (one.state, one.transition) == (IncidentState.CLOSED, "Escalated")


def test_a_test_opens_nothing_and_leaves_the_real_incident_alone(client: FlaskClient, used: Wiring) -> None:
    real = kept(client, used, at(0))
    test = kept(client, used, at(5, title="[Triggered] [TEST] Failing evaluations"))
    assert (test.test, test.state) == (True, IncidentState.NOTED)
    assert test.id != real.id
    assert used.incidents.get(real.id) == real
    assert queue_of(used).pending() == 1


@pytest.mark.parametrize("whole", [True, False])
def test_a_form_is_taken(client: FlaskClient, used: Wiring, whole: bool) -> None:
    fields = {"payload": json.dumps(at(0))} if whole else at(0)
    answer = client.post("/", data=urlencode(fields), content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 202
    assert used.incidents.get(answer.get_json()["incident"]) == kept(client, used, at(0))


def test_a_body_that_is_no_alert_is_kept_redacted_and_cut(client: FlaskClient, used: Wiring) -> None:
    body = "the card 4111 1111 1111 1111 of jane.roe@example.com was refused; " * 1_000
    answer = client.post("/", data=body)
    letter = used.dead_letters.get(answer.get_json()["dead_letter"])
    assert answer.status_code == 200
    assert letter is not None
    assert letter.reason == answer.get_json()["reason"]
    assert letter.text.startswith("the card <")
    assert len(letter.text) == 16 * 1024
    assert findings([letter.text]) == {}
    assert client.post("/", data=body).get_json() == answer.get_json()
    assert used.dead_letters.count() == 1


class Failing:
    """Stands for any part of the wiring: whatever is asked of it fails."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def fail(*asked: Any, **how: Any) -> Any:
            raise self._error

        return fail


ERRORS = [
    UnavailableError("gone"),
    MisconfiguredError("no topic"),
    RefusedError("too large"),
    RuntimeError("jane.roe@example.com"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_what_is_neither_published_nor_stored_is_asked_for_again(
    client: FlaskClient, parts: Wiring, error: Exception, capfd: pytest.CaptureFixture[str]
) -> None:
    logs.configure("INFO", function="receive_alert")
    failing: Any = Failing(error)
    for broken, body in [
        (replace(parts, publisher=failing), json.dumps(at(0))),
        (replace(parts, documents=failing), json.dumps(at(0))),
        (replace(parts, documents=failing), "no alert"),
    ]:
        with wiring.use(broken):
            answer = client.post("/", data=body)
        assert (answer.status_code, answer.get_json()) == (503, {"error": "try again later"})
    assert queue_of(parts).pending() == 0
    assert parts.dead_letters.count() == 0
    told = capfd.readouterr()
    assert "jane.roe" not in told.out + told.err
    assert told.err.count("to be sent again") == 3
    with wiring.use(parts):
        assert kept(client, parts, at(0)).state is IncidentState.OPEN
    assert queue_of(parts).pending() == 1
