"""`evalforge serve --with-datadog`: the whole loop against a Datadog of one's own."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from functions.local.demo import alert_payload
from functions.local.host import hosting, poll_fault
from functions.local.ticking import Tick, ticks_of
from shared.cloud.datadog_failures import DatadogRefusedError
from shared.domain.incidents import POLL_ID, TICK_ID
from shared.domain.searches import Search
from shared.settings import Settings
from shared.topology import Topic
from shared.wiring import wire_embedded
from tests.conftest import SAMPLES
from tests.pipeline.command import evalforge
from tests.pipeline.end_state import end_state, open_store
from tests.pipeline.serving import SPANS, asked_of_datadog, serve, until


def health(address: str) -> dict[str, Any]:
    told: dict[str, Any] = httpx.get(address, timeout=10).json()
    return told


def test_a_webhook_is_searched_at_the_stand_in_and_ends_as_a_run_of_the_file_does(tmp_path: Path) -> None:
    store, ran = tmp_path / "s.db", tmp_path / "ran.db"
    with serve(SAMPLES, "--store", store, cwd=tmp_path) as served:
        assert httpx.post(served.lines["receive_alert"], json=alert_payload(), timeout=10).status_code == 202
        until(lambda: open_store(store).captures.count() == 11)
        until(lambda: health(served.lines["health"])["pending"] == {})
        # Shortly after the start Datadog is polled as a whole.
        until(lambda: health(served.lines["health"])["poll"]["searched_until"] is not None)
        poll = health(served.lines["health"])["poll"]
    assert (f"{SPANS}/search", 200) in {(one.path, one.status) for one in asked_of_datadog(tmp_path)}
    assert 0 <= poll["lag_seconds"] < 60
    assert datetime.fromisoformat(poll["searched_until"]).tzinfo is not None
    assert evalforge("run", SAMPLES, "--store", ran, cwd=tmp_path).code == 0
    assert end_state(open_store(store)) == end_state(open_store(ran))


def test_what_cannot_be_read_of_a_file_is_told_and_the_rest_is_served(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    path.write_text(SAMPLES.read_text() + "no span\n")
    with serve(path, "--store", "s.db", cwd=tmp_path) as served:
        asked = httpx.get(
            served.lines["datadog"] + SPANS,
            params={"filter[from]": "2026-11-01", "filter[to]": "2026-11-30", "page[limit]": "5"},
            headers={"DD-API-KEY": "standin", "DD-APPLICATION-KEY": "standin"},
            timeout=10,
        )
    assert len(asked.json()["data"]) == 5
    logged = [one for one in asked_of_datadog(tmp_path) if one.method == "GET"]
    assert [(one.arguments["page[limit]"], one.asked, one.answered) for one in logged] == [
        ("5", None, asked.json())
    ]
    log = tmp_path / "datadog.jsonl"
    assert log.stat().st_mode & 0o777 == 0o600
    assert "standin" not in log.read_text(), "no key is logged"
    lines = len(path.read_text().splitlines())
    assert f"error: {path}:{lines}: " in (tmp_path / "serve.log").read_text()


def test_files_without_a_span_are_not_served(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_text("")
    served = ("--with-datadog", path, "--datadog-log", "asked.jsonl")
    ended = evalforge("serve", *served, "--store", "s.db", cwd=tmp_path)
    assert (ended.code, ended.err.splitlines()[-1]) == (
        2,
        "error: there is nothing to serve as Datadog does: no span of these files can be read",
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--datadog-log", "asked.jsonl"), "Error: --datadog-log is about the Datadog of --with-datadog"),
        (
            ("--with-datadog", SAMPLES, "--datadog-log", "missing/asked.jsonl"),
            "error: --datadog-log missing/asked.jsonl cannot be written: No such file or directory",
        ),
    ],
)
def test_a_log_that_cannot_be_is_told(tmp_path: Path, arguments: tuple[str | Path, ...], told: str) -> None:
    ended = evalforge("serve", *arguments, "--store", "s.db", cwd=tmp_path)
    assert (ended.code, told in ended.err) == (2, True), ended.err


def test_a_poll_that_was_refused_is_told_until_one_succeeds(tmp_path: Path) -> None:
    settings = Settings(
        evalforge_store=tmp_path / "store.db", datadog_api_key=SecretStr("a"), datadog_app_key=SecretStr("b")
    )
    parts = wire_embedded(settings)
    now = parts.clock()
    error = DatadogRefusedError("no permission")
    parts.dead_letters.record(stage="find_failures", error=error, message={"incident_id": POLL_ID}, at=now)
    assert poll_fault(parts) == "no permission"
    parts.searches.save(
        Search(id=POLL_ID, searched_until=now - timedelta(minutes=1)), parts.searches.get(POLL_ID)
    )
    assert poll_fault(parts) == "no permission"
    parts.searches.save(
        Search(id=POLL_ID, searched_until=now + timedelta(minutes=1)), parts.searches.get(POLL_ID)
    )
    assert poll_fault(parts) == ""


def test_a_demonstration_asks_no_datadog_whatever_keys_there_are(tmp_path: Path) -> None:
    keys = {"DATADOG_API_KEY": "a", "DATADOG_APP_KEY": "b", "DATADOG_API_URL": "http://127.0.0.1:9"}
    ended = evalforge("demo", "--store", "s.db", cwd=tmp_path, **keys)
    assert (ended.code, "0 dead letters" in ended.out) == (0, True)


def polls(settings: Settings) -> list[Tick]:
    return [tick for tick in ticks_of(settings) if tick.outgoing.topic is Topic.ALERTS]


def test_without_keys_nothing_is_polled(tmp_path: Path) -> None:
    settings = Settings(evalforge_store=tmp_path / "store.db")
    assert polls(settings) == []
    with hosting(wire_embedded(settings)) as address:
        assert health(f"{address}/healthz")["poll"] is None


@pytest.mark.parametrize("missing", ["datadog_api_key", "datadog_app_key"])
def test_a_poll_comes_every_quarter_of_an_hour_where_there_are_both_keys(missing: str) -> None:
    keys: dict[str, Any] = {"datadog_api_key": SecretStr("one"), "datadog_app_key": SecretStr("two")}
    [poll] = polls(Settings(**keys))
    assert (poll.outgoing.message.model_dump(), poll.seconds) == ({"incident_id": TICK_ID}, 900)
    assert polls(Settings(**{**keys, missing: None})) == []
