"""The spans that the stand-in has, as a search response spells them."""

import threading
import zlib
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import JsonValue

from functions.local.datadog.fields import Syntax, fields_of
from functions.local.datadog.query import Predicate
from shared.domain.canonical import canonical_json
from shared.domain.spans import Evaluation, Span
from shared.embedded.trace_reading import LoadedFile, load_file

BOTH = frozenset(Syntax)


class Join(NamedTuple):
    """Which span an evaluation is about: by its ids, or by a tag that one span alone has."""

    span_id: str = ""
    trace_id: str = ""
    tag: str = ""


class SpanStore:
    """Spans by trace and id; requests are served in threads."""

    def __init__(self, syntaxes: frozenset[Syntax] = BOTH) -> None:
        self._syntaxes = syntaxes
        self._lock = threading.Lock()
        self._spans: dict[tuple[str, str], dict[str, Any]] = {}
        self._by_trace: dict[str, dict[tuple[str, str], None]] = {}
        self._fields: dict[tuple[str, str], dict[str, list[JsonValue]]] = {}
        self._held: frozenset[str] = frozenset()

    def add_file(self, path: Path) -> LoadedFile:
        """Take in a trace file of any shape; what could not be read of it is in the answer.

        Raises:
            TraceSourceError: the file cannot be opened.
        """
        loaded = load_file(path, b"", lambda _: None)
        for packed in loaded.traces.values():
            self.add(Span.model_validate_json(zlib.decompress(one)) for one in packed)
        return loaded

    def add(self, spans: Iterable[Span]) -> None:
        """Take in spans; one that is there already gives way."""
        with self._lock:
            for span in spans:
                self._put(attributes_of(span))

    def evaluate(self, join: Join, label: str, evaluation: dict[str, JsonValue]) -> bool:
        """Attach an evaluation to the one span that it is about; False where there is not just one."""
        with self._lock:
            found = [told for told in self._spans.values() if _is_about(join, told)]
            if len(found) != 1:
                return False
            [told] = found
            self._put({**told, "evaluation": {**told.get("evaluation", {}), label: evaluation}})
            return True

    def hold_evaluations(self, trace_ids: Collection[str]) -> None:
        """Keep back the evaluations of these traces, and of no others, as if they came late."""
        with self._lock:
            changed = self._held ^ frozenset(trace_ids)
            self._held = frozenset(trace_ids)
            self._fields = {key: told for key, told in self._fields.items() if key[0] not in changed}

    def trace_ids(self) -> set[str]:
        """Name the traces that are there."""
        with self._lock:
            return set(self._by_trace)

    def found(
        self, matches: Predicate, since: datetime, until: datetime, *, trace_id: str | None = None
    ) -> list[dict[str, Any]]:
        """List the spans, of one trace or of all, that started between two moments and match, in order."""
        first, last = _nanoseconds(since), _nanoseconds(until)
        with self._lock:
            told = [
                self._served(key)
                for key in (self._spans if trace_id is None else self._by_trace.get(trace_id, ()))
                if first <= self._spans[key]["start_ns"] <= last and matches(self._fields_of(key))
            ]
        return sorted(told, key=lambda one: (one["start_ns"], one["trace_id"], one["span_id"]))

    def _put(self, attributes: dict[str, Any]) -> None:
        key = (attributes["trace_id"], attributes["span_id"])
        self._spans[key] = attributes
        self._by_trace.setdefault(key[0], {})[key] = None
        self._fields.pop(key, None)

    def _served(self, key: tuple[str, str]) -> dict[str, Any]:
        told = self._spans[key]
        if key[0] not in self._held:
            return told
        return {name: value for name, value in told.items() if name != "evaluation"}

    def _fields_of(self, key: tuple[str, str]) -> dict[str, list[JsonValue]]:
        if key not in self._fields:
            self._fields[key] = fields_of(self._served(key), self._syntaxes)
        return self._fields[key]


def attributes_of(span: Span) -> dict[str, Any]:
    """Spell a span as a search response does."""
    error = span.extra.get("error")
    error_type = error.get("type") if isinstance(error, dict) else None
    tags = [*span.tags, f"ml_app:{span.ml_app}", f"error:{int(span.status == 'error')}"]
    told: dict[str, Any] = {
        **span.extra,
        "span_id": span.span_id,
        "trace_id": span.trace_id,
        "parent_id": span.parent_id or "undefined",
        "name": span.name,
        "span_kind": span.kind,
        "status": span.status,
        "start_ns": span.start_ns,
        "duration": float(span.duration_ns),
        "ml_app": span.ml_app,
        "metadata": span.metadata,
        "metrics": span.metrics,
        "tags": [*tags, *([f"error_type:{error_type}"] if error_type else [])],
    }
    told |= {key: _content(value) for key, value in _said(span) if value is not None}
    if span.evaluations:
        told["evaluation"] = {label: dict(_evaluation(one)) for label, one in span.evaluations.items()}
    return told


def _said(span: Span) -> Iterator[tuple[str, JsonValue]]:
    yield "input", span.input
    yield "output", span.output


def _content(value: JsonValue) -> dict[str, JsonValue]:
    """Spell an input or output: an object with a text or messages, whatever was given."""
    if isinstance(value, dict):
        return value
    return {"value": value if isinstance(value, str) else canonical_json(value)}


def _evaluation(told: Evaluation) -> Iterator[tuple[str, JsonValue]]:
    if told.value is not None:
        yield "value", told.value
    if told.assessment is not None:
        yield "assessment", told.assessment
    if told.metric_type is not None:
        yield "eval_metric_type", told.metric_type
    if told.reasoning is not None:
        yield "reasoning", told.reasoning
    yield "status", "OK"
    yield "tags", list(told.tags)


def _is_about(join: Join, told: dict[str, Any]) -> bool:
    if join.tag:
        return join.tag in told["tags"]
    return (told["span_id"], told["trace_id"]) == (join.span_id, join.trace_id)


def _nanoseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000) * 10**6
