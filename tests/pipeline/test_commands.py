"""The other commands: demo, list, show, approve, reject, export, serve, doctor."""

import hashlib
import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.local.demo import alert_payload
from shared.domain.courses import Reference
from shared.domain.patterns import Extractor
from tests.conftest import ROOT, SAMPLES
from tests.pipeline.command import command_line, environment, evalforge
from tests.pipeline.end_state import open_store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "store.db"
    assert evalforge("run", SAMPLES, "--store", path).code == 0
    return path


def first_suggestion(store: Path) -> str:
    return str(evalforge("list", "suggestions", "--json", "--store", store).json[0]["id"])


def test_the_demo_shows_the_discontinued_product_and_a_second_time_changes_nothing(tmp_path: Path) -> None:
    first = evalforge("demo", cwd=tmp_path)
    assert first.code == 0, first.err
    assert "answered 202" in first.out
    assert "11 failing traces against 13 healthy ones, 0 dead letters" in first.out
    assert re.search(r"shop-assistant \(prod\) +hallucination +high +3 +unproven", first.out)
    second = evalforge("demo", cwd=tmp_path)
    varying = re.compile(r"http://\S+|[\d.]+ s\b")
    assert varying.sub("", first.out) == varying.sub("", second.out)
    step = re.search(r"(show suggestion sg-.*)", first.out)
    assert step is not None
    shown = evalforge(*step[1].split(), cwd=tmp_path)
    assert shown.code == 0, shown.err


def test_the_demo_needs_no_way_through_a_proxy(tmp_path: Path) -> None:
    nowhere = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"), "http://127.0.0.1:9")
    ended = evalforge("demo", cwd=tmp_path, **nowhere)
    assert ended.code == 0, ended.err


def test_a_laptop_on_which_a_deployment_variable_is_set_stays_embedded(tmp_path: Path) -> None:
    ended = evalforge("doctor", cwd=tmp_path, K_SERVICE="sanitize")
    assert ended.code == 0, ended.out
    assert "backend embedded" in ended.out


@pytest.mark.parametrize("noun", ["suggestion", "pattern", "capture"])
def test_what_is_listed_is_shown_whole(noun: str, store: Path) -> None:
    listed = evalforge("list", f"{noun}s", "--json", "--store", store).json
    assert listed
    for one in listed[:3]:
        name = one["id"] if noun == "suggestion" else one["trace_id"]
        shown = evalforge("show", noun, name, "--json", "--store", store).json
        assert one == (shown["suggestion"] if noun == "suggestion" else shown)
        assert evalforge("show", noun, name, "--store", store).code == 0
    assert len(evalforge("list", f"{noun}s", "--store", store).out.splitlines()) > len(listed)


def kept(store: Path, **told: Any) -> str:
    """Keep the first pattern with something else in it, and show it."""
    patterns = open_store(store).patterns
    first = next(iter(patterns.all()))
    known = patterns.get(first.trace_id)
    assert known
    patterns.store(known.pattern.model_copy(update=told), known)
    shown = evalforge("show", "pattern", first.trace_id, "--store", store)
    assert (shown.code, shown.err) == (0, "")
    return shown.out


def test_a_pattern_says_what_it_was_held_against(store: Path) -> None:
    assert "held against   no other run: " in kept(store, references=None)
    assert "held against   no healthy run: " in kept(store, references=())
    runs = tuple(Reference(trace_id=name, content_hash="h") for name in ("t-7", "t-8"))
    assert "held against   2 healthy runs: t-7, t-8\n" in kept(store, references=runs)


def test_a_pattern_says_where_a_model_contradicts_the_rules_and_why_it_waits(store: Path) -> None:
    extractor = Extractor(
        kind="rules", version="7", upgrade_pending=True, reason="rate_limited", attempt="call-9"
    )

    shown = kept(store, disagreements=("the model blames s3",), withdrawn=True, extractor=extractor)

    assert "disagreement   the model blames s3; the rules' word stands\n" in shown
    assert "withdrawn      its trace turned out healthy\n" in shown
    assert "told by        rules 7 alone\n" in shown
    assert (
        "which did not come: rate_limited (call call-9); `evalforge replay --stage extract --only " in shown
    )


def test_a_stranger_s_words_are_no_line_of_ours_on_the_terminal(store: Path) -> None:
    forged = "x\ntold by        nobody\x1b[2J\rwaits          $(reboot)"
    first = next(iter(open_store(store).patterns.all()))
    causes = tuple(one.model_copy(update={"cause": forged, "evidence": forged}) for one in first.root_causes)
    assert causes

    shown = kept(store, title=forged, trigger=forged, confidence_reason=forged, root_causes=causes)

    assert "\x1b" not in shown
    assert [line for line in shown.splitlines() if line.startswith(("told by  ", "waits  "))] == [
        f"told by        rules {first.extractor.version} alone"
    ]


def test_an_unknown_record_is_an_error_that_says_where_to_look(store: Path) -> None:
    for noun in ("suggestion", "pattern", "capture", "dead-letter"):
        ended = evalforge("show", noun, "nothing", "--store", store)
        assert (ended.code, ended.out) == (1, "")
        assert f"evalforge list {noun}s" in ended.err
    assert json.loads(evalforge("list", "dead-letters", "--json", "--store", store).out) == []


def test_a_reviewer_decides_once_and_the_history_says_who(store: Path) -> None:
    name = first_suggestion(store)
    approved = evalforge("approve", name, "--note", "agreed with joe@example.com", "--store", store)
    assert approved.code == 0
    assert "not proven yet: eval, guardrail, runbook" in approved.err
    assert evalforge("approve", name, "--store", store).code == 0
    conflict = evalforge("reject", name, "--reason", "changed my mind", "--store", store)
    assert conflict.code == 1
    assert "was approved by" in conflict.err
    shown = evalforge("show", "suggestion", name, "--json", "--store", store).json
    assert shown["suggestion"]["status"] == "approved"
    assert [(event["kind"], event["detail"]) for event in shown["events"]] == [
        ("approved", "agreed with <EMAIL_1>")
    ]


def test_what_a_reviewer_decided_stays_when_the_file_is_run_again(store: Path) -> None:
    name = first_suggestion(store)
    assert evalforge("reject", name, "--reason", "known, accepted", "--store", store).code == 0
    again = evalforge("run", SAMPLES, "--json", "--store", store).json
    assert {one["id"]: one["status"] for one in again["suggestions"]}[name] == "rejected"


def test_an_export_is_data_with_a_manifest_that_holds(store: Path, tmp_path: Path) -> None:
    name = first_suggestion(store)
    out = tmp_path / "bundle"
    nothing = evalforge(
        "export", "--approved", "--format", "json", "--out", tmp_path / "none", "--store", store
    )
    assert nothing.code == 0
    assert json.loads((tmp_path / "none" / "manifest.json").read_text())["entries"] == []
    evalforge("approve", name, "--store", store)
    ended = evalforge("export", "--approved", "--format", "json", "--out", out, "--store", store)
    assert ended.code == 0, ended.err
    manifest = json.loads((out / "manifest.json").read_text())
    assert {entry["kind"] for entry in manifest["entries"]} == {"eval", "guardrail", "runbook"}
    for entry in manifest["entries"]:
        content = (out / entry["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
        assert json.loads(content)["id"] == entry["artifact_id"]
    both = [one["id"] for one in evalforge("list", "suggestions", "--json", "--store", store).json[:2]]
    assert evalforge("export", "--suggestion", *both, "--out", tmp_path / "two", "--store", store).code == 0
    assert len(json.loads((tmp_path / "two" / "manifest.json").read_text())["entries"]) == 6
    for call in ((), ("--approved", "--suggestion", name)):
        assert evalforge("export", *call, "--out", out, "--store", store).code == 2
    assert evalforge("export", "--suggestion", "sg-none", "--out", out, "--store", store).code == 1


def test_nothing_personal_leaves_a_capture(store: Path) -> None:
    told = evalforge("list", "captures", "--json", "--store", store).out
    for raw in ("example.com", "555-01", "203.0.113.", "4242 4242", "4111 1111", "Bearer "):
        assert raw not in told
        assert raw in SAMPLES.read_text(), "the samples have it, or this test could not fail"


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_serve_answers_on_one_port_and_ends_when_told(end: signal.Signals, tmp_path: Path) -> None:
    with subprocess.Popen(
        command_line("serve", "--port", "0", "--traces", SAMPLES, "--store", tmp_path / "s.db"),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            address = process.stdout.readline().split()[-1]
            answer = httpx.post(address, json=alert_payload(), timeout=10)
            process.send_signal(end)
            assert process.wait(20) == 0
            logged = process.stderr.read()
        finally:
            process.kill()
    assert answer.status_code == 202
    lines = [json.loads(line) for line in logged.splitlines() if line.startswith("{")]
    assert lines[0]["stage"] == "receive_alert"
    assert lines[0]["severity"] == "INFO"
    assert lines[0]["incident_id"] == answer.json()["incident"]


def test_the_doctor_names_each_check_and_fails_on_a_fault(tmp_path: Path) -> None:
    well = evalforge("doctor", "--store", tmp_path / "s.db")
    assert well.code == 0
    verdicts = [line.split()[0] for line in well.out.splitlines()]
    assert verdicts == ["ok"] * 5 + ["skipped"] * 4 + ["ok"]
    ill = evalforge("doctor", cwd=tmp_path, PII_SALT="short", QUALITY_THRESHOLD="many")
    assert ill.code == 1
    assert "PII_SALT" in ill.out
    assert "QUALITY_THRESHOLD" in ill.out
    assert "many" not in ill.out


def test_settings_come_from_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("EVALFORGE_STORE=elsewhere/here.db\n")
    assert "elsewhere/here.db" in evalforge("doctor", cwd=tmp_path).out
    assert (tmp_path / "elsewhere" / "here.db").exists()


def test_a_wrong_setting_ends_a_command_with_its_name_and_not_its_value(tmp_path: Path) -> None:
    ended = evalforge("run", SAMPLES, cwd=tmp_path, QUALITY_THRESHOLD="secret-value")
    assert ended.code == 2
    assert "QUALITY_THRESHOLD" in ended.err
    assert "secret-value" not in ended.err


def test_the_command_line_is_embedded_whatever_else_is_set(tmp_path: Path) -> None:
    ended = evalforge("doctor", cwd=tmp_path, GOOGLE_CLOUD_PROJECT="p", FIRESTORE_EMULATOR_HOST="localhost:1")
    assert "backend embedded" in ended.out
    cloud = evalforge("doctor", cwd=tmp_path, EVALFORGE_BACKEND="cloud")
    assert cloud.code == 1
    assert "GOOGLE_CLOUD_PROJECT" in cloud.out
