"""Bad input: named with its file and line, and the good work beside it goes on."""

import gzip
import json
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import SAMPLES
from tests.pipeline.command import evalforge

GOOD = SAMPLES.read_bytes().splitlines(keepends=True)


def run_with(bad_line: bytes, tmp_path: Path) -> tuple[Path, str, dict[str, int], int]:
    """Put one bad line in the middle of good ones, and run them."""
    path = tmp_path / "traces.jsonl"
    path.write_bytes(b"".join([*GOOD[:10], bad_line + b"\n", *GOOD[10:]]))
    ended = evalforge("run", path, "--json", "--store", tmp_path / "store.db")
    assert "Traceback" not in ended.err
    return path, ended.err, ended.json, ended.code


@pytest.mark.parametrize(
    ("bad_line", "reason"),
    [
        (b"this is not JSON", "not JSON at column 1"),
        (b'{"data": [', "not JSON at column"),
        (b'{"id": "1", "type": "span", "attributes": {"name": "x"}}', "no span in it"),
        (b'{"trace_id": "t", "name": "x"}', "no span_id"),
        (b'{"span_id": "s", "name": "x"}', "no trace_id"),
        (b'{"span_id": "s", "trace_id": "t", "metadata": [1]}', "wrong type: metadata"),
        (b'{"span_id": "s", "trace_id": "t", "tags": 7}', "tags are neither"),
        (b"42", "a number"),
        (b'{"span_id": "s", "trace_id": "t", "name": "\xff\xfe"}', "not UTF-8"),
        (b'{"span_id": "s", "trace_id": "t", "input": ' + b"[" * 500 + b"]" * 500 + b"}", "nested deeper"),
        (b'{"span_id": "s", "trace_id": "t", "input": ' + b"[" * 200_000, "nested too deep"),
        (b'{"span_id": "s", "trace_id": "t", "input": ' + b"9" * 10_000 + b"}", "too long"),
    ],
)
def test_a_bad_line_is_named_and_the_rest_goes_on(bad_line: bytes, reason: str, tmp_path: Path) -> None:
    path, err, report, code = run_with(bad_line, tmp_path)
    assert f"{path}:11: " in err
    assert reason in err
    assert (report["captures"], report["healthy"], report["dead_letters"]) == (11, 13, 1)
    assert code == 0


def test_fifty_megabytes_in_one_line_are_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    huge = json.dumps({"span_id": "s", "trace_id": "t", "input": "x" * 50_000_000}).encode()
    path, err, report, _ = run_with(huge, tmp_path)
    assert f"{path}:11: the span is larger than 10 MiB" in err
    assert (report["captures"], report["healthy"], report["dead_letters"]) == (11, 13, 1)


def test_what_is_left_of_a_trace_is_no_healthy_run(tmp_path: Path) -> None:
    fine = {"span_id": "s", "trace_id": "whole", "evaluation": {"goal": {"assessment": "pass"}}}
    left = fine | {"trace_id": "partial"}
    refused = {"span_id": "root", "trace_id": "partial", "tags": 7, "status": "error"}
    failing = fine | {"trace_id": "flagged", "status": "error"}
    lost = refused | {"trace_id": "flagged"}
    path = tmp_path / "partial.jsonl"
    path.write_text("\n".join(map(json.dumps, (fine, left, refused, failing, lost))))
    report = evalforge("run", path, "--json", "--store", tmp_path / "store.db").json
    assert (report["captures"], report["healthy"], report["dead_letters"]) == (1, 1, 2)


def test_a_file_named_after_a_person_is_not_named_in_the_store(tmp_path: Path) -> None:
    path = tmp_path / "jane.roe@example.com.jsonl"
    path.write_bytes(GOOD[0] + b"no JSON\n")
    store = tmp_path / "store.db"
    assert evalforge("run", path, "--store", store).code == 0
    with closing(sqlite3.connect(store)) as database:
        kept = [row[0] for row in database.execute("SELECT data FROM documents")]
    assert kept
    assert not any("jane.roe" in one for one in kept)


def test_a_file_cut_in_the_middle_gives_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "cut.jsonl.gz"
    whole = gzip.compress(b"".join(GOOD))
    path.write_bytes(whole[: len(whole) * 3 // 4])
    ended = evalforge("run", path, "--json", "--store", tmp_path / "store.db")
    assert f"{path}:" in ended.err
    assert "cut or damaged" in ended.err
    assert ended.json["captures"] > 0


@pytest.mark.parametrize("content", [b"", b"\n\n", b"hello\nworld\n", b"\x00\x01\x02" * 1000, b"{}", b"[]"])
def test_a_file_without_spans_ends_with_one_and_loses_no_good_file(content: bytes, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(content)
    ended = evalforge("run", bad, SAMPLES, "--json", "--store", tmp_path / "store.db")
    assert str(bad) in ended.err
    assert ended.json["captures"] == 11
    assert ended.code == 1


def test_a_missing_file_is_named_and_loses_no_good_file(tmp_path: Path) -> None:
    ended = evalforge("run", tmp_path / "none.jsonl", SAMPLES, "--json", "--store", tmp_path / "store.db")
    assert "none.jsonl" in ended.err
    assert "No such file" in ended.err
    assert ended.json["captures"] == 11
    assert ended.code == 1


def test_a_file_that_is_no_trace_file_at_all_does_not_fill_the_store(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_bytes(b"not a span\n" * 20_000)
    ended = evalforge("run", bad, "--json", "--store", tmp_path / "store.db")
    assert ended.json["dead_letters"] == 101
    assert len(ended.err.splitlines()) < 30


@pytest.mark.parametrize(
    "trace_id", ["a/b/../c", "..", ".", "__x__", "x" * 3000, "ключ 🔑", "%2F", "a\nb", "\ud800"]
)
def test_a_trace_id_is_any_string(trace_id: str, tmp_path: Path) -> None:
    span = {"span_id": "s", "trace_id": trace_id, "name": "n", "status": "error", "ml_app": "bot"}
    path = tmp_path / "odd.jsonl"
    path.write_text(json.dumps(span))
    store = tmp_path / "store.db"
    report = evalforge("run", path, "--json", "--store", store).json
    assert (report["captures"], report["dead_letters"], len(report["suggestions"])) == (1, 0, 1)
    member = report["suggestions"][0]["members"][0]
    shown = evalforge("show", "capture", member, "--json", "--store", store)
    assert shown.json["trace_id"] == member


def test_a_trace_cannot_drive_the_terminal(tmp_path: Path) -> None:
    span = {
        "span_id": "s",
        "trace_id": "t",
        "status": "error",
        "ml_app": "[red]bot\x1b[2J",
        "span_kind": "tool",
    }
    path = tmp_path / "hostile.jsonl"
    path.write_text(json.dumps(span))
    store = tmp_path / "store.db"
    assert evalforge("run", path, "--store", store).code == 0
    for call in (("list", "suggestions"), ("list", "patterns"), ("list", "captures")):
        ended = evalforge(*call, "--store", store)
        assert ended.code == 0
        assert "\x1b" not in ended.out
    assert "[red]bot" in evalforge("list", "suggestions", "--store", store).out


def test_a_store_that_was_damaged_is_named_by_every_command(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    assert evalforge("run", SAMPLES, "--store", store).code == 0
    with store.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (store.stat().st_size - 4096))
    for call in (("list", "captures"), ("run", str(SAMPLES)), ("doctor",)):
        ended = evalforge(*call, "--store", store)
        assert ended.code in (1, 2), call
        assert "damaged" in ended.out + ended.err, call
        assert "Traceback" not in ended.err, call


@pytest.mark.parametrize("name", ["[/nope]", "[red]x y", "it's"])
def test_a_store_may_have_any_name_and_the_next_commands_can_be_copied(name: str, tmp_path: Path) -> None:
    ended = evalforge("run", SAMPLES, "--store", tmp_path / name / "s.db")
    assert ended.code == 0, ended.err
    command = next(line for line in ended.out.splitlines() if "show suggestion" in line)
    assert str(tmp_path / name / "s.db") in shlex.split(command)


def test_a_store_that_is_no_database_is_named(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    store.write_text("this is a text file, and a long one, so that SQLite reads its header " * 20)
    ended = evalforge("run", SAMPLES, "--store", store)
    assert ended.code == 2
    assert str(store) in ended.err
    assert "Traceback" not in ended.err
