"""Reading spans: every shape that Datadog gives them in, and whatever else a file may hold."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.span_shapes import SpanShapeError, items_in, parse_span, trace_id_of
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
    "one search item": {"data": SEARCH_ITEM},
    "HTTP intake without its frame": HTTP_INTAKE["data"],
    "list of HTTP intakes": [HTTP_INTAKE],
    "intakes below one frame": {"data": [HTTP_INTAKE["data"]]},
    "search item with a tracer's span": {"id": "7", "type": "span", "attributes": TRACER_SPAN},
    "attributes below an intake's frame": {"ml_app": "shop-assistant", "spans": [ATTRIBUTES]},
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

    assert [(span.ml_app, span.tag("env"), span.tag("session_id")) for span in spans] == [
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


def test_what_stands_above_counts_for_a_span_without_meta() -> None:
    bare = {"span_id": "7", "trace_id": TRACE_ID, "span_kind": "tool"}

    [span] = _read({"ml_app": "bot", "session_id": "s-9", "tags": ["env:dev"], "spans": [bare]})

    assert (span.ml_app, span.kind, span.tags) == ("bot", "tool", ("env:dev", "session_id:s-9"))


def test_of_what_stands_above_and_in_a_span_the_span_counts() -> None:
    own = {**INTAKE_SPAN, "session_id": "s-2", "tags": ["env:prod"]}
    [span] = _read({"ml_app": "bot", "session_id": "s-1", "tags": ["env:dev"], "spans": [own]})

    assert (span.tag("session_id"), span.tag("env")) == ("s-2", "prod")


def test_one_span_with_a_bad_field_costs_no_other_span_of_its_intake() -> None:
    spans = [INTAKE_SPAN, {**INTAKE_SPAN, "tags": 7}, {**INTAKE_SPAN, "meta": {"span": "x"}}]
    items = list(items_in({"spans": spans}))

    assert [trace_id_of(item) for item in items] == [TRACE_ID] * 3
    assert [parse_span(items[at]).kind for at in (0, 2)] == ["tool", "unknown"]
    with pytest.raises(SpanShapeError, match="tags are neither"):
        parse_span(items[1])


def test_a_span_may_have_fields_that_are_named_like_a_frame() -> None:
    [span] = _read({"span_id": "7", "trace_id": TRACE_ID, "data": [1], "spans": [2]})

    assert span.extra == {"data": [1], "spans": [2]}


MODEL_STEP: dict[str, Any] = {
    "span_kind": "llm",
    "model_name": "gpt-4o",
    "model_provider": "openai",
    "intent": "refund",
    "tool_definitions": [{"name": "refund", "description": "pay back", "schema": {}}],
    "metadata": {"temperature": 0},
}


def _in_meta(**meta: Any) -> Span:
    [span] = _read({"spans": [{**INTAKE_SPAN, "meta": meta}]})
    return span


@pytest.mark.parametrize(
    "kind", [{"kind": "llm"}, {"span": {"kind": "llm"}}, {"span.kind": "llm"}, {"kind": " LLM "}]
)
def test_a_kind_is_read_wherever_a_tracer_puts_it(kind: dict[str, Any]) -> None:
    assert _in_meta(**kind).kind == "llm"


def test_nothing_that_a_tracer_says_in_meta_is_lost() -> None:
    step = {key: value for key, value in MODEL_STEP.items() if key != "span_kind"}
    [searched] = _read({**ATTRIBUTES, **MODEL_STEP})
    told = _in_meta(kind="llm", input={"value": "{}"}, output={"value": "503"}, **step)

    assert (told.extra, told.metadata) == (searched.extra, searched.metadata)
    assert set(told.extra) == {"model_name", "model_provider", "intent", "tool_definitions"}


def test_the_model_is_one_wherever_it_is_named() -> None:
    named = {"model_name": "gpt-4o", "model_provider": "openai", "temperature": 0}

    told = _in_meta(kind="llm", metadata=named)

    assert told.extra == {"model_name": "gpt-4o", "model_provider": "openai"}
    assert told.metadata == {"temperature": 0}
    assert parse_span(record(model_name="b", metadata={"model_name": "a"})).metadata == {"model_name": "a"}


def test_what_a_tracer_says_of_itself_is_left_out() -> None:
    [span] = _read({"spans": [{**INTAKE_SPAN, "_dd": {"span_id": "7", "apm_trace_id": "1"}}]})

    assert span.extra == {}


@pytest.mark.parametrize(
    "meta",
    [
        {"error": {"message": "timed out", "type": "TimeoutError", "stack": "at pay"}},
        {"error.message": "timed out", "error.type": "TimeoutError", "error.stack": "at pay"},
        {"error.type": "TimeoutError", "error": {"message": "timed out", "stack": "at pay"}},
    ],
    ids=["object", "folded", "both"],
)
def test_an_error_is_one_object_however_a_tracer_spells_it(meta: dict[str, Any]) -> None:
    [span] = _read({"spans": [{**INTAKE_SPAN, "status": None, "error": 1, "meta": meta}]})

    assert span.status == "error"
    assert span.extra == {"error": {"message": "timed out", "type": "TimeoutError", "stack": "at pay"}}


def test_metrics_are_the_same_numbers_as_fractions_and_as_counts() -> None:
    span = parse_span(record(metrics={"input_tokens": 10.0, "score": 0.5}))

    assert json.dumps(span.metrics) == '{"input_tokens": 10, "score": 0.5}'


def test_a_tool_call_is_one_however_it_is_spelled() -> None:
    ours = {"name": "refund", "arguments": {"id": 1}, "tool_id": "c1", "type": "function"}
    theirs = {"id": "c1", "type": "function", "function": {"name": "refund", "arguments": '{"id": 1}'}}
    text = {**ours, "arguments": '{"id": 1}'}
    odd = [{**ours, "arguments": "soon"}, "refund", {"function": "refund"}]

    def said(*calls: Any) -> Any:
        message = {"role": "assistant", "content": "", "tool_calls": list(calls)}
        return parse_span(record(output={"messages": [message, "x", {"tool_calls": 5}]})).output

    assert said(theirs) == said(text) == said(ours)
    assert said(ours)["messages"][0]["tool_calls"] == [ours]
    assert said(*odd)["messages"] == [
        {"role": "assistant", "content": "", "tool_calls": odd},
        "x",
        {"tool_calls": 5},
    ]


def test_verdicts_and_reasons_that_stand_apart_belong_to_their_evaluations() -> None:
    told = parse_span(
        record(
            evaluations={"hallucination": "hallucination found", "custom": {"tone": 0.2}},
            evaluation_assessments={"hallucination": "fail", "custom": {"tone": "pass"}, "goal": "fail"},
            evaluation_reasoning={"hallucination": "no such order", "goal": "gave up"},
            evaluation={"goal": {"value": "incomplete", "reasoning": "left"}},
        )
    )

    assert told.extra == {}
    assert {label: (one.value, one.verdict, one.reasoning) for label, one in told.evaluations.items()} == {
        "hallucination": ("hallucination found", "fail", "no such order"),
        "tone": (0.2, "pass", None),
        "goal": ("incomplete", "fail", "left"),
    }


@pytest.mark.parametrize(
    ("kind", "value"), [("score", 0.0), ("categorical", "x"), ("boolean", False), ("json", {"a": 1})]
)
def test_an_evaluation_may_be_spelled_as_it_was_submitted(kind: str, value: Any) -> None:
    submitted = {"metric_type": kind, f"{kind}_value": value, "assessment": "fail"}
    [found] = parse_span(record(evaluation={"goal": submitted})).evaluations.values()

    assert (found.value, found.metric_type, found.verdict) == (value, kind, "fail")


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
_meta = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("kind", "span", "span.kind", "input", "output", "metadata", "error", "error.type", "tags"),
        json_values,
    ),
)
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
