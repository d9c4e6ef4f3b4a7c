"""`evalforge run` over trace files: what comes out, and that order and repetition do not matter."""

import gzip
import json
import random
from pathlib import Path
from typing import Any

from tests.conftest import SAMPLES
from tests.pipeline.command import evalforge
from tests.pipeline.end_state import assert_whole, end_state, open_store, suggestions_of


def told(ended_json: Any) -> Any:
    """Leave out the one figure that may differ between equal runs."""
    return {key: value for key, value in ended_json.items() if key != "elapsed_s"}


def rows_of(store: Path) -> list[tuple[Any, ...]]:
    parts = open_store(store)
    with parts.documents._database.reading() as connection:  # type: ignore[attr-defined]
        return connection.execute("SELECT collection, id, data, version FROM documents").fetchall()  # type: ignore[no-any-return]


def test_the_airline_file_gives_its_captures_and_nothing_is_lost(airline: Path, tmp_path: Path) -> None:
    store = tmp_path / "airline.db"
    ended = evalforge("run", airline, "--json", "--store", store)
    assert ended.code == 0, ended.err
    report = ended.json
    assert (report["captures"], report["healthy"], report["dead_letters"]) == (116, 84, 0)
    assert (report["patterns"], report["model_calls"], report["cost_usd"]) == (116, 0, 0)
    members = [trace for suggestion in report["suggestions"] for trace in suggestion["members"]]
    assert len(members) == len(set(members)) == 116
    for suggestion in report["suggestions"]:
        assert suggestion["recurrence"] == len(suggestion["members"])
        assert {kind: set(state) for kind, state in suggestion["artifacts"].items()} == {
            "eval": {"status", "proof"},
            "guardrail": {"status", "proof"},
            "runbook": {"status", "proof"},
        }
        assert {state["proof"] for state in suggestion["artifacts"].values()} == {"unproven"}
    assert_whole(open_store(store))


def test_a_second_run_says_the_same_and_writes_nothing(recorded: Path, tmp_path: Path) -> None:
    store = tmp_path / "recorded.db"
    first = evalforge("run", recorded, "--json", "--store", store)
    before = rows_of(store)
    second = evalforge("run", recorded, "--json", "--store", store)
    assert told(first.json) == told(second.json)
    assert rows_of(store) == before


def test_shuffled_lines_give_the_same_store(recorded: Path, tmp_path: Path) -> None:
    lines = gzip.decompress(recorded.read_bytes()).splitlines(keepends=True)
    random.Random(20261121).shuffle(lines)
    shuffled = tmp_path / "shuffled.jsonl"
    shuffled.write_bytes(b"".join(lines))
    one, other = tmp_path / "one" / "a.db", tmp_path / "other" / "b.db"
    assert evalforge("run", recorded, "--store", one).code == 0
    assert evalforge("run", shuffled, "--store", other).code == 0
    assert end_state(open_store(one)) == end_state(open_store(other))
    assert suggestions_of(open_store(one)) == suggestions_of(open_store(other))


def test_a_file_cut_in_two_between_traces_gives_the_same_store(recorded: Path, tmp_path: Path) -> None:
    lines = gzip.decompress(recorded.read_bytes()).splitlines(keepends=True)
    traces = list(dict.fromkeys(json.loads(line)["attributes"]["trace_id"] for line in lines))
    # Every other trace, so that the two halves overlap in time.
    first_half = set(traces[::2])
    halves = tmp_path / "first.jsonl", tmp_path / "second.jsonl.gz"
    kept = [line for line in lines if json.loads(line)["attributes"]["trace_id"] in first_half]
    halves[0].write_bytes(b"".join(kept))
    rest = [line for line in lines if json.loads(line)["attributes"]["trace_id"] not in first_half]
    halves[1].write_bytes(gzip.compress(b"".join(rest)))
    whole, cut = tmp_path / "whole.db", tmp_path / "cut.db"
    assert evalforge("run", recorded, "--store", whole).code == 0
    assert evalforge("run", halves[0], "--store", cut).code == 0
    last = evalforge("run", halves[1], "--json", "--store", cut)
    assert last.code == 0
    assert end_state(open_store(whole)) == end_state(open_store(cut))
    assert_whole(open_store(cut))


def test_a_trace_cut_in_the_middle_is_done_again_when_the_rest_comes(tmp_path: Path) -> None:
    lines = SAMPLES.read_bytes().splitlines(keepends=True)
    early, late = tmp_path / "early.jsonl", tmp_path / "late.jsonl"
    early.write_bytes(b"".join(lines[::2]))
    late.write_bytes(b"".join(lines[1::2]))
    whole, grown = tmp_path / "w" / "whole.db", tmp_path / "w" / "grown.db"
    assert evalforge("run", SAMPLES, "--store", whole).code == 0
    assert evalforge("run", early, "--store", grown).code == 0
    assert evalforge("run", late, "--store", grown).code == 0
    assert end_state(open_store(whole))["captures"] == end_state(open_store(grown))["captures"]
    assert end_state(open_store(whole))["patterns"] == end_state(open_store(grown))["patterns"]
    assert_whole(open_store(grown))


def test_a_trace_that_grew_moves_to_the_group_it_belongs_to_now(tmp_path: Path) -> None:
    lines = SAMPLES.read_bytes().splitlines(keepends=True)
    loop = [
        line
        for line in lines
        if json.loads(line)["attributes"]["trace_id"] == "6afd742600000000e2791c1d060b331f"
    ]
    early, late = tmp_path / "early.jsonl", tmp_path / "late.jsonl"
    early.write_bytes(b"".join(loop[:4]))
    late.write_bytes(b"".join(loop))
    store = tmp_path / "store.db"
    before = evalforge("run", early, "--json", "--store", store).json["suggestions"]
    after = evalforge("run", late, "--json", "--store", store).json["suggestions"]
    assert [suggestion["failure_type"] for suggestion in before] == ["incomplete_task"]
    assert [(s["failure_type"], s["recurrence"]) for s in after] == [("runaway_loop", 1)]
    assert_whole(open_store(store))


def test_every_accepted_shape_gives_the_same_captures(tmp_path: Path) -> None:
    items = [json.loads(line) for line in SAMPLES.read_text().splitlines()]
    shapes = {
        "attributes.jsonl": "\n".join(json.dumps(item["attributes"]) for item in items),
        "response.json": json.dumps({"data": items, "meta": {"status": "done", "page": None}}),
        "pretty.json": json.dumps({"data": items}, indent=2),
        "list.json": json.dumps(items, indent=1),
        "pages.jsonl": "\n".join(
            json.dumps({"data": items[at : at + 50]}) for at in range(0, len(items), 50)
        ),
        "bom.jsonl": "\ufeff" + "\n".join(json.dumps(item) for item in items) + "\r\n\r\n",
    }
    wanted = tmp_path / "s" / "wanted.db"
    assert evalforge("run", SAMPLES, "--store", wanted).code == 0
    for name, text in shapes.items():
        (tmp_path / name).write_text(text)
        store = tmp_path / "s" / f"{name}.db"
        ended = evalforge("run", tmp_path / name, "--store", store)
        assert ended.code == 0, (name, ended.err)
        assert end_state(open_store(store)) == end_state(open_store(wanted)), name


def test_a_failing_evaluation_that_comes_late_moves_a_healthy_trace_over(tmp_path: Path) -> None:
    lines = SAMPLES.read_text().splitlines()
    healthy = "6afd8a0400000000d1dcd8a5efbfcc74"
    spans = [json.loads(line) for line in lines if json.loads(line)["attributes"]["trace_id"] == healthy]
    early, late = tmp_path / "early.jsonl", tmp_path / "late.jsonl"
    early.write_text("\n".join(map(json.dumps, spans)))
    spans[0]["attributes"]["evaluation"]["tone"] = {"value": "rude", "assessment": "fail"}
    late.write_text("\n".join(map(json.dumps, spans)))
    store = tmp_path / "store.db"
    first = evalforge("run", early, "--json", "--store", store).json
    second = evalforge("run", late, "--json", "--store", store).json
    assert (first["captures"], first["healthy"]) == (0, 1)
    assert (second["captures"], second["healthy"]) == (1, 0)


def test_a_capture_is_kept_when_the_source_has_lost_a_part_of_its_trace(tmp_path: Path) -> None:
    store, early, late = tmp_path / "store.db", tmp_path / "early.jsonl", tmp_path / "late.jsonl"
    lines = SAMPLES.read_bytes().splitlines(keepends=True)
    early.write_bytes(b"".join(lines[::2]))
    late.write_bytes(b"".join(lines[1::2]))
    assert evalforge("run", early, "--store", store).code == 0
    before = {head.trace_id: head.spans for head in open_store(store).captures.heads()}
    early.unlink()
    ended = evalforge("run", late, "--json", "--store", store)
    assert ended.json["dead_letters"] > 0
    letters = evalforge("list", "dead-letters", "--json", "--store", store).json
    assert all("its capture is kept" in letter["reason"] for letter in letters)
    after = {head.trace_id: head.spans for head in open_store(store).captures.heads()}
    assert {trace: after[trace] for trace in before} == before


def test_a_file_that_grew_is_read_again_under_its_name_or_another(tmp_path: Path) -> None:
    store, path = tmp_path / "store.db", tmp_path / "spans.jsonl"
    lines = SAMPLES.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:60]))
    assert evalforge("run", path, "--store", store).code == 0
    path.write_bytes(b"".join(lines[:100]))
    assert evalforge("run", path, "--json", "--store", store).json["dead_letters"] == 0
    moved = path.rename(tmp_path / "moved.jsonl")
    moved.write_bytes(b"".join(lines))
    report = evalforge("run", moved, "--json", "--store", store).json
    assert (report["captures"], report["healthy"], report["dead_letters"]) == (11, 13, 0)


def test_an_evaluation_that_passes_late_moves_a_capture_to_the_healthy_ones(tmp_path: Path) -> None:
    root = {"trace_id": "t", "span_id": "1", "span_kind": "agent", "name": "agent", "ml_app": "bot"}
    tool = {
        "trace_id": "t",
        "span_id": "2",
        "parent_id": "1",
        "span_kind": "tool",
        "name": "pay",
        "status": "error",
    }
    early, late = tmp_path / "early.jsonl", tmp_path / "late.jsonl"
    early.write_text("\n".join(map(json.dumps, (root, tool))))
    judged = root | {"evaluation": {"goal_completeness": {"value": "complete", "assessment": "pass"}}}
    late.write_text("\n".join(map(json.dumps, (judged, tool))))
    store, at_once = tmp_path / "store.db", tmp_path / "at_once.db"
    first = evalforge("run", early, "--json", "--store", store).json
    second = evalforge("run", late, "--json", "--store", store).json
    assert (first["captures"], first["patterns"], len(first["suggestions"])) == (1, 1, 1)
    assert (second["captures"], second["healthy"], second["patterns"], second["suggestions"]) == (0, 1, 0, [])
    assert_whole(open_store(store))
    evalforge("run", early, late, "--store", at_once)
    assert end_state(open_store(at_once))["captures"] == {}


def test_one_bad_item_of_a_response_loses_no_other(tmp_path: Path) -> None:
    items = [json.loads(line) for line in SAMPLES.read_text().splitlines()]
    items.insert(3, {"id": "1", "type": "span", "attributes": {"name": "no ids"}})
    path = tmp_path / "response.json"
    path.write_text(json.dumps({"data": items}, indent=1))
    report = evalforge("run", path, "--json", "--store", tmp_path / "store.db").json
    assert (report["captures"], report["healthy"], report["dead_letters"]) == (11, 13, 1)


def test_of_a_response_that_is_cut_the_items_before_the_cut_are_read(tmp_path: Path) -> None:
    items = [json.loads(line) for line in SAMPLES.read_text().splitlines()]
    text = json.dumps({"data": items}, indent=1)
    path = tmp_path / "response.json"
    path.write_text(text[: len(text) * 2 // 3])
    ended = evalforge("run", path, "--json", "--store", tmp_path / "store.db")
    assert ended.json["captures"] >= 6
    assert ended.json["dead_letters"] == 1
    assert "items before it were read" in ended.err


def test_the_control_group_is_the_lowest_two_hundred_for_any_order(tmp_path: Path) -> None:
    judged = {"goal_completeness": {"value": "complete", "assessment": "pass"}}
    spans = [
        {
            "trace_id": f"t{number}",
            "span_id": "1",
            "ml_app": "bot",
            "evaluation": judged if number % 3 else {},
        }
        for number in range(450)
    ]
    groups = []
    for name, parts in (("one", [spans]), ("cut", [spans[225:], spans[:225]])):
        paths = [tmp_path / f"{name}{at}.jsonl" for at in range(len(parts))]
        for path, part in zip(paths, parts, strict=True):
            path.write_text("\n".join(map(json.dumps, part)))
            assert evalforge("run", path, "--store", tmp_path / f"{name}.db").code == 0
        groups.append({head.trace_id for head in open_store(tmp_path / f"{name}.db").healthy.heads()})
    assert groups[0] == groups[1]
    assert len(groups[0]) == 200
    assert all(int(trace[1:]) % 3 for trace in groups[0]), "those that were judged come first"


def test_a_trace_too_large_for_one_document_is_kept_whole_and_replaced_whole(tmp_path: Path) -> None:
    chosen = random.Random(5)
    spans: list[dict[str, Any]] = [
        {
            "trace_id": "t",
            "span_id": str(at),
            "parent_id": "0" if at else None,
            "start_ns": at,
            "ml_app": "bot",
            "status": "error",
            "output": {"value": "".join(chosen.choices("bcdfghjklnpqrstvwxz ", k=100_000))},
        }
        for at in range(30)
    ]
    path, store = tmp_path / "large.jsonl", tmp_path / "store.db"
    path.write_text("\n".join(map(json.dumps, spans[:20])))
    assert evalforge("run", path, "--json", "--store", store).json["captures"] == 1
    path.write_text("\n".join(map(json.dumps, spans)))
    assert evalforge("run", path, "--json", "--store", store).json["dead_letters"] == 0
    shown = evalforge("show", "capture", "t", "--json", "--store", store).json
    assert [span["output"]["value"] for span in shown["spans"]] == [span["output"]["value"] for span in spans]
    chunks = [row for row in rows_of(store) if row[0] == "raw_traces/t/chunks"]
    assert len(chunks) > 1
    assert max(len(row[2]) for row in rows_of(store)) < 2**20
    head = next(row for row in rows_of(store) if row[0] == "raw_traces")
    assert {row[1] for row in chunks} == set(json.loads(head[2])["body_chunks"]), "no chunk is left over"


def test_hostile_numbers_lose_no_trace(tmp_path: Path) -> None:
    odd = ["1e999", "-1e999", "9" * 400, "NaN"]
    lines = [
        f'{{"trace_id": "t{at}", "span_id": "1", "ml_app": "bot", "metadata": {{"status_code": {value}, '
        f'"quality_score": {value}}}, "metrics": {{"x": {value}}}, "start_ns": {value}, "duration": {value}, '
        f'"tags": ["http.status_code:{value}"]}}'
        for at, value in enumerate(odd)
    ]
    path = tmp_path / "odd.jsonl"
    path.write_bytes(b"\n".join([*(line.encode() for line in lines), SAMPLES.read_bytes()]))
    report = evalforge("run", path, "--json", "--store", tmp_path / "store.db").json
    assert report["dead_letters"] == 0
    assert report["captures"] + report["healthy"] == 24 + len(odd)


def test_a_verdict_that_the_source_has_lost_withdraws_nothing(tmp_path: Path) -> None:
    span = {"trace_id": "t", "span_id": "1", "ml_app": "bot"}
    judged = span | {"evaluation": {"goal": {"value": "no", "assessment": "fail"}}}
    path, store = tmp_path / "spans.jsonl", tmp_path / "store.db"
    path.write_text(json.dumps(judged))
    assert evalforge("run", path, "--json", "--store", store).json["captures"] == 1
    path.write_text(json.dumps(span))
    after = evalforge("run", path, "--json", "--store", store).json
    assert (after["captures"], after["healthy"], after["dead_letters"]) == (1, 0, 1)
    assert len(after["suggestions"]) == 1


def test_a_late_pass_is_seen_however_large_the_control_group(tmp_path: Path) -> None:
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
    others = [
        {"trace_id": f"o{at}", "span_id": "1", "ml_app": "b", "evaluation": verdict} for at in range(400)
    ]
    path, store = tmp_path / "spans.jsonl", tmp_path / "store.db"
    path.write_text(json.dumps(broken))
    assert evalforge("run", path, "--json", "--store", store).json["captures"] == 1
    path.write_text("\n".join(map(json.dumps, [broken, passed, *others])))
    after = evalforge("run", path, "--json", "--store", store).json
    assert (after["captures"], after["patterns"], after["suggestions"]) == (0, 0, [])


def test_artifacts_are_written_whatever_grows_together_in_them(tmp_path: Path) -> None:
    spans = [
        {
            "trace_id": "a",
            "span_id": "1",
            "ml_app": "forgot-password",
            "status": "error",
            "input": {"value": "x"},
        },
        {
            "trace_id": "b",
            "span_id": "1",
            "ml_app": "bot",
            "status": "error",
            "input": {"value": "n:\n100\n200\n3000"},
        },
        {
            "trace_id": "c",
            "span_id": "1",
            "ml_app": "bot",
            "status": "error",
            "output": {"value": '{"price": 1e999}'},
        },
        {
            "trace_id": "d",
            "span_id": "1",
            "ml_app": "bot",
            "status": "error",
            "input": {"value": "password:\nhunter22xy"},
        },
    ]
    path, store = tmp_path / "spans.jsonl", tmp_path / "store.db"
    path.write_text("\n".join(map(json.dumps, spans)))
    ended = evalforge("run", path, "--json", "--store", store)
    report = ended.json
    assert (report["captures"], report["dead_letters"]) == (4, 0)
    assert sum(one["recurrence"] for one in report["suggestions"]) == 4
    assert all(set(one["artifacts"]) == {"eval", "guardrail", "runbook"} for one in report["suggestions"])
    assert "hunter22xy" not in ended.out
    assert_whole(open_store(store))


def test_applications_whose_names_look_secret_stay_apart(tmp_path: Path) -> None:
    names = ("sk-support-assistant-eu-000001", "sk-checkout-assistant-us-00001")
    spans = [
        {"trace_id": n, "span_id": "1", "ml_app": n, "status": "error", "version": "10.0.3.1"} for n in names
    ]
    path, store = tmp_path / "spans.jsonl", tmp_path / "store.db"
    path.write_text("\n".join(map(json.dumps, spans)))
    report = evalforge("run", path, "--json", "--store", store).json
    assert len({one["ml_app"] for one in report["suggestions"]}) == len(report["suggestions"]) == 2


def test_a_file_damaged_at_both_ends_loses_only_those_lines(tmp_path: Path) -> None:
    lines = SAMPLES.read_text().splitlines()
    path = tmp_path / "spans.jsonl"
    path.write_text("\n".join([lines[0][:-30], *lines[1:-1], lines[-1][:50]]))
    report = evalforge("run", path, "--json", "--store", tmp_path / "store.db").json
    assert report["dead_letters"] == 2
    assert report["captures"] + report["healthy"] == 24
