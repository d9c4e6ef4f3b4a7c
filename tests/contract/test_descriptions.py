"""An exchange that is not as it is described is told, wherever the stand-in ran."""

from pathlib import Path
from typing import Any

import pytest

from functions.local.datadog.exchange_log import appending_to
from functions.local.datadog.server import Exchange
from tests.contract.openapi import described, faults_of
from tests.pipeline.serving import SPANS, as_datadog, asked_of_datadog

INTAKE = "/api/intake/llm-obs/v1/trace/spans"
TRACER = "/api/v2/llmobs"
EVALUATIONS = "/api/intake/llm-obs/v2/eval-metric"
ABSENT = object()

SPAN: dict[str, Any] = {"trace_id": "t", "span_id": "s", "parent_id": "undefined", "name": "chat"}
SPAN |= {"start_ns": 1_793_703_901_645_914_000, "duration": 5.0, "status": "ok", "tags": ["env:prod"]}
SPAN |= {"metrics": {"input_tokens": 3}, "meta": {"kind": "agent", "input": {"value": "hi"}}}
TRACED: dict[str, Any] = {**SPAN, "_dd": {}, "service": "shop"}
EVENT: dict[str, Any] = {"_dd.stage": "raw", "_dd.tracer_version": "4.16.0", "event_type": "span"}
METRIC: dict[str, Any] = {"join_on": {"span": {"span_id": "s", "trace_id": "t"}}, "ml_app": "shop"}
METRIC |= {"timestamp_ms": 1_793_703_901_645, "metric_type": "categorical", "label": "tone"}
METRIC |= {"categorical_value": "rude", "assessment": "fail", "reasoning": "It swore."}
TAKEN_ID = "456f4567-e89b-12d3-a456-426655440000"


def changed(whole: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**whole, **fields}.items() if value is not ABSENT}


def spans(around: dict[str, Any] | None = None, **fields: Any) -> Exchange:
    attributes = changed({"ml_app": "shop", "spans": [changed(SPAN, fields)]}, around or {})
    return Exchange("POST", INTAKE, {}, {"data": {"type": "span", "attributes": attributes}}, 202, None)


def traced(around: dict[str, Any] | None = None, **fields: Any) -> Exchange:
    event = changed({**EVENT, "spans": [changed(TRACED, fields)]}, around or {})
    return Exchange("POST", TRACER, {}, [event], 202, None)


def evaluations(taken: dict[str, Any] | None = None, **fields: Any) -> Exchange:
    metric = changed(METRIC, fields)
    asked = {"data": {"type": "evaluation_metric", "attributes": {"metrics": [metric]}}}
    told = changed({**metric, "id": TAKEN_ID}, taken or {})
    attributes = {"metrics": [told]}
    answered = {"data": {"type": "evaluation_metric", "id": TAKEN_ID, "attributes": attributes}}
    return Exchange("POST", EVALUATIONS, {}, asked, 202, answered)


def checked(answered: Any, status: int = 200, **arguments: str) -> Exchange:
    return Exchange("GET", "/api/v1/validate", arguments, None, status, answered)


@pytest.mark.parametrize(
    "exchange",
    [
        spans(),
        spans(meta={"kind": "llm", "output": {"messages": [{"role": "assistant", "content": "hi"}]}}),
        spans(meta={"kind": "retrieval", "output": {"documents": [{"text": "a page", "score": 0.5}]}}),
        spans(meta={"kind": "tool", "metadata": {"code": 5, "cached": True, "by": "us"}}),
        traced(),
        evaluations(),
        evaluations(metric_type="score", score_value=1, categorical_value=ABSENT),
        evaluations(join_on={"tag": {"key": "turn", "value": "7"}}, tags=["source:evalforge"]),
        checked({"valid": True}),
        checked({"errors": ["Forbidden"]}, 403),
        spans()._replace(asked={"data": 5}, status=400, answered={"errors": [{"title": "Bad Request"}]}),
        spans()._replace(status=413, answered={"errors": ["too large"]}),
    ],
)
def test_what_is_as_described_is_no_fault(exchange: Exchange) -> None:
    assert faults_of(exchange) == []


@pytest.mark.parametrize(
    ("exchange", "fault"),
    [
        (spans(start_ns=ABSENT), "/data/attributes/spans/0: lacks start_ns"),
        (spans(start_ns=1_793_703_901_645), "/data/attributes/spans/0/start_ns: not within"),
        (spans(duration="5"), "/data/attributes/spans/0/duration: no number"),
        (spans(status="failed"), "/data/attributes/spans/0/status: none of"),
        (spans(colour="red"), "/data/attributes/spans/0: colour is not described"),
        (spans(tags=["prod"]), "/data/attributes/spans/0/tags/0: does not match"),
        (spans(meta={"kind": "dream"}), "/data/attributes/spans/0/meta/kind: none of"),
        (spans(meta={"kind": "tool", "input": {"messages": []}}), "messages is not described"),
        (spans(meta={"kind": "llm", "output": {"value": "x", "messages": []}}), "value is not described"),
        (spans(meta={"kind": "llm", "input": {"messages": [{"role": "user"}]}}), "lacks content"),
        (spans(meta={"kind": "task", "metadata": {"a": {"b": 1}}}), "/meta/metadata/a: no"),
        (spans({"ml_app": "Shop"}), "/data/attributes/ml_app: does not match"),
        (spans({"ml_app": "s" * 194}), "/data/attributes/ml_app: not within"),
        (spans({"ml_app": ABSENT}), "/data/attributes: lacks ml_app"),
        (spans({"spans": []}), "/data/attributes/spans: not within"),
        (spans()._replace(answered={}), "a body where none is described"),
        (spans()._replace(status=200), "status 200 is not described"),
        (spans()._replace(arguments={"dry": "1"}), "unknown argument dry"),
        (spans()._replace(status=400, answered={"errors": [5]}), "/errors/0: no"),
        (traced(_dd=ABSENT), "/0/spans/0: lacks _dd"),
        (traced({"_dd.stage": ABSENT}), "/0: lacks _dd.stage"),
        (traced({"event_type": "metric"}), "/0/event_type: none of"),
        (evaluations(label="a.b"), "/data/attributes/metrics/0/label: does not match"),
        (evaluations(label="x" * 201), "/data/attributes/metrics/0/label: not within"),
        (evaluations(timestamp_ms=1_793_703_901), "/data/attributes/metrics/0/timestamp_ms: not within"),
        (evaluations(categorical_value=ABSENT), "/data/attributes/metrics/0: lacks categorical_value"),
        (evaluations(score_value=1), "/data/attributes/metrics/0: score_value is not described"),
        (evaluations(assessment="bad"), "/data/attributes/metrics/0/assessment: none of"),
        (evaluations(join_on={}), "/data/attributes/metrics/0/join_on: lacks span"),
        (evaluations({"id": ABSENT}), "/data/attributes/metrics/0: lacks id"),
        (evaluations({"id": "7"}), "/data/attributes/metrics/0/id: does not match"),
        (checked({}), ": lacks valid"),
        (checked({"valid": "yes"}), "/valid: no boolean"),
        (checked({"valid": True}, api_key="x"), "unknown argument api_key"),
    ],
)
def test_what_an_intake_is_not_described_to_take_or_to_answer_is_told(exchange: Exchange, fault: str) -> None:
    [told] = faults_of(exchange)
    assert fault in told


def test_what_another_process_logged_is_held_to_its_description(tmp_path: Path) -> None:
    with as_datadog(tmp_path / "traces.jsonl", folder=tmp_path) as (*_, log):
        append = appending_to(Path(log))
        append(checked({"valid": True}))
        append(spans())
    assert asked_of_datadog(tmp_path) == [checked({"valid": True}), spans()]

    with (
        pytest.raises(AssertionError, match="GET /api/v1/validate 200 unknown argument page"),
        as_datadog(tmp_path / "traces.jsonl", folder=tmp_path) as (*_, log),
    ):
        appending_to(Path(log))(checked({"valid": True}, page="2"))


def test_what_is_not_as_described_is_told() -> None:
    if not described():
        pytest.skip("the API's description is not beside the project; name its folder in EVALFORGE_SHARED")
    body = {"data": {"type": "spans", "attributes": {"filter": {"since": "x", "from": 5}}}}
    span = {"id": "1", "type": "spans", "attributes": {"span_id": "1"}}
    answer = {"data": [span], "meta": {"elapsed": 1, "request_id": "r", "status": "done", "page": None}}

    faults = faults_of(Exchange("POST", f"{SPANS}/search", {"x": "y"}, body, 200, answer))

    assert [fault.partition(" 200 ")[2] for fault in faults if "lacks" not in fault] == [
        "/data/attributes/filter: since is not described",
        "/data/attributes/filter/from: no string",
        "unknown argument x",
        "/data/0/type: none of ['span']",
        "/meta/page: null",
    ]
    assert sum("lacks" in fault for fault in faults) == 7
    assert faults_of(Exchange("GET", "/api/v2/unheard-of", {}, None, 200, {})) != []
    refused = Exchange("POST", f"{SPANS}/search", {}, body, 401, {"errors": ["no"]})
    assert any("since is not described" in fault for fault in faults_of(refused)), (
        "refused for another reason"
    )
    arguments = {"page[limit]": "many", "filter[from]": "now-1h"}
    listed = Exchange("GET", SPANS, arguments, {}, 200, {"data": []})
    assert [fault.partition(" 200 ")[2] for fault in faults_of(listed)][:2] == [
        "a body where none is described",
        "page[limit]: no integer",
    ]
