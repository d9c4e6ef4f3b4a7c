"""From Datadog's span shapes to `Span`: search items, bare attributes, responses, intake forms."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from pydantic import JsonValue, ValidationError

from shared.domain.canonical import canonical_json
from shared.domain.json_text import json_in
from shared.domain.spans import Evaluation, Span

MAX_DEPTH = 100
MAX_SPAN_BYTES = 10 * 1024 * 1024
OWN_EVALUATION_TAG = "source:evalforge"

# Where a span says when it started, the field of Datadog's own first.
START_KEYS = ("start_ns", "start", "start_time", "timestamp")
# What the fields of `Span` are read from; the rest of a span's keys is kept in `extra`.
_KNOWN = frozenset(
    [
        *(
            "span_id",
            "trace_id",
            "parent_id",
            "name",
            "span_kind",
            "status",
            "start_ns",
            "duration",
            "ml_app",
        ),
        *("input", "output", "metadata", "metrics", "tags", "evaluation", "error"),
        # What a tracer tells the intake of itself; a search does not give it back.
        "_dd",
    ]
)
# The deprecated spelling of evaluations: their values, verdicts and reasons apart from one another.
_FORMER = ("evaluations", "evaluation_assessments", "evaluation_reasoning")
_IDS = frozenset({"span_id", "trace_id"})
_ABOVE = ("ml_app", "session_id", "env", "service", "version")
# Fields of the intake forms that a search response has among the tags.
_TAGGED = ("session_id", "env", "service", "version")
_MODEL = ("model_name", "model_provider")
# Tracers of several languages write a key of `meta` and the one below it as one.
_FOLDED = frozenset({"span", "error", "input", "output"})
_FAILED = frozenset({"failed", "failure", "err", "fatal"})
_NO_PARENT = frozenset({"", "undefined", "null", "none"})
# A time below this many "nanoseconds" lies before 1980 and was meant in a coarser unit:
# Datadog's own documented example gives `start_ns` in milliseconds.
_NS_FLOOR = 300_000_000_000_000_000
_EPOCH = datetime.fromtimestamp(0, tz=UTC)
# Past any time; a number this large would only fill memory.
_TOO_LARGE = Decimal(10) ** 20


class SpanShapeError(ValueError):
    """A record is no span; the message says why and never repeats its content."""


class Enclosed(NamedTuple):
    """A span of an intake form, and the object around it, whose fields count for the span too."""

    span: Any
    above: dict[str, Any]


def items_in(document: Any) -> Iterator[Any]:
    """Yield what stands for a span in a parsed document; a document of one span is its only item."""
    match document:
        case list():
            for item in document:
                yield from items_in(item)
        case {"span_id": _}:
            yield document
        case {"data": list() | dict() as below}:
            yield from items_in(below)
        case {"attributes": {"spans": list() as spans} as above} | ({"spans": list() as spans} as above):
            for span in spans:
                for item in items_in(span):
                    yield item if isinstance(item, Enclosed) else Enclosed(item, above)
        case _:
            yield document


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
        told = _span_of(item).get("trace_id")
    except (SpanShapeError, TypeError, AttributeError):
        return None
    return str(_clean(str(told), 0)) if isinstance(told, str | int) and not isinstance(told, bool) else None


def tells_time(item: Any) -> bool:
    """Say whether an item tells when it started, be it in a way that no clock has."""
    return any(_span_of(item).get(key) not in (None, "") for key in START_KEYS)


def _span_of(item: Any) -> dict[str, Any]:
    """Take one item out of what is around it; a search item's id is its span's."""
    match item.span if isinstance(item, Enclosed) else item:
        case {"attributes": dict() as attributes, **around} if not attributes.keys().isdisjoint(_IDS):
            return {"span_id": around.get("id"), **attributes}
        case dict() as span if isinstance(span.get("meta"), dict) or not span.keys().isdisjoint(_IDS):
            return span
        case other:
            raise SpanShapeError(f"no span in it: {_looks_like(other)}")


def _record(item: Any) -> dict[str, Any]:
    """Lay one item out like the attributes of a search response, whichever shape it has.

    What stands above a span, what its `meta` holds and what it says itself are
    joined; of what is told twice, the nearest counts.
    """
    span, above = _span_of(item), item.above if isinstance(item, Enclosed) else {}
    meta = _unfolded(span["meta"]) if isinstance(span.get("meta"), dict) else {}
    own = {key: value for key, value in span.items() if value is not None and not (key == "meta" and meta)}
    kinds = (own.get("span_kind"), meta.pop("kind", None), _dict(meta.pop("span", None)).get("kind"))
    told = {key: above[key] for key in _ABOVE if key in above} | meta | own
    if isinstance(meta.get("error"), dict) and not isinstance(own.get("error"), dict):
        # Beside the object, a span's own field of that name is a mere flag.
        told["error"] = meta["error"]
    told["span_kind"] = next((kind for kind in kinds if kind), None)
    told["tags"] = [*_tags(span.get("tags")), *_tags(meta.get("tags")), *_tags(above.get("tags"))]
    return told


def _unfolded(meta: dict[str, Any]) -> dict[str, Any]:
    """Read `{"error.type": …}` as `{"error": {"type": …}}`."""
    told: dict[str, Any] = {}
    for key, value in meta.items():
        outer, _, inner = key.partition(".")
        if inner and outer in _FOLDED:
            told[outer] = {**_dict(told.get(outer)), inner: value}
        elif isinstance(value, dict) and isinstance(told.get(key), dict):
            told[key] = {**told[key], **value}
        else:
            told[key] = value
    return told


def _parsed(cleaned: dict[str, Any]) -> Span:
    if len(canonical_json(cleaned).encode()) > MAX_SPAN_BYTES:
        raise SpanShapeError(f"the span is larger than {MAX_SPAN_BYTES // 2**20} MiB")
    for key in ("span_id", "trace_id"):
        told = cleaned.get(key)
        if isinstance(told, bool) or not isinstance(told, str | int) or told == "":
            raise SpanShapeError(f"the span has no {key}")
    parent = str(cleaned.get("parent_id") or "").strip()
    start_ns, read_from = _start(cleaned)
    tags = _tags(cleaned.get("tags"))
    ml_app = str(cleaned.get("ml_app") or _tag(tags, "ml_app") or "unknown")
    status = _status(cleaned, tags)
    metadata = _metadata(cleaned.get("metadata"))
    read = {*_KNOWN, read_from, *(key for key in _FORMER if isinstance(cleaned.get(key), dict))}
    extra = {key: value for key, value in cleaned.items() if key not in read and value not in ("", [], {})}
    extra |= _error(cleaned, tags, status)
    for key in _MODEL:
        # The HTTP intake has the model among the metadata.
        if isinstance(told := _dict(metadata).get(key), str) and extra.get(key, told) == told:
            extra[key] = metadata.pop(key)
    return Span(
        span_id=str(cleaned["span_id"]),
        trace_id=str(cleaned["trace_id"]),
        parent_id=None if parent.lower() in _NO_PARENT or not parent.strip("0") else parent,
        name=str(cleaned.get("name") or ""),
        kind=str(cleaned.get("span_kind") or "unknown").strip().lower(),
        status=status,
        start_ns=start_ns,
        duration_ns=max(int(_number(cleaned.get("duration"), "duration") or 0), 0),
        ml_app=ml_app,
        input=_said(cleaned.get("input")),
        output=_said(cleaned.get("output")),
        metadata=metadata,
        metrics=_metrics(cleaned.get("metrics")),
        tags=_in_one_place(tags, extra, ml_app, status),
        evaluations=_evaluations(_told_evaluations(cleaned)),
        extra=dict(sorted(extra.items())),
    )


def _tags(raw: object) -> tuple[str, ...]:
    """Read tags: a list, an object, or one text with commas between them."""
    if isinstance(raw, dict):
        raw = [f"{key}:{_spelled(value)}" for key, value in raw.items()]
    listed = raw.split(",") if isinstance(raw, str) else raw or ()
    if not isinstance(listed, list | tuple):
        raise SpanShapeError("tags are neither a list nor a text")
    return tuple(_spelled(tag).strip() for tag in listed)


def _spelled(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _tag(tags: tuple[str, ...], key: str) -> str | None:
    return next((tag[len(key) + 1 :].strip() for tag in tags if tag.startswith(f"{key}:")), None)


def _in_one_place(
    tags: tuple[str, ...], extra: dict[str, JsonValue], ml_app: str, status: str
) -> tuple[str, ...]:
    """Bring what is a field in one shape and a tag in another to where a search response has it.

    Tags are a set that every shape and every answer gives in its own order: one
    trace must not become another by that. Of one key the first stays the first.
    """
    error_type = _dict(extra.get("error")).get("type")
    repeated = {f"ml_app:{ml_app}", f"error:{int(status == 'error')}", f"error_type:{error_type}"}
    kept = [tag for tag in dict.fromkeys(tags) if tag and not tag.endswith(":") and tag not in repeated]
    for key in _TAGGED:
        value = extra.get(key)
        if isinstance(value, bool) or not isinstance(value, str | int):
            continue
        told = _tag(tuple(kept), key)
        if told is None:
            kept.append(f"{key}:{value}")
        if told in (None, str(value)):
            del extra[key]
    return tuple(sorted(kept, key=lambda tag: tag.partition(":")[0]))


def _status(cleaned: dict[str, Any], tags: tuple[str, ...]) -> str:
    """Read the status; where none is told, an error that is told says it."""
    told = str(cleaned.get("status") or "").strip().lower().removeprefix("status_code_")
    told = "error" if told in _FAILED else told
    flagged = cleaned.get("error") or _tag(tags, "error") in ("1", "true")
    return told or ("error" if flagged else "ok")


def _error(cleaned: dict[str, Any], tags: tuple[str, ...], status: str) -> dict[str, Any]:
    """Read an error's message, type and stack, from whichever place tells them."""
    raw = cleaned.get("error")
    told = (
        {"detail": raw} if isinstance(raw, list) else {"message": raw} if isinstance(raw, str) else _dict(raw)
    )
    if status == "error":
        beside = {"message": cleaned.get("status_message"), "type": _tag(tags, "error_type")}
        told = {**beside, **told}
    found = {key: value for key, value in sorted(told.items()) if value not in (None, "")}
    return {"error": found} if found else {}


def _said(raw: Any) -> Any:
    """Read an input or output: the calls of its messages in one spelling, and an empty one as none."""
    match raw:
        case {"messages": list() as messages, **rest}:
            return {**rest, "messages": [_said(message) for message in messages]}
        case {"tool_calls": list() as calls, **rest}:
            return {**rest, "tool_calls": [_tool_call(call) for call in calls]}
        case _:
            return None if raw == {} else raw


def _tool_call(raw: Any) -> Any:
    """Read a call as Datadog spells it, or as model APIs do: below `function`, its arguments a text."""
    if not isinstance(raw, dict):
        return raw
    call = raw
    if isinstance(function := raw.get("function"), dict) and "name" not in raw:
        beside = {key: value for key, value in raw.items() if key not in ("function", "id")}
        call = {**beside, **function} | ({"tool_id": raw["id"]} if "id" in raw else {})
    arguments = call.get("arguments")
    parsed = json_in(arguments) if isinstance(arguments, str) else None
    return {**call, "arguments": parsed} if isinstance(parsed, dict) else call


def _metrics(raw: Any) -> Any:
    """Read metrics: a search gives every number as a fraction, and an intake the number that was counted."""
    if not isinstance(raw, dict):
        return raw or {}
    return {
        key: int(value) if isinstance(value, float) and value.is_integer() else value
        for key, value in raw.items()
    }


def _told_evaluations(cleaned: dict[str, Any]) -> dict[str, Any]:
    """Join both spellings of evaluations; what both tell, the current one says."""
    told = _named(cleaned.get("evaluations")) | (cleaned.get("evaluation") or {})
    for key, part in (("evaluation_assessments", "assessment"), ("evaluation_reasoning", "reasoning")):
        for label, said in _named(cleaned.get(key)).items():
            body = told.get(label)
            body = body if isinstance(body, dict) else {"value": body}
            told[label] = {**body, part: said if body.get(part) is None else body[part]}
    return told


def _evaluations(raw: dict[str, Any]) -> dict[str, Evaluation]:
    """Read evaluations, leaving out those that EvalForge itself submitted."""
    evaluations = {}
    for label, told in raw.items():
        body = told if isinstance(told, dict) else {"value": told}
        tags = _tags(body.get("tags"))
        if OWN_EVALUATION_TAG in tags:
            continue
        evaluations[label] = Evaluation.told(body, tags)
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


def _metadata(raw: object) -> Any:
    """Read metadata; some senders spell it as a JSON text."""
    parsed = json_in(raw) if isinstance(raw, str) else raw
    return dict(parsed) if isinstance(parsed, dict) else raw or {}


def _dict(raw: Any) -> dict[str, Any]:
    return raw if isinstance(raw, dict) else {}


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


def _number(value: object, field: str) -> Decimal | None:
    """Read a number, or its text, exactly; None for nothing, and for what is no number by its type."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(value) if isinstance(value, int) else Decimal(str(value).strip() or "nan")
    except InvalidOperation:
        raise SpanShapeError(f"{field} is no number") from None
    return number if number.is_finite() and abs(number) < _TOO_LARGE else None


def _start(cleaned: dict[str, Any]) -> tuple[int, str | None]:
    """Read when a span started, and from which field; 0 where no field tells it."""
    for key in START_KEYS:
        value = cleaned.get(key)
        if isinstance(value, str) and ":" in value:
            return max(_instant(value), 0), key
        if (exact := _number(value, key)) is not None:
            # The unit shows in the magnitude: seconds, milli- or microseconds.
            while 10**8 < exact < _NS_FLOOR:
                exact *= 1000
            return max(int(exact), 0), key
    return 0, None


def _instant(text: str) -> int:
    """Read a date with a time of day; one that tells no zone is meant in UTC."""
    try:
        told = datetime.fromisoformat(text.strip())
    except ValueError:
        raise SpanShapeError("its start is no time that ISO 8601 spells") from None
    since = (told if told.tzinfo else told.replace(tzinfo=UTC)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000


def _looks_like(value: object) -> str:
    if isinstance(value, dict) and "errors" in value:
        return "an error answer of Datadog's; check the keys and the site that asked"
    kinds = {dict: "an object without span_id and trace_id", list: "a list", str: "a text", bool: "a boolean"}
    return kinds.get(type(value), "null" if value is None else "a number")
