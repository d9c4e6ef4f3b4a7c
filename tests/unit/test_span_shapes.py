"""Reading spans: every shape that Datadog gives them in, and whatever else a file may hold."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.span_shapes import SpanShapeError, items_in, parse_span
from shared.domain.spans import Span
from tests.properties import examples
from tests.unit.build import TRACE_ID, json_values, record

START_NS = 1_761_833_858_897_000_000

ATTRIBUTES: dict[str, Any] = {
    "span_id": "7",
    "trace_id": TRACE_ID,
    "parent_id": "undefined",
    "name": "refund",
    "span_kind": "tool",
    "status": "error",
    "start_ns": START_NS,
    "duration": 83_000.0,
    "ml_app": "shop-assistant",
    "input": {"value": "{}"},
    "output": {"value": "503"},
    "metadata": {"k": "v"},
    "metrics": {"input_tokens": 10},
    "tags": ["env:prod", "session_id:s-1"],
}
SEARCH_ITEM = {"id": "7", "type": "span", "attributes": ATTRIBUTES}
INTAKE_SPAN = {
    "span_id": "7",
    "trace_id": TRACE_ID,
    "parent_id": "undefined",
    "name": "refund",
    "status": "error",
    "start_ns": START_NS,
    "duration": 83_000,
    "meta": {
        "kind": "tool",
        "input": {"value": "{}"},
        "output": {"value": "503"},
        "metadata": {"k": "v"},
    },
    "metrics": {"input_tokens": 10},
}
HTTP_INTAKE = {
    "data": {
        "type": "span",
        "attributes": {
            "ml_app": "shop-assistant",
            "tags": ["env:prod", "session_id:s-1"],
            "spans": [INTAKE_SPAN],
        },
    }
}
TRACER_SPAN = {**INTAKE_SPAN, "ml_app": "shop-assistant", "tags": ["env:prod", "session_id:s-1"]}
TRACER_EVENT = {
    "_dd.stage": "raw",
    "_dd.tracer_version": "4.16.0",
    "event_type": "span",
    "spans": [TRACER_SPAN],
}

SHAPES: dict[str, Any] = {
    "search item": SEARCH_ITEM,
    "bare attributes": ATTRIBUTES,
    "whole response": {"data": [SEARCH_ITEM], "links": {"next": "https://…"}, "meta": {"status": "done"}},
    "list of search items": [SEARCH_ITEM],
    "list of attributes": [ATTRIBUTES],
    "list of responses": [{"data": [SEARCH_ITEM]}],
    "HTTP intake": HTTP_INTAKE,
    "tracer list": [TRACER_EVENT],
    "tracer event": TRACER_EVENT,
    "tracer span": TRACER_SPAN,
}


def _read(document: Any) -> list[Span]:
    return [parse_span(found) for found in items_in(document)]


@pytest.mark.parametrize("document", SHAPES.values(), ids=SHAPES)
def test_every_shape_gives_the_same_span(document: Any) -> None:
    [span] = _read(document)

    assert span == Span(
        span_id="7",
        trace_id=TRACE_ID,
        parent_id=None,
        name="refund",
        kind="tool",
        status="error",
        start_ns=START_NS,
        duration_ns=83_000,
        ml_app="shop-assistant",
        input={"value": "{}"},
        output={"value": "503"},
        metadata={"k": "v"},
        metrics={"input_tokens": 10},
        tags=("env:prod", "session_id:s-1"),
    )


@pytest.mark.parametrize("document", SHAPES.values(), ids=SHAPES)
def test_reading_leaves_the_document_as_it_was(document: Any) -> None:
    before = copy.deepcopy(document)

    _read(document)

    assert document == before


def test_a_response_gives_its_spans_in_order() -> None:
    items = [{"id": str(at), "attributes": record(str(at))} for at in range(3)]

    assert [span.span_id for span in _read({"data": items})] == ["0", "1", "2"]


def test_a_search_items_id_stands_in_for_a_missing_span_id() -> None:
    [span] = _read({"id": "7", "type": "span", "attributes": {"trace_id": TRACE_ID}})

    assert span.span_id == "7"


def test_an_empty_response_has_no_spans() -> None:
    assert _read({"data": [], "meta": {"page": None}}) == []


def test_what_stands_above_the_spans_of_an_intake_counts_for_each() -> None:
    above = {"ml_app": "bot", "session_id": "s-9", "tags": ["env:dev"], "spans": [INTAKE_SPAN, INTAKE_SPAN]}

    spans = _read({"data": {"attributes": above}})

    assert [(span.ml_app, span.tag("env"), span.extra["session_id"]) for span in spans] == [
        ("bot", "dev", "s-9"),
        ("bot", "dev", "s-9"),
    ]


def test_a_spans_own_tags_stand_beside_those_above_it() -> None:
    [span] = _read({"tags": ["env:dev"], "spans": [{**INTAKE_SPAN, "tags": ["version:2"]}]})

    assert span.tags == ("env:dev", "version:2")


def test_a_tracers_error_is_kept() -> None:
    error = {"message": "timed out", "type": "TimeoutError"}
    [span] = _read({"spans": [{**INTAKE_SPAN, "meta": {**INTAKE_SPAN["meta"], "error": error}}]})  # type: ignore[dict-item]

    assert span.extra["error"] == error


@pytest.mark.parametrize(
    ("document", "looks_like"),
    [
        (None, "null"),
        (5, "a number"),
        (True, "a boolean"),
        ("jane@example.com", "a text"),
        ({"user": "jane@example.com"}, "an object without span_id and trace_id"),
        ([["jane@example.com"]], "a text"),
        ({"spans": ["jane@example.com"]}, "a text"),
    ],
)
def test_what_is_no_span_is_refused_by_its_looks_and_never_repeated(document: Any, looks_like: str) -> None:
    with pytest.raises(SpanShapeError, match=looks_like) as refused:
        _read(document)

    assert "jane" not in str(refused.value)


# Fields that the reader looks at, so that arbitrary documents get past its first question.
_keys = st.sampled_from(
    [
        *("id", "attributes", "data", "spans", "evaluation", "tags", "span_id", "trace_id", "parent_id"),
        *(
            "start_ns",
            "duration",
            "metadata",
            "metrics",
            "ml_app",
            "name",
            "span_kind",
            "status",
            "input",
            "meta",
            "span",
            "kind",
        ),
    ]
)
_meta = st.fixed_dictionaries({}, optional=dict.fromkeys(("kind", "input", "metadata", "error"), json_values))
_documents = st.recursive(
    json_values,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(_keys, inner, max_size=8)
        | st.fixed_dictionaries(
            {"span_id": inner, "trace_id": inner}, optional={"meta": _meta, "tags": inner}
        )
        | st.fixed_dictionaries({"spans": st.lists(inner, max_size=3)}, optional={"tags": inner})
    ),
    max_leaves=20,
)


@examples(400)
@given(_documents)
def test_an_arbitrary_document_is_read_or_refused_as_no_span(document: Any) -> None:
    try:
        spans = _read(document)
    except SpanShapeError:
        return
    for span in spans:
        assert json.loads(span.model_dump_json())["span_id"]
