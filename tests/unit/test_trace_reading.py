"""Reading trace files in the shapes that tools leave them in."""

import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from shared.domain.spans import Span
from shared.embedded.trace_reading import LoadedFile, load_file
from tests.unit.build import SALT

SPANS: list[dict[str, Any]] = [
    {"span_id": f"s{number}", "trace_id": f"t{number}", "name": "step"} for number in range(5)
]
ITEMS = [{"id": span["span_id"], "type": "span", "attributes": span} for span in SPANS]


def _load(path: Path) -> LoadedFile:
    return load_file(path, SALT, lambda _: None)


def _spans(packed: list[bytes]) -> list[Span]:
    return [Span.model_validate_json(zlib.decompress(one)) for one in packed]


def _written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "traces.json"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(json.dumps(span) for span in SPANS),
        "\r\n\r\n".join(json.dumps(span) for span in SPANS),
        json.dumps({"data": ITEMS}),
        json.dumps({"data": ITEMS, "meta": {"page": {"after": None}}}, indent=2),
        json.dumps(ITEMS, indent=2),
        "\n".join(json.dumps(item, indent=2) for item in ITEMS),
        "".join(json.dumps(item) for item in ITEMS),
        json.dumps({"data": ITEMS[:2]}, indent=1) + "\n" + json.dumps({"data": ITEMS[2:]}, indent=1),
        "\ufeff" + json.dumps(ITEMS, indent=2),
        "[\n" + ",\n".join(map(json.dumps, SPANS)) + "\n]",
        "[\n" + "\n,".join(map(json.dumps, SPANS)) + "\n]",
        '{"data": [\n' + ",\n".join(map(json.dumps, ITEMS)) + "\n]}",
        "".join(json.dumps(span) + ",\n" for span in SPANS),
        "[\n" + ",\n".join(json.dumps([span]) for span in SPANS) + "\n]",
        "\n\n" + json.dumps(ITEMS, indent=2) + "\n\n",
    ],
    ids=[
        *("lines", "crlf", "response", "laid out", "list", "jq", "side by side", "pages", "mark"),
        *("an item a line", "commas first", "a response's item a line", "commas last", "a trace a line"),
        "blanks around",
    ],
)
def test_every_layout_gives_every_span(text: str, tmp_path: Path) -> None:
    told = _load(_written(tmp_path, text))

    assert (told.spans, told.faults) == (5, [])


def test_a_fault_in_a_document_that_fills_the_file_is_named_with_its_line(tmp_path: Path) -> None:
    lines = json.dumps({"data": ITEMS}, indent=2).splitlines()
    broken = next(number for number, line in enumerate(lines) if '"t2"' in line)
    lines[broken] = '      "trace_id" "t2",'

    told = _load(_written(tmp_path, "\n".join(lines)))

    [fault] = told.faults
    opened = max(number for number in range(broken) if lines[number].strip() == "{")
    assert opened <= fault.line <= broken + 1
    assert told.spans == 2


def test_bytes_that_are_not_utf_8_are_a_fault_in_any_layout(tmp_path: Path) -> None:
    for text in (json.dumps(ITEMS, indent=2), json.dumps(ITEMS), "\n".join(map(json.dumps, SPANS))):
        path = tmp_path / "bytes.json"
        path.write_bytes(text.replace('"t3"', '"t\\u00ff"').encode().replace(b"\\u00ff", b"\xff"))

        told = _load(path)

        assert len(told.faults) == 1
        assert "not UTF-8" in told.faults[0].reason
        assert told.spans < len(SPANS)


def test_a_file_that_is_none_does_not_fill_memory(tmp_path: Path) -> None:
    for text in ("{} " * 200_000, "[\n" * 200_000, "{\n{x}\n" * 100_000, '{"data":[' + "{}," * 200_000):
        told = _load(_written(tmp_path, text))

        assert told.spans == 0
        assert 1 <= len(told.faults) <= 101


def test_a_first_line_that_is_cut_costs_no_line_behind_it(tmp_path: Path) -> None:
    lists = [json.dumps([[span]]) for span in SPANS]

    told = _load(_written(tmp_path, "\n".join(['[[{"span_id": "x", "tr', *lists])))

    assert told.spans == 5
    assert [fault.line for fault in told.faults] == [1]


def test_a_trace_of_which_a_span_was_refused_is_remembered_as_partial(tmp_path: Path) -> None:
    refused = {"id": "x", "attributes": {"span_id": "x", "trace_id": "t1", "tags": 5}}

    told = _load(
        _written(tmp_path, "\n".join(map(json.dumps, [*ITEMS, refused, {"trace_id": 7, "span_id": ""}])))
    )

    assert told.spans == 5
    assert told.partial == {"t1", "7"}


INTAKE = [{**span, "start_ns": 1, "meta": {"kind": "llm", "input": {"messages": [{}, {}]}}} for span in SPANS]
FRAME = {"ml_app": "bot", "tags": ["env:prod"]}
CUTTABLE: dict[str, Any] = {
    "HTTP intake": {"data": {"type": "span", "attributes": {**FRAME, "spans": INTAKE}}},
    "tracer list": [{"_dd.stage": "raw", **FRAME, "spans": INTAKE[:2]}, {**FRAME, "spans": INTAKE[2:]}],
    "response": {"data": [{"id": "x", "attributes": {**FRAME, **span}} for span in INTAKE]},
    "list of attributes": [{**FRAME, **span} for span in INTAKE],
}


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("document", CUTTABLE.values(), ids=CUTTABLE)
def test_of_a_cut_document_every_span_before_the_cut_is_read(
    document: Any, indent: int | None, tmp_path: Path
) -> None:
    text = json.dumps(document, indent=indent)
    # In the middle of the fourth span's own list.
    cut = text[: text.index('"messages"', text.index('"s3"')) + len('"messages": [{}')]

    told = _load(_written(tmp_path, cut))

    assert set(told.traces) == {"t0", "t1", "t2"}
    assert {span.ml_app for packed in told.traces.values() for span in _spans(packed)} == {"bot"}
    [fault] = told.faults
    assert "3 items before it were read" in fault.reason


def test_of_a_line_that_is_cut_every_span_before_the_cut_is_read(tmp_path: Path) -> None:
    lines = [json.dumps({**FRAME, "spans": part}) for part in (INTAKE[:2], INTAKE[2:])]

    told = _load(_written(tmp_path, lines[0] + "\n" + lines[1][:-30] + "\n"))

    assert set(told.traces) == {"t0", "t1", "t2", "t3"}
    assert [fault.line for fault in told.faults] == [2]


@pytest.mark.parametrize("inside", ["a\nb ]} \x01", 'a ]}] \\" \\x'], ids=["control", "escape"])
def test_a_fault_inside_a_text_ends_no_list_early(inside: str, tmp_path: Path) -> None:
    good = json.dumps({**FRAME, "spans": INTAKE[:2]})[:-2]

    told = _load(_written(tmp_path, good + ', {"span_id": "x", "trace_id": "x", "name": "' + inside + '"}]}'))

    assert set(told.traces) == {"t0", "t1"}
    assert len(told.faults) == 1


def test_a_span_without_a_start_time_is_named_and_costs_no_other(tmp_path: Path) -> None:
    timed = [{**span, "start_ns": 1_761_833_858_897} for span in SPANS[:2]]
    timeless = {"trace_id": "t0", "span_id": "late", "parent_id": "s0"}

    told = _load(_written(tmp_path, "\n".join(map(json.dumps, [timed[0], timeless, timed[1]]))))

    assert (told.spans, told.partial) == (2, frozenset({"t0"}))
    assert [str(fault).removeprefix(f"{told.path}:") for fault in told.faults] == [
        "2: the span has no start time; give it one of start_ns, start, start_time, timestamp"
    ]


def test_spans_of_a_file_that_tells_no_times_are_all_kept(tmp_path: Path) -> None:
    told = _load(_written(tmp_path, "\n".join(map(json.dumps, SPANS))))

    assert (told.spans, told.faults, told.partial) == (5, [], frozenset())


@pytest.mark.parametrize("pages", [False, True])
def test_a_response_that_is_a_part_of_the_answer_is_named(pages: bool, tmp_path: Path) -> None:
    response = {"data": ITEMS[:2], "meta": {"status": "timeout", "page": None}}

    told = _load(_written(tmp_path, json.dumps([response] if pages else response)))

    assert (told.spans, told.partial) == (2, frozenset({"t0", "t1"}))
    [fault] = told.faults
    assert "search again" in fault.reason
