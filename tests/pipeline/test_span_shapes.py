"""One trace in each of Datadog's span shapes: `evalforge run` makes the same capture of all of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.command import evalforge
from tests.pipeline.end_state import end_state, open_store

START_NS = 1_761_833_858_897_000_000
STEP = dict[str, Any]

CALL = {"name": "find_order", "arguments": {"number": "A-7"}, "tool_id": "c1", "type": "function"}
TOOL = {"name": "find_order", "description": "finds an order", "schema": {"type": "object"}}
# The trace as a search response has it, but for what the shapes put in different places.
STEPS: list[STEP] = [
    {
        "id": "10",
        "parent": None,
        "kind": "agent",
        "said": {"value": "Where is A-7?"},
        "answer": {"value": "Hm."},
    },
    {
        "id": "11",
        "parent": "10",
        "kind": "llm",
        "said": {"messages": [{"role": "user", "content": "Where is A-7?"}]},
        "answer": {"messages": [{"role": "assistant", "content": "", "tool_calls": [CALL]}]},
        "model": {"model_name": "gpt-4o", "model_provider": "openai"},
        "tools": [TOOL],
        "metrics": {"input_tokens": 10, "output_tokens": 2},
    },
    {
        "id": "12",
        "parent": "10",
        "kind": "tool",
        "said": {"value": '{"number": "A-7"}'},
        "error": "ConnectionTimeoutError",
    },
    {
        "id": "13",
        "parent": "10",
        "kind": "retrieval",
        "said": {"value": "A-7"},
        "answer": {"documents": [{"text": "A-7 was sent", "name": "faq", "score": 0.5, "id": "d1"}]},
    },
]


def _span(step: STEP, start: Any, parent: Any) -> dict[str, Any]:
    """Spell what every shape has at the same place."""
    at = STEPS.index(step)
    return {
        "span_id": step["id"],
        "trace_id": "trace-7",
        "parent_id": step["parent"] or parent,
        "name": "find_order" if step["kind"] == "tool" else step["kind"],
        "start_ns": start(START_NS + at * 10**9),
        "duration": 83_000,
    }


def _said(step: STEP) -> dict[str, Any]:
    told = {"input": step["said"], "output": step.get("answer"), "metadata": {"temperature": 0}}
    return {key: value for key, value in told.items() if value is not None}


def _searched(step: STEP) -> dict[str, Any]:
    failed = "error" in step
    error_tags = ["error:1", f"error_type:{step['error']}"] if failed else ["error:0"]
    return {
        **_span(step, lambda ns: ns, "undefined"),
        **_said(step),
        **step.get("model", {}),
        **({"tool_definitions": step["tools"]} if "tools" in step else {}),
        "duration": 83_000.0,
        "span_kind": step["kind"],
        "status": "error" if failed else "ok",
        "ml_app": "support-bot",
        "metrics": {key: float(value) for key, value in step.get("metrics", {}).items()},
        "tags": [
            "service:support",
            "env:prod",
            "ml_app:support-bot",
            *error_tags,
            "session_id:s-1",
            "version:",
        ],
    }


def _search_item(step: STEP) -> dict[str, Any]:
    return {"id": step["id"], "type": "span", "attributes": _searched(step)}


def _by_http(step: STEP) -> dict[str, Any]:
    said = _said(step)
    said["metadata"] |= step.get("model", {})
    meta = {"kind": step["kind"], **said} | ({"tool_definitions": step["tools"]} if "tools" in step else {})
    if "error" in step:
        meta["error"] = {"type": step["error"], "message": "", "stack": ""}
    return {
        **_span(step, lambda ns: ns // 1000, ""),
        "status": "error" if "error" in step else "ok",
        "meta": meta,
        "metrics": step.get("metrics", {}),
    }


def _http_intake() -> dict[str, Any]:
    common = {"ml_app": "support-bot", "session_id": "s-1", "tags": ["env:prod", "service:support"]}
    return {"data": {"type": "span", "attributes": {**common, "spans": [_by_http(step) for step in STEPS]}}}


def _traced(step: STEP, *, folded: bool) -> dict[str, Any]:
    """Spell a span as tracers send it; some of them fold the keys of `meta`."""
    meta: dict[str, Any] = {**_said(step), **step.get("model", {})}
    meta |= {"span.kind": step["kind"]} if folded else {"span": {"kind": step["kind"]}}
    tags = ["version:", "env:prod", "service:support", "ml_app:support-bot", "session_id:s-1", "error:0"]
    if "tools" in step:
        meta["tool_definitions"] = step["tools"]
    if "error" in step:
        meta |= {"error.type": step["error"]} if folded else {"error": {"type": step["error"], "message": ""}}
        tags[-1:] = ["error:1", f"error_type:{step['error']}"]
    return {
        **_span(step, lambda ns: ns // 10**6, "undefined"),
        "session_id": "s-1",
        "status": "error" if "error" in step else "ok",
        "meta": meta,
        "metrics": step.get("metrics", {}),
        "tags": tags,
        "_dd": {"span_id": step["id"], "trace_id": "trace-7", "apm_trace_id": "9"},
    }


def _tracer_list(*, folded: bool) -> list[Any]:
    frame = {"_dd.stage": "raw", "_dd.tracer_version": "4.16.0", "event_type": "span"}
    return [{**frame, "spans": [_traced(step, folded=folded)]} for step in STEPS]


def _page(steps: list[STEP]) -> dict[str, Any]:
    return {"data": list(map(_search_item, steps)), "meta": {"status": "done", "page": {"after": "x"}}}


SHAPES: dict[str, Callable[[], str]] = {
    "search items, one a line": lambda: "\n".join(json.dumps(_search_item(step)) for step in STEPS),
    "search responses": lambda: json.dumps(_page(STEPS[:2])) + "\n" + json.dumps(_page(STEPS[2:])),
    "attributes, one a line": lambda: "\n".join(json.dumps(_searched(step)) for step in STEPS),
    "list of attributes": lambda: json.dumps(list(map(_searched, STEPS)), indent=2),
    "HTTP intake": lambda: json.dumps(_http_intake()),
    "HTTP intake laid out": lambda: json.dumps(_http_intake(), indent=2),
    "tracer list": lambda: json.dumps(_tracer_list(folded=False)),
    "tracer list, folded": lambda: json.dumps(_tracer_list(folded=True)),
    "tracer events, one a line": lambda: "\n".join(map(json.dumps, _tracer_list(folded=False))),
}


Told = tuple[dict[str, Any], dict[str, Any]]


def _run(text: str, folder: Path) -> Told:
    path, store = folder / "spans.json", folder / "store.db"
    path.write_text(text)
    ended = evalforge("run", path, "--json", "--store", store)
    assert (ended.code, ended.err) == (0, "")
    shown = evalforge("show", "capture", "trace-7", "--json", "--store", store)
    return end_state(open_store(store)), shown.json


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What the shape gives that the others are held against."""
    return _run(SHAPES["search items, one a line"](), tmp_path_factory.mktemp("wanted"))


def test_a_searched_trace_is_read_whole(wanted: Told) -> None:
    _, capture = wanted
    spans = {span["span_id"]: span for span in capture["spans"]}

    assert [signal["span_id"] for signal in capture["signals"]] == ["12"]
    assert list(spans) == ["10", "11", "12", "13"]
    assert [span["kind"] for span in spans.values()] == ["agent", "llm", "tool", "retrieval"]
    assert [span["parent_id"] for span in spans.values()] == [None, "10", "10", "10"]
    assert [span["start_ns"] - START_NS for span in spans.values()] == [0, 10**9, 2 * 10**9, 3 * 10**9]
    assert spans["11"]["output"]["messages"][0]["tool_calls"] == [CALL]
    assert spans["11"]["extra"] == {**STEPS[1]["model"], "tool_definitions": [TOOL]}
    assert spans["12"]["extra"] == {"error": {"type": "ConnectionTimeoutError"}}
    assert spans["13"]["output"]["documents"][0]["text"] == "A-7 was sent"


@pytest.mark.parametrize("shape", [name for name in SHAPES if name != "search items, one a line"])
def test_every_shape_of_a_trace_gives_the_same_capture(shape: str, wanted: Told, tmp_path: Path) -> None:
    assert _run(SHAPES[shape](), tmp_path) == wanted


def test_a_bad_span_of_an_intake_is_named_and_costs_no_other(tmp_path: Path) -> None:
    intake = _http_intake()
    spans = intake["data"]["attributes"]["spans"]
    spans[1:1] = [
        {"span_id": "a", "trace_id": "trace-7", "meta": {"span": "x"}, "tags": 7},
        {"span_id": "b", "trace_id": "trace-7", "meta": {"kind": "llm"}},
    ]
    path = tmp_path / "intake.json"
    path.write_text(json.dumps(intake))

    ended = evalforge("run", path, "--json", "--store", tmp_path / "store.db")

    assert "Traceback" not in ended.err
    assert "tags are neither" in ended.err
    assert "no start time; give it one of start_ns" in ended.err
    assert (ended.code, ended.json["captures"], ended.json["dead_letters"]) == (0, 1, 2)


def test_of_a_cut_intake_the_spans_before_the_cut_are_read(tmp_path: Path) -> None:
    text = json.dumps(_http_intake())
    path, store = tmp_path / "intake.json", tmp_path / "store.db"
    path.write_text(text[: text.index("documents")])

    ended = evalforge("run", path, "--json", "--store", store)

    assert "3 items before it were read" in ended.err
    assert (ended.json["captures"], ended.json["dead_letters"]) == (1, 1)
    assert ended.json["suggestions"][0]["ml_app"] == "support-bot"
