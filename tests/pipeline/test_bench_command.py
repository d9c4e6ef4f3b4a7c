"""`evalforge bench extraction`: labels beside patterns, of a store or of a trace file, as a user calls it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SAMPLES
from tests.pipeline.command import Ended, evalforge

# Traces of the samples: an answer offers what is discontinued, a tool is called again and again, a return
# is created that nobody asked for.
OFFERED = "6afd6c090000000074c66800a09a5a8b"
LOOPED = "6afd742600000000e2791c1d060b331f"
RETURNED = "6afd7921000000001706a19721a0ed9a"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bench") / "store.db"
    assert evalforge("run", SAMPLES, "--store", path).code == 0
    return path


@pytest.fixture(scope="module")
def patterns(store: Path) -> dict[str, Any]:
    told = evalforge("list", "patterns", "--json", "--store", store).json
    return {one["trace_id"]: one for one in told}


def write(path: Path, *labels: object) -> Path:
    path.write_text("".join(f"{json.dumps(label)}\n" for label in labels), encoding="utf-8")
    return path


def bench(labels: Path, *arguments: str | Path) -> Ended:
    return evalforge("bench", "extraction", "--labels", labels, *arguments)


def test_patterns_that_agree_are_all_right_and_those_that_do_not_are_not(
    store: Path, patterns: dict[str, Any], tmp_path: Path
) -> None:
    agreeing = [
        {"trace_id": name, "type": one["failure_types"][0], "span_id": one["failing_span_id"]}
        for name, one in patterns.items()
    ]
    told = bench(write(tmp_path / "l.jsonl", *agreeing), "--json", "--store", store).json
    assert (told["labels"], told["measured"], told["without_pattern"]) == (11, 11, [])
    assert told["type_leading"]["share"] == told["failing_span"]["share"] == told["right"]["share"] == 1
    mean = sum(one["confidence"] for one in patterns.values()) / len(patterns)
    assert told["calibration_error"] == pytest.approx(1 - mean)
    strange = [label | {"type": "latency", "span_id": "nowhere"} for label in agreeing]
    told = bench(write(tmp_path / "l.jsonl", *strange), "--json", "--store", store).json
    assert told["type_leading"]["share"] == told["either_span"]["share"] == told["right"]["share"] == 0
    assert told["floor"]["type_leading"]["share"] == 1


def test_several_labels_of_a_trace_are_several_answers_and_strangers_are_counted(
    store: Path, patterns: dict[str, Any], tmp_path: Path
) -> None:
    cause = patterns[OFFERED]["cause_span_id"]
    labels = write(
        tmp_path / "labels.jsonl",
        {"trace_id": OFFERED, "type": "refusal", "span_id": None},
        {"trace_id": OFFERED, "type": "hallucination", "span_id": cause},
        {"trace_id": LOOPED, "type": "incomplete_task"},
        {"trace_id": "of-another-store", "type": "latency"},
    )

    told = bench(labels, "--json", "--store", store).json

    assert (told["labels"], told["traces"], told["measured"]) == (4, 3, 2)
    assert told["without_pattern"] == ["of-another-store"]
    assert (told["type_leading"]["hits"], told["type_among_three"]["hits"]) == (1, 2)
    assert (told["failing_span"]["hits"], told["cause_span"]["hits"], told["cause_span"]["of"]) == (0, 1, 1)


def test_a_trace_file_is_measured_in_a_store_that_leaves_nothing_behind(store: Path, tmp_path: Path) -> None:
    labels = write(
        tmp_path / "labels.jsonl",
        {"trace_id": OFFERED, "type": "hallucination", "span_id": "7003127495785908376"},
        {"trace_id": RETURNED, "type": "wrong_tool", "span_id": None},
    )
    folder = tmp_path / "elsewhere"
    folder.mkdir()

    fresh = evalforge(
        "bench", "extraction", "--labels", labels, "--traces", SAMPLES, cwd=folder, TMPDIR=str(folder)
    )

    assert fresh.code == 0, fresh.err
    assert fresh.out == bench(labels, "--store", store).out
    assert list(folder.iterdir()) == []


def test_nobody_is_told_of_what_is_only_measured(store: Path, tmp_path: Path) -> None:
    labels = write(tmp_path / "labels.jsonl", {"trace_id": OFFERED, "type": "hallucination"})
    told: list[str] = []

    class Slack(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name for it
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Slack) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        hook = f"http://127.0.0.1:{server.server_port}/hook"
        ended = evalforge(
            "bench", "extraction", "--labels", labels, "--traces", SAMPLES, SLACK_WEBHOOK_URL=hook
        )
        measured = list(told)
        evalforge("run", SAMPLES, "--store", tmp_path / "store.db", SLACK_WEBHOOK_URL=hook)
        server.shutdown()

    assert (ended.code, measured) == (0, [])
    assert told, "a run tells, or this test could not fail"


def test_the_table_has_intervals_and_the_floor(store: Path, tmp_path: Path) -> None:
    labels = write(
        tmp_path / "labels.jsonl",
        {"trace_id": OFFERED, "type": "hallucination", "span_id": "7003127495785908376"},
        {"trace_id": RETURNED, "type": "hallucination"},
    )

    lines = bench(labels, "--store", store).out.splitlines()

    assert lines[0] == "2 labels of 2 traces, 2 with a pattern, 0 without"
    row = next(line.split() for line in lines if line.startswith("type, leading"))
    assert " ".join(row[2:]) == "50.0 % (1 of 2) 9.5 to 90.5 % 100.0 % (2 of 2) always hallucination"


def test_ids_that_tell_of_a_person_are_found_under_their_hash(tmp_path: Path) -> None:
    person, step = "joe@example.com", "span-of-ann@example.com"
    span = {
        "trace_id": person,
        "span_id": step,
        "ml_app": "a",
        "start_ns": 1795017600000000000,
        "status": "error",
    }
    traces = write(tmp_path / "traces.jsonl", span)
    labels = write(tmp_path / "labels.jsonl", {"trace_id": person, "type": "llm_error", "span_id": step})

    ended = bench(labels, "--traces", traces, "--json")

    assert (ended.json["measured"], ended.json["failing_span"]["hits"]) == (1, 1)
    assert "joe" not in ended.out + ended.err


def test_lines_that_are_no_labels_are_named_and_the_rest_counts(store: Path, tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    good = json.dumps({"trace_id": OFFERED, "type": "hallucination"})
    path.write_text(f'{good}\n{{"trace_id": "t", "type": "joe@example.com"}}\nno json\n', encoding="utf-8")

    ended = bench(path, "--json", "--store", store)

    assert (ended.code, ended.json["labels"]) == (0, 1)
    assert f"{path}:2: its type is none of the failure types" in ended.err
    assert f"{path}:3: is no JSON object" in ended.err
    assert "joe" not in ended.err


def test_what_cannot_be_measured_says_what_to_do(store: Path, tmp_path: Path) -> None:
    useless = bench(write(tmp_path / "none.jsonl", {"type": "latency"}), "--store", store)
    assert (useless.code, useless.out) == (1, "")
    assert '{"trace_id": "…", "type": "hallucination", "span_id": "…"}' in useless.err
    strangers = write(tmp_path / "strangers.jsonl", {"trace_id": "t", "type": "latency"})
    nothing = bench(strangers, "--store", store)
    assert nothing.code == 0
    assert "evalforge list patterns" in nothing.err
    assert bench(strangers, "--store", tmp_path / "no.db").code == 2
    assert bench(strangers, "--traces", SAMPLES, "--store", store).code == 2
    empty = bench(strangers, "--traces", write(tmp_path / "empty.jsonl"))
    assert (empty.code, empty.out) == (1, "")
    assert "gave no trace" in empty.err


def test_a_trace_that_turned_out_healthy_has_no_pattern_to_measure(tmp_path: Path) -> None:
    broken = {
        "trace_id": "t",
        "span_id": "2",
        "parent_id": "1",
        "span_kind": "tool",
        "status": "error",
        "ml_app": "b",
    }
    verdict = {"goal_completeness": {"value": "complete", "assessment": "pass"}}
    passed = {"trace_id": "t", "span_id": "1", "ml_app": "b", "evaluation": verdict}
    labels = write(tmp_path / "labels.jsonl", {"trace_id": "t", "type": "llm_error"})
    place = ("--json", "--store", tmp_path / "store.db")

    evalforge("run", write(tmp_path / "before.jsonl", broken), *place)
    before = bench(labels, *place).json
    evalforge("run", write(tmp_path / "after.jsonl", broken, passed), *place)
    after = bench(labels, *place).json

    assert (before["measured"], after["measured"], after["without_pattern"]) == (1, 0, ["t"])
