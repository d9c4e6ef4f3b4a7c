"""Reading trace files in the shapes that tools leave them in."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.embedded.trace_reading import LoadedFile, load_file
from tests.unit.build import SALT

SPANS: list[dict[str, Any]] = [
    {"span_id": f"s{number}", "trace_id": f"t{number}", "name": "step"} for number in range(5)
]
ITEMS = [{"id": span["span_id"], "type": "span", "attributes": span} for span in SPANS]


def _load(path: Path) -> LoadedFile:
    return load_file(path, SALT, lambda _: None)


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
