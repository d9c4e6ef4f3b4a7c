"""From Datadog's span shapes to `Span`: search items, bare attributes, responses, intake forms."""

import math
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from pydantic import JsonValue, ValidationError

from shared.domain.canonical import canonical_json
from shared.domain.json_text import json_in
from shared.domain.spans import Evaluation, Span

MAX_DEPTH = 100
MAX_SPAN_BYTES = 10 * 1024 * 1024
OWN_EVALUATION_TAG = "source:evalforge"

# In the order of a search response; the rest of a span's keys are kept in `extra`.
_KNOWN = frozenset(
    [
        "span_id",
        "trace_id",
        "parent_id",
        "name",
        "span_kind",
        "status",
        "start_ns",
        "duration",
        "ml_app",
        "input",
        "output",
        "metadata",
        "metrics",
        "tags",
        "evaluation",
    ]
)
_NO_PARENT = frozenset({"", "undefined", "0", "null"})
# A time below this many "nanoseconds" lies before 1980 and was meant in a coarser unit:
# Datadog's own documented example gives `start_ns` in milliseconds.
_NS_FLOOR = 300_000_000_000_000_000
# Past any time; a number this large would only fill memory.
_TOO_LARGE = Decimal(10) ** 20


class SpanShapeError(ValueError):
    """A record is no span; the message says why and never repeats its content."""


def items_in(document: Any) -> Iterator[Any]:
    """Yield what stands for a span in a parsed document; a document of one span is its only item."""
    match document:
        case list():
            items = document
        case {"data": list() as listed}:
            items = listed
        case {"data": {"attributes": {"spans": list() as spans} as above}}:
            items = [_from_intake(span, above) for span in spans]
        case {"spans": list() as spans}:
            items = [_from_intake(span, document) for span in spans]
        case _:
            yield document
            return
    for item in items:
        yield from items_in(item)


def _record(item: Any) -> dict[str, Any]:
    """Read one item: a search item, bare attributes, or a span of the intake forms."""
    match item:
        case {"attributes": dict() as attributes} if "span_id" in attributes or "trace_id" in attributes:
            return {"span_id": item.get("id"), **attributes}
        case {"meta": dict()}:
            laid_out: dict[str, Any] = _from_intake(item, {})
            return laid_out
        case dict() if "span_id" in item or "trace_id" in item:
            return item
        case _:
            raise SpanShapeError(f"no span in it: {_looks_like(item)}")


def parse_span(item: Any) -> Span:
    """Read one span, whichever shape it has.

    Raises:
        SpanShapeError: an id is missing, a field has a wrong type, or the span is too deep or too large.
    """
    try:
        return _parsed(_clean(_record(item), depth=0))
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, fault["loc"])) for fault in error.errors(include_input=False))
        raise SpanShapeError(f"fields of a wrong type: {fields}") from None
    except (TypeError, AttributeError, ValueError) as error:
        if isinstance(error, SpanShapeError):
            raise
        raise SpanShapeError("evaluation, metadata and metrics must be objects") from None


def trace_id_of(item: Any) -> str | None:
    """Read the trace id of an item that was refused, if it tells one."""
    try:
        told = _record(item).get("trace_id")
    except (SpanShapeError, TypeError, AttributeError):
        return None
    return str(_clean(str(told), 0)) if isinstance(told, str | int) and not isinstance(told, bool) else None


def _parsed(cleaned: dict[str, Any]) -> Span:
    if len(canonical_json(cleaned).encode()) > MAX_SPAN_BYTES:
        raise SpanShapeError(f"the span is larger than {MAX_SPAN_BYTES // 2**20} MiB")
    for key in ("span_id", "trace_id"):
        told = cleaned.get(key)
        if isinstance(told, bool) or not isinstance(told, str | int) or told == "":
            raise SpanShapeError(f"the span has no {key}")
    parent = str(cleaned.get("parent_id") or "")
    return Span(
        span_id=str(cleaned["span_id"]),
        trace_id=str(cleaned["trace_id"]),
        parent_id=None if parent in _NO_PARENT else parent,
        name=str(cleaned.get("name") or ""),
        kind=str(cleaned.get("span_kind") or "unknown"),
        status=str(cleaned.get("status") or "ok").strip().lower(),
        start_ns=_nanoseconds(cleaned.get("start_ns")),
        duration_ns=int(_number(cleaned.get("duration"))),
        ml_app=str(cleaned.get("ml_app") or _app_in(cleaned.get("tags")) or "unknown"),
        input=cleaned.get("input"),
        output=cleaned.get("output"),
        metadata=_metadata(cleaned.get("metadata")),
        metrics=cleaned.get("metrics") or {},
        tags=_tags(cleaned.get("tags")),
        # The plural is the deprecated spelling of the same field; what both tell, the current one says.
        evaluations=_evaluations({**_named(cleaned.get("evaluations")), **(cleaned.get("evaluation") or {})}),
        extra={
            key: value for key, value in cleaned.items() if key not in _KNOWN and not _is_read(key, value)
        },
    )


def _tags(raw: object) -> tuple[str, ...]:
    """Read tags: a list, an object, or one text with commas between them."""
    if isinstance(raw, dict):
        raw = [f"{key}:{value}" for key, value in raw.items()]
    listed = raw.split(",") if isinstance(raw, str) else raw or ()
    if not isinstance(listed, list | tuple):
        raise SpanShapeError("tags are neither a list nor a text")
    return tuple(str(tag).strip() for tag in listed)


def _evaluations(raw: dict[str, Any]) -> dict[str, Evaluation]:
    """Read evaluations, leaving out those that EvalForge itself submitted."""
    evaluations = {}
    for label, told in raw.items():
        body = told if isinstance(told, dict) else {"value": told}
        tags = _tags(body.get("tags"))
        if OWN_EVALUATION_TAG in tags:
            continue
        evaluations[label] = Evaluation(
            value=body.get("value"),
            assessment=_assessment(body.get("assessment")),
            metric_type=_text_of(body.get("eval_metric_type")),
            reasoning=_text_of(body.get("reasoning")),
            tags=tags,
        )
    return evaluations


def _named(raw: object) -> dict[str, Any]:
    """Read evaluations of the deprecated spelling, which kept a team's own ones apart."""
    if not isinstance(raw, dict):
        return {}
    own = raw.get("custom")
    if isinstance(own, dict) and own.keys() & {"value", "assessment"}:
        # A team has called one of its evaluations `custom`.
        return raw
    theirs = {label: told for label, told in raw.items() if label != "custom"}
    return {**theirs, **own} if isinstance(own, dict) else raw


def _is_read(key: str, value: object) -> bool:
    return key == "evaluations" and isinstance(value, dict)


def _assessment(raw: object) -> str | None:
    """Read a verdict; a verdict of a wrong type must not cost the span that carries it."""
    if isinstance(raw, bool):
        return "pass" if raw else "fail"
    return raw if isinstance(raw, str) else None


def _text_of(raw: JsonValue) -> str | None:
    return raw if raw is None or isinstance(raw, str) else canonical_json(raw)


def _metadata(raw: object) -> Any:
    """Read metadata; some senders spell it as a JSON text."""
    parsed = json_in(raw) if isinstance(raw, str) else None
    return parsed if isinstance(parsed, dict) else raw or {}


def _from_intake(span: Any, above: dict[str, Any]) -> Any:
    """Lay a span of the intake forms (content under `meta`, common fields above) out like a search item."""
    if not isinstance(span, dict) or not isinstance(span.get("meta"), dict):
        return span
    meta = span["meta"]
    rest = {key: value for key, value in span.items() if key not in ("meta", "tags")}
    kind = meta.get("kind") or (meta.get("span") or {}).get("kind")
    common = {key: above[key] for key in ("ml_app", "session_id", "env", "service") if key in above}
    content = {key: meta[key] for key in ("input", "output", "metadata", "error") if key in meta}
    tags = [*_tags(above.get("tags")), *_tags(span.get("tags"))]
    return {**common, **content, **rest, "span_kind": span.get("span_kind") or kind, "tags": tags}


def _clean(value: Any, depth: int) -> Any:
    """Replace what no store takes: lone surrogates, and numbers that JSON has not."""
    if depth > MAX_DEPTH:
        raise SpanShapeError(f"nested deeper than {MAX_DEPTH} levels")
    match value:
        case str():
            return value if value.isascii() else value.encode("utf-8", "replace").decode()
        case dict():
            return {str(_clean(key, depth)): _clean(inner, depth + 1) for key, inner in value.items()}
        case list():
            return [_clean(inner, depth + 1) for inner in value]
        case float() if not math.isfinite(value):
            return str(value)
        case _:
            return value


def _number(value: object) -> Decimal:
    """Read a number, or its text, exactly; nothing, or what is no number by its type, is 0."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return Decimal(0)
    try:
        number = Decimal(value) if isinstance(value, int) else Decimal(str(value).strip() or 0)
    except InvalidOperation:
        raise SpanShapeError("start_ns or duration is no number") from None
    return number if number.is_finite() and abs(number) < _TOO_LARGE else Decimal(0)


def _nanoseconds(value: object) -> int:
    """Bring a start time to nanoseconds by its magnitude (seconds, milli- or microseconds)."""
    exact = _number(value)
    while 10**8 < exact < _NS_FLOOR:
        exact *= 1000
    return max(int(exact), 0)


def _app_in(tags: object) -> str | None:
    return next((tag[7:].strip() for tag in _tags(tags) if tag.startswith("ml_app:")), None)


def _looks_like(value: object) -> str:
    if isinstance(value, dict) and "errors" in value:
        return "an error answer of Datadog's; check the keys and the site that asked"
    kinds = {dict: "an object without span_id and trace_id", list: "a list", str: "a text", bool: "a boolean"}
    return kinds.get(type(value), "null" if value is None else "a number")
