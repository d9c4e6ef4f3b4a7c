"""Leaves free text out of a redacted trace; what is left tells its structure, its tools and what flags it."""

import json
import re
from collections import Counter
from typing import Any

from pydantic import JsonValue

from shared.domain.json_text import json_in
from shared.domain.signals import Signal
from shared.domain.spans import Evaluation, Span, Trace
from shared.redaction.redactor import Redacted

_KIND = "WITHHELD"
_MARK = re.compile(rf"<{_KIND}_\d{{1,6}}>")
# What names a thing, a state or a type is no prose: no blank, and not long.
_LABEL = re.compile(r"[\w.:/@<>+-]{1,64}")
# Keys of messages and tool calls whose texts are structure.
_STRUCTURE = frozenset({"role", "name", "type", "tool_id", "id", "kind", "finish_reason"})


def withheld(redacted: Redacted) -> Redacted:
    """Put a mark in place of each free text, the same for equal texts of one trace; twice changes nothing."""
    return _Withholding().of(redacted)


class _Withholding:
    def __init__(self) -> None:
        self._marks: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def of(self, redacted: Redacted) -> Redacted:
        trace = redacted.trace
        spans = tuple(self._span(span) for span in trace.spans)
        signals = tuple(self._signal(signal) for signal in redacted.signals)
        counts = Counter(redacted.redactions) + self._counts
        return redacted._replace(
            trace=Trace(trace_id=trace.trace_id, spans=spans),
            signals=signals,
            redactions=dict(sorted(counts.items())),
        )

    def _span(self, span: Span) -> Span:
        told = {
            "input": self._said(span.input),
            "output": self._said(span.output),
            "metadata": self._noted(span.metadata),
            "metrics": self._noted(span.metrics),
            "tags": tuple(self._tag(tag) for tag in span.tags),
            "evaluations": {label: self._evaluation(one) for label, one in span.evaluations.items()},
            "extra": self._noted(span.extra),
        }
        return span.model_copy(update=told)

    def _evaluation(self, told: Evaluation) -> Evaluation:
        return told.model_copy(
            update={
                "value": self._noted(told.value),
                "reasoning": self._mark(told.reasoning) if told.reasoning else told.reasoning,
                "tags": tuple(self._tag(tag) for tag in told.tags),
            }
        )

    def _signal(self, signal: Signal) -> Signal:
        return signal.model_copy(update={"detail": self._label_or_mark(signal.detail)})

    def _tag(self, tag: str) -> str:
        key, colon, value = tag.partition(":")
        return f"{self._label_or_mark(key)}{colon}{self._label_or_mark(value)}"

    def _said(self, value: JsonValue, key: str = "") -> Any:  # noqa: ANN401 - JSON in, JSON out
        """Of what was said and returned nothing stays but keys, numbers and the structure of messages."""
        match value:
            case str() if (parsed := json_in(value)) is not None:
                return json.dumps(self._said(parsed), ensure_ascii=False)
            case str():
                return self._label_or_mark(value) if key in _STRUCTURE else self._mark(value)
            case dict():
                return {self._label_or_mark(name): self._said(inner, name) for name, inner in value.items()}
            case list():
                return [self._said(inner, key) for inner in value]
            case _:
                return value

    def _noted(self, value: JsonValue) -> Any:  # noqa: ANN401 - JSON in, JSON out
        """Of what is noted beside it labels stay as well: a model's name, a type of error."""
        match value:
            case str() if (parsed := json_in(value)) is not None:
                return json.dumps(self._noted(parsed), ensure_ascii=False)
            case str():
                return self._label_or_mark(value)
            case dict():
                return {self._label_or_mark(name): self._noted(inner) for name, inner in value.items()}
            case list():
                return [self._noted(inner) for inner in value]
            case _:
                return value

    def _label_or_mark(self, text: str) -> str:
        return text if not text or _LABEL.fullmatch(text) else self._mark(text)

    def _mark(self, text: str) -> str:
        if not text.strip() or _MARK.fullmatch(text):
            return text
        self._counts[_KIND] += 1
        return self._marks.setdefault(text, f"<{_KIND}_{len(self._marks) + 1}>")
