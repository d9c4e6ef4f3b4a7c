"""`evalforge serve --backend emulator` and the commands that find it, as a user calls them."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from google.cloud.firestore import Client

from functions.local.demo import alert_payload
from tests.conftest import SAMPLES
from tests.emulator.conftest import until
from tests.emulator.recorded_queries import QueryRecorder
from tests.pipeline.command import command_line, environment, evalforge
from tests.pipeline.serving import SPANS, as_datadog, asked_of_datadog


class Served:
    """A running `evalforge serve`, and the commands in its folder."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self.folder = folder

    @property
    def note(self) -> Any:
        return json.loads((self.folder / ".evalforge" / "emulator.db.emulators.json").read_text())

    def command(self, *arguments: str) -> Any:
        return evalforge(*arguments, "--backend", "emulator", cwd=self.folder)

    def listed(self, what: str) -> Any:
        return self.command("list", what, "--json").json


@pytest.fixture
def served(tmp_path: Path, recorded_firestore: tuple[str, QueryRecorder]) -> Iterator[Served]:
    """Use a Firestore that runs already, start a Pub/Sub: both ways in one."""
    with as_datadog(SAMPLES, folder=tmp_path) as datadog, (tmp_path / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            command_line("serve", "--backend", "emulator", "--port", "0", *datadog),
            cwd=tmp_path,
            stdout=log,
            stderr=log,
            env=environment(
                FIRESTORE_EMULATOR_HOST=recorded_firestore[0],
                GOOGLE_CLOUD_PROJECT=f"demo-serve-{int(time.time())}",
            ),
        )
        try:
            told = tmp_path / "serve.log"
            until(lambda: "stop it with Ctrl-C" in told.read_text() or process.poll() is not None, seconds=90)
            assert process.poll() is None, told.read_text()
            yield Served(process, tmp_path)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def test_from_a_webhook_to_an_approval_and_back_again(
    served: Served, recorded_firestore: tuple[str, QueryRecorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = served.note["project"]
    webhook = served.note["functions"]["receive_alert"]["url"]
    answer = httpx.post(f"{webhook}/receive_alert", json=alert_payload(), trust_env=False, timeout=30)
    assert answer.status_code == 202
    until(lambda: sum(one["recurrence"] for one in served.listed("suggestions")) == 11, seconds=120)
    until(lambda: all(one["artifacts"] for one in served.listed("suggestions")), seconds=60)

    # What is in Firestore is in fields that any client reads.
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", recorded_firestore[0])
    collection = Client(project=project).collection("evalforge_improvement_suggestions")
    stored = {document.id: document.to_dict() for document in collection.stream()}
    assert len(stored) == 6
    for suggestion in stored.values():
        assert suggestion is not None
        assert (suggestion["status"], suggestion["ml_app"]) == ("pending", "shop-assistant")
        assert set(suggestion["artifacts"]) == {"eval", "guardrail", "runbook"}

    day = ("--from", "2026-11-18T09:00Z", "--to", "2026-11-18T16:00Z", "--window", "15m")
    told = served.command("backfill", *day, "--dry-run", "--json").json
    assert (told["windows"], told["failing"], told["healthy"]) == (28, 11, 13)
    told = served.command("backfill", *day, "--json")
    assert (told.code, told.json["searched"]) == (0, 28), told.err
    assert served.command("backfill", *day, "--json").json["skipped"] == 28

    told = served.command("run", str(SAMPLES), "--json")
    assert (told.code, told.json) == (0, {"ordered": 1})
    name = next(iter(stored))
    assert served.command("show", "suggestion", name, "--json").json["suggestion"]["id"] == name
    assert served.command("approve", name, "--note", "seen").code == 0
    assert served.command("export", "--approved", "--out", "bundle").code == 0
    assert len(list((served.folder / "bundle").glob("*.json"))) == 4
    for what in ("patterns", "captures", "dead-letters"):
        assert isinstance(served.listed(what), list)

    assert served.command("snapshot", "before").code == 0
    trace = served.listed("captures")[0]["trace_id"]
    for stage in ("sanitize", "extract", "deduplicate"):
        assert served.command("replay", "--stage", stage, "--only", trace).code == 0
    assert served.command("replay", "--stage", "generate", "--only", name).code == 0
    for back in (["--since", "1h"], ["--snapshot", "before"]):
        told = served.command("replay", "--stage", "extract", *back, "--json")
        assert (told.code, told.json["rewound"]) == (0, True)
    # Older than what is retained: published again from what is stored.
    for stage in ("sanitize", "extract", "deduplicate", "generate"):
        told = served.command("replay", "--stage", stage, "--since", "30d", "--json")
        assert (told.code, told.json["rewound"]) == (0, False), told.err
        assert told.json["published"] > 0
    assert served.command("retry", "dead-letter", "--all").code == 0
    time.sleep(3)
    after = {one["id"]: one for one in served.listed("suggestions")}
    assert after.keys() == stored.keys()
    assert after[name]["status"] == "approved"
    assert sum(one["recurrence"] for one in after.values()) == 11
    assert served.listed("dead-letters") == []
    doctor = served.command("doctor").out
    assert "failed" not in doctor
    assert f"spans can be searched at {served.note['datadog']}" in doctor
    assert "searched up to " in doctor, "it was polled once since the start"
    assert (f"{SPANS}/search", 200) in {(one.path, one.status) for one in asked_of_datadog(served.folder)}


def test_it_ends_with_all_that_it_has_started(served: Served) -> None:
    started = psutil.Process(served.process.pid).children(recursive=True)
    assert len(started) >= 18, "a server and its worker for each of nine functions, and Pub/Sub"
    served.process.send_signal(signal.SIGINT)
    assert served.process.wait(60) == 0
    until(lambda: not any(one.is_running() and one.status() != "zombie" for one in started), seconds=20)
    assert served.command("list", "suggestions").code == 2
    assert "no emulators run" in served.command("list", "suggestions").err
