"""Leaves free text out of a redacted trace; what is left tells its structure, its tools and what flags it."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from shared.domain.json_text import json_in
from shared.domain.signals import Signal
from shared.domain.spans import Evaluation, Span, Trace
from shared.redaction.redactor import Redacted

_KIND = "WITHHELD"
_MARK = re.compile(rf"<{_KIND}_(\d{{1,6}})>")
# What names a thing, a state or a type is no prose: no blank, not long, and of a script that has blanks.
_LABEL = re.compile(r"[A-Za-z0-9_.:/@<>+-]{1,64}")
_TOOLS = frozenset({"tool", "retrieval"})
# What makes an object a message or a call, and which of its texts are structure then.
_MESSAGE_PARTS = frozenset({"content", "tool_calls", "tool_results"})
_MESSAGE_LABELS = frozenset({"role", "id", "type", "tool_id", "tool_call_id", "finish_reason"})
_CALL_PARTS = frozenset({"arguments", "result"})
_CALL_LABELS = frozenset({"name", "id", "type", "tool_id", "tool_call_id"})
_NONE: frozenset[str] = frozenset()
# Beneath these is what somebody said, whatever its keys are called.
_SAID = frozenset({"content", "arguments", "result"})
# What is noted beside a step, and names something: the last word of a key in any casing.
_NOTED_LABEL = re.compile(
    r"(?i)(?:^|[_.-])(?:model|model_?name|provider|type|kind|class|status|code|status_?code|level"
    r"|finish_?reason|version|env|environment|region|language|locale|id|service|source|operation|method)$"
)


def withheld(redacted: Redacted) -> Redacted:
    """Put a mark in place of each free text, the same for equal texts of one trace; twice changes nothing."""
    return _Withholding().of(redacted)


class _Withholding:
    def __init__(self) -> None:
        self._marks: dict[str, str] = {}
        self._above = 0
        self._counts: Counter[str] = Counter()

    def of(self, redacted: Redacted) -> Redacted:
        trace = redacted.trace
        # A mark that stands there already, or that somebody typed, is no other text's.
        marks = _MARK.findall(trace.model_dump_json())
        self._above = max(map(int, marks), default=0)
        spans = tuple(self._span(span) for span in trace.spans)
        signals = tuple(self._signal(signal) for signal in redacted.signals)
        counts = Counter(redacted.redactions) + self._counts
        return redacted._replace(
            trace=Trace(trace_id=trace.trace_id, spans=spans),
            signals=signals,
            redactions=dict(sorted(counts.items())),
        )

    def _span(self, span: Span) -> Span:
        # What a tool is given and gives back is data, also where it looks like a message.
        structured = span.kind not in _TOOLS
        told = {
            "input": self._said(span.input, structured=structured),
            "output": self._said(span.output, structured=structured),
            "metadata": self._noted(span.metadata),
            "metrics": self._noted(span.metrics),
            "tags": tuple(self._tag(tag) for tag in span.tags),
            "evaluations": {label: self._evaluation(one) for label, one in span.evaluations.items()},
            "extra": self._noted(span.extra),
        }
        return span.model_copy(update=told)

    def _evaluation(self, told: Evaluation) -> Evaluation:
        value = self._label_or_mark(told.value) if isinstance(told.value, str) else self._noted(told.value)
        return told.model_copy(
            update={
                "value": value,
                "assessment": self._label_or_mark(told.assessment or "") or told.assessment,
                "metric_type": self._label_or_mark(told.metric_type or "") or told.metric_type,
                "reasoning": self._mark(told.reasoning) if told.reasoning else told.reasoning,
                "tags": tuple(self._tag(tag) for tag in told.tags),
            }
        )

    def _signal(self, signal: Signal) -> Signal:
        return signal.model_copy(update={"detail": self._label_or_mark(signal.detail)})

    def _tag(self, tag: str) -> str:
        key, colon, value = tag.partition(":")
        return f"{self._label_or_mark(key)}{colon}{self._label_or_mark(value)}"

    def _said(self, value: JsonValue, *, structured: bool) -> Any:  # noqa: ANN401 - JSON in, JSON out
        """Of what was said and returned nothing stays but keys, numbers and the structure of messages."""
        match value:
            case str() if (parsed := json_in(value)) is not None:
                return json.dumps(self._said(parsed, structured=structured), ensure_ascii=False)
            case str():
                return self._mark(value)
            case dict():
                labels = _labels_of(value) if structured else _NONE
                return {
                    self._label_or_mark(key): self._label_or_mark(inner)
                    if key in labels and isinstance(inner, str)
                    else self._said(inner, structured=structured and key not in _SAID)
                    for key, inner in value.items()
                }
            case list():
                return [self._said(inner, structured=structured) for inner in value]
            case _:
                return value

    def _noted(self, value: JsonValue, key: str = "") -> Any:  # noqa: ANN401 - JSON in, JSON out
        """Of what is noted beside it labels stay as well: a model's name, a type of error."""
        match value:
            case str() if (parsed := json_in(value)) is not None:
                return json.dumps(self._noted(parsed), ensure_ascii=False)
            case str():
                return self._label_or_mark(value) if _NOTED_LABEL.search(key) else self._mark(value)
            case dict():
                return {self._label_or_mark(name): self._noted(inner, name) for name, inner in value.items()}
            case list():
                return [self._noted(inner, key) for inner in value]
            case _:
                return value

    def _label_or_mark(self, text: str) -> str:
        return text if not text or _LABEL.fullmatch(text) else self._mark(text)

    def _mark(self, text: str) -> str:
        if not text.strip() or _MARK.fullmatch(text):
            return text
        self._counts[_KIND] += 1
        return self._marks.setdefault(text, f"<{_KIND}_{self._above + len(self._marks) + 1}>")


def _labels_of(members: Mapping[str, JsonValue]) -> frozenset[str]:
    """Say which texts of an object are structure: those of a message, or of a call that it asks for."""
    if "role" in members and not _MESSAGE_PARTS.isdisjoint(members):
        return _MESSAGE_LABELS
    return _CALL_LABELS if "name" in members and not _CALL_PARTS.isdisjoint(members) else _NONE
