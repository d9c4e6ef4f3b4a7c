"""The loop's other way in: a Datadog webhook over HTTP to the local host."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import functions_framework
import httpx
import pytest

from functions.local.demo import alert_payload
from functions.local.host import hosting, queue_of
from functions.local.trace_run import register_files
from shared import logs, wiring
from shared.domain.incidents import IncidentState
from shared.errors import MisconfiguredError
from shared.settings import Settings
from shared.wiring import Wiring, wire_embedded
from tests.conftest import ROOT, SAMPLES
from tests.pipeline.end_state import assert_whole

TOKEN = "a-token-of-this-test"


@pytest.fixture
def hosted(parts: Wiring) -> Iterator[tuple[str, Wiring]]:
    register_files([SAMPLES], parts)
    with hosting(parts) as address:
        yield address, parts


def drained(parts: Wiring) -> None:
    deadline = time.monotonic() + 60
    while queue_of(parts).pending():
        assert time.monotonic() < deadline, queue_of(parts).pending_by_topic()
        time.sleep(0.02)


def test_one_webhook_runs_the_whole_loop(hosted: tuple[str, Wiring]) -> None:
    address, parts = hosted
    answer = httpx.post(f"{address}/receive_alert", json=alert_payload())
    assert answer.status_code == 202
    assert answer.json()["searching"] is True
    drained(parts)
    assert (parts.captures.count(), parts.healthy.count(), parts.dead_letters.count()) == (11, 13, 0)
    assert_whole(parts)
    assert httpx.get(f"{address}/healthz").json() == {"status": "ok", "pending": {}, "poll": None}


def test_the_same_webhook_told_again_changes_nothing(hosted: tuple[str, Wiring]) -> None:
    address, parts = hosted
    for _ in range(3):
        assert httpx.post(f"{address}/receive_alert", json=alert_payload()).status_code == 202
    drained(parts)
    assert parts.captures.count() == 11
    assert_whole(parts)


def test_an_alert_searches_its_own_scope_and_time_only(hosted: tuple[str, Wiring]) -> None:
    address, parts = hosted
    other_app = alert_payload() | {"ml_app": "another-app", "cycle_key": "1"}
    much_later = alert_payload() | {"date_ms": "1900000000000", "cycle_key": "2"}
    for payload in (other_app, much_later):
        assert httpx.post(f"{address}/receive_alert", json=payload).status_code == 202
    drained(parts)
    assert (parts.captures.count(), parts.healthy.count()) == (0, 0)


@pytest.mark.parametrize("transition", ["No Data", "Re-No Data", "Escalated"])
def test_an_alert_that_opens_nothing_searches_nothing(hosted: tuple[str, Wiring], transition: str) -> None:
    address, parts = hosted
    answer = httpx.post(f"{address}/receive_alert", json=alert_payload() | {"transition": transition})
    assert (answer.status_code, answer.json()["searching"]) == (202, False)
    drained(parts)
    assert parts.captures.count() == 0
    noted = parts.incidents.get(answer.json()["incident"])
    assert (noted.state, noted.transition) == (IncidentState.NOTED, transition)


def test_a_body_that_is_no_alert_is_kept_with_its_reason_and_not_sent_again(
    hosted: tuple[str, Wiring],
) -> None:
    address, parts = hosted
    for body in (b"", b"hello", b"[]", b"{}", b'{"date_ms": "soon", "event_id": "1"}', b"\xff" * 100):
        answer = httpx.post(f"{address}/receive_alert", content=body)
        assert answer.status_code == 200, body
        assert answer.json()["dead_letter"]
    assert parts.dead_letters.count() == 6
    stored = "".join(letter.model_dump_json() for letter in parts.dead_letters.all())
    assert "the webhook's body is not JSON" in stored


def test_a_body_over_the_limit_and_other_methods_are_refused(hosted: tuple[str, Wiring]) -> None:
    address, _ = hosted
    assert httpx.post(f"{address}/receive_alert", content=b"x" * (256 * 1024 + 1)).status_code == 413
    assert httpx.get(f"{address}/receive_alert").status_code == 405


def test_with_a_token_set_nobody_else_is_heard(tmp_path: Path) -> None:
    parts = wire_embedded(Settings(evalforge_store=tmp_path / "s.db", datadog_webhook_token=TOKEN))
    with hosting(parts) as address:
        url = f"{address}/receive_alert"
        assert httpx.post(url, json=alert_payload()).status_code == 401
        foreign = httpx.post(url, json=alert_payload(), headers={b"X-EvalForge-Token": b"\xf6"})
        assert foreign.status_code == 401
        refused = httpx.post(url, json=alert_payload(), headers={"X-EvalForge-Token": "wrong"})
        assert (refused.status_code, refused.json()) == (401, {"error": "unauthorized"})
        assert queue_of(parts).pending() == 0
        taken = httpx.post(url, json=alert_payload(), headers={"X-EvalForge-Token": TOKEN})
        assert taken.status_code == 202


def test_an_alerts_text_is_redacted_before_it_is_stored(hosted: tuple[str, Wiring]) -> None:
    address, parts = hosted
    told = alert_payload() | {"title": "complaint of jane.roe@example.com", "tags": "owner:joe@example.com"}
    answer = httpx.post(f"{address}/receive_alert", json=told)
    stored = parts.incidents.get(answer.json()["incident"]).model_dump_json()
    assert "example.com" not in stored
    assert "<EMAIL_1>" in stored


def test_what_is_misconfigured_is_logged_and_asked_for_again(
    parts: Wiring, capfd: pytest.CaptureFixture[str]
) -> None:
    class Missing:
        def publish(self, outgoing: Any, *, trace_context: str = "") -> int:
            raise MisconfiguredError("the topic does not exist; `terraform apply` makes it")

    logs.configure("INFO", function="receive_alert")
    app = functions_framework.create_app(  # type: ignore[no-untyped-call]
        "receive_alert", str(ROOT / "functions" / "receive_alert" / "main.py"), "http"
    )
    with wiring.use(replace(parts, publisher=Missing())):
        answer = app.test_client().post("/", json=alert_payload())
    assert answer.status_code == 503
    assert "terraform apply" in capfd.readouterr().err


def test_the_host_says_which_port_is_taken(parts: Wiring) -> None:
    with (
        hosting(parts) as address,
        pytest.raises(Exception, match="--port"),
        hosting(parts, port=int(address.rpartition(":")[2])),
    ):
        pass
