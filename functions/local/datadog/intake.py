"""What applications and evaluators send: spans in either intake form, and evaluations."""

import uuid
from collections.abc import Iterator
from typing import Any

from functions.local.datadog.spans import Join, SpanStore
from shared.domain.span_shapes import SpanShapeError, items_in, parse_span


class IntakeError(ValueError):
    """What was sent is not what the intake takes; the message says why and repeats nothing."""


def take_spans(body: Any, store: SpanStore) -> int:  # noqa: ANN401 - any JSON
    """Take in the spans of a request, and say how many there were."""
    try:
        spans = [parse_span(item) for item in items_in(body)]
    except SpanShapeError as error:
        raise IntakeError(str(error)) from None
    store.add(spans)
    return len(spans)


def take_evaluations(body: Any, store: SpanStore) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Attach the evaluations of a request to their spans, and spell the answer."""
    match body:
        case {"data": {"type": "evaluation_metric", "attributes": {"metrics": list() as metrics}}}:
            taken = [_take(metric, store) for metric in metrics]
        case _:
            raise IntakeError("no evaluation_metric with a list of metrics")
    told = {"type": "evaluation_metric", "id": str(uuid.uuid4()), "attributes": {"metrics": taken}}
    return {"data": told}


def _take(metric: Any, store: SpanStore) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    match metric:
        case {"label": str() as label, "metric_type": str() as kind, "ml_app": str(), "timestamp_ms": int()}:
            value = metric.get(f"{kind}_value")
        case _:
            raise IntakeError("a metric needs label, metric_type, ml_app and timestamp_ms")
    if "." in label or value is None:
        raise IntakeError("a label has no dot, and a metric the value of its type")
    if metric.get("assessment") not in (None, "pass", "fail"):
        raise IntakeError("an assessment is pass or fail")
    if not store.evaluate(_join(metric.get("join_on")), label, dict(_evaluation(metric, kind))):
        raise IntakeError("join_on names no span, or several")
    return {**metric, "id": str(uuid.uuid4())}


def _evaluation(metric: dict[str, Any], kind: str) -> Iterator[tuple[str, Any]]:
    yield "value", metric[f"{kind}_value"]
    yield "eval_metric_type", kind
    yield "status", "OK"
    yield "tags", list(metric.get("tags") or ())
    for key in ("assessment", "reasoning"):
        if metric.get(key):
            yield key, metric[key]


def _join(told: Any) -> Join:  # noqa: ANN401 - any JSON
    match told:
        case {"span": {"span_id": str() as span_id, "trace_id": str() as trace_id}}:
            return Join(span_id=span_id, trace_id=trace_id)
        case {"tag": {"key": str() as key, "value": str() as value}}:
            return Join(tag=f"{key}:{value}")
    raise IntakeError("join_on has neither a span nor a tag")
