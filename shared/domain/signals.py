"""What says that a trace went wrong, read from its spans."""

import math
from collections.abc import Iterator

from pydantic import JsonValue

from shared.domain.model import Model
from shared.domain.spans import Evaluation, Span, Trace
from shared.domain.taxonomy import FailureType, Severity, severity_of, type_of_label

_TRUE = frozenset(
    {"true", "1", "yes", "found", "fail", "failed", "hallucination found", "detected", "unsafe", "toxic"}
)
_SERVER_ERROR = 500
_CLIENT_ERROR = 400
_NO_STATUS = 600
_TOO_MANY_REQUESTS = 429
_LOW_QUALITY = 0.3
# Labels whose number or word says "bad" without an assessment (the earlier system's signals).
_PRESENCE_LABELS = ("hallucination", "prompt_injection")
_TOXICITY_LABELS = ("toxicity", "toxicity_score", "input_toxicity", "output_toxicity")
_GUARDRAIL_KEYS = tuple(
    f"{noun}{end}" for noun in ("guardrails", "guardrail") for end in (".failed", "_failed", "")
)
# What a span says in words; the rest of what it says beside the known fields is facts.
_TEXTS = frozenset({"error", "intent", "tool_definitions", "documents", "prompt"})
_STATUS_KEYS = ("http.status_code", "http_status_code", "status_code")
# A run that harmed nobody has not thereby done what it should.
_SAFETY = frozenset({FailureType.TOXICITY, FailureType.PROMPT_INJECTION, FailureType.PII_LEAK})
_STEP_ERRORS = ("status", "http.status_code")
_QUALITY_KEYS = ("llm_obs.quality_score", "quality_score")


class SignalRules(Model):
    """Thresholds and the team's own names for evaluations."""

    quality_threshold: float = 0.5
    toxicity_threshold: float = 0.7
    labels: dict[str, FailureType] = {}


class Signal(Model):
    """One thing that says a trace failed: where it was seen, and what it means."""

    failure_type: FailureType
    severity: Severity
    span_id: str
    source: str
    detail: str = ""


def signals_of(trace: Trace, rules: SignalRules) -> tuple[Signal, ...]:
    """List every signal of a trace in a stable order; none means that nothing flags it.

    A step's error counts unless the run as a whole was evaluated and passed: an
    agent that meets a tool's error and mends it has not failed.
    """
    passed = _passed_as_a_whole(trace.root)
    return tuple(
        signal
        for span in trace.spans
        for signal in _span_signals(span, rules)
        if not (passed and not span.is_root and signal.source in _STEP_ERRORS)
    )


def was_evaluated(trace: Trace) -> bool:
    """Say whether any evaluation passed judgement on the trace."""
    return any(
        evaluation.assessment or evaluation.value is not None
        for span in trace.spans
        for evaluation in span.evaluations.values()
    )


def _passed_as_a_whole(root: Span) -> bool:
    verdicts = {label: (told.assessment or "").lower() for label, told in root.evaluations.items()}
    done = any(told == "pass" and type_of_label(label, {}) not in _SAFETY for label, told in verdicts.items())
    return done and "fail" not in verdicts.values() and root.status != "error"


def _span_signals(span: Span, rules: SignalRules) -> Iterator[Signal]:
    facts = _facts(span)
    yield from _guardrails(span, facts)
    for label in sorted(span.evaluations):
        yield from _evaluation(span, label, span.evaluations[label], rules)
    yield from _tagged_evaluations(span, facts, rules)
    yield from _quality(span, facts, rules)
    yield from _status(span, facts)


def _facts(span: Span) -> dict[str, JsonValue]:
    """Lay tags, metadata and metrics out as dotted keys, lower case; a tag's value is text."""
    facts: dict[str, JsonValue] = {}
    for tag in span.tags:
        key, colon, value = tag.partition(":")
        if colon:
            facts.setdefault(key.strip().lower(), value.strip())
    beside = {key: value for key, value in span.extra.items() if key not in _TEXTS}
    for source in (span.metadata, span.metrics, beside):
        facts.update(_flatten(source))
    return facts


def _flatten(value: JsonValue, prefix: str = "") -> Iterator[tuple[str, JsonValue]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(inner, f"{prefix}.{key}" if prefix else key)
    elif not isinstance(value, list):
        yield prefix.lower(), value


def _guardrails(span: Span, facts: dict[str, JsonValue]) -> Iterator[Signal]:
    for key in _GUARDRAIL_KEYS:
        # `guardrail: true` says that there is one; `guardrail: failed` what it found.
        told = facts.get(key)
        if told == "failed" or ("fail" in key and _is_true(told)):
            yield _signal(FailureType.GUARDRAIL_FAILURE, span, key)
            return


def _evaluation(span: Span, label: str, told: Evaluation, rules: SignalRules) -> Iterator[Signal]:
    kind = type_of_label(label, rules.labels)
    failed = (told.assessment or "").lower() == "fail"
    if not told.assessment:
        failed = _judged_bad(label, told.value, rules)
    if failed:
        yield _signal(kind, span, f"evaluation:{label}", _short(told.value))


def _judged_bad(label: str, value: JsonValue, rules: SignalRules) -> bool:
    name = _name(label)
    if name in _TOXICITY_LABELS:
        score = _as_number(value)
        return score >= rules.toxicity_threshold if score is not None else _is_true(value)
    return name in (*_PRESENCE_LABELS, *_GUARDRAIL_KEYS) and _is_true(value)


def _tagged_evaluations(span: Span, facts: dict[str, JsonValue], rules: SignalRules) -> Iterator[Signal]:
    """Read evaluations that an application put into tags or metadata: `hallucination:true`."""
    for label in (*_PRESENCE_LABELS, *_TOXICITY_LABELS):
        for key in (label, f"evaluations.{label}", f"evaluation.{label}"):
            if key in facts and _judged_bad(label, facts[key], rules):
                kind = type_of_label(label.removesuffix("_score"), rules.labels)
                yield _signal(kind, span, key, _short(facts[key]))
                break


def _quality(span: Span, facts: dict[str, JsonValue], rules: SignalRules) -> Iterator[Signal]:
    told = {
        f"evaluation:{label}": evaluation.value
        for label, evaluation in span.evaluations.items()
        if _name(label) in _QUALITY_KEYS and not evaluation.assessment
    }
    for source, value in (*((key, facts.get(key)) for key in _QUALITY_KEYS), *told.items()):
        score = _as_number(value)
        if score is not None and score < rules.quality_threshold:
            severity = Severity.HIGH if score < _LOW_QUALITY else Severity.MEDIUM
            yield _signal(FailureType.QUALITY_DEGRADATION, span, source, f"{score:g}", severity)
            return


def _status(span: Span, facts: dict[str, JsonValue]) -> Iterator[Signal]:
    code = next((c for key in _STATUS_KEYS if (c := _as_number(facts.get(key))) is not None), None)
    if code is not None and _CLIENT_ERROR <= code < _NO_STATUS:
        yield _signal(_status_type(int(code)), span, "http.status_code", f"{int(code)}")
    if span.status == "error":
        yield _signal(FailureType.LLM_ERROR, span, "status", "error")


def _status_type(code: int) -> FailureType:
    if code == _TOO_MANY_REQUESTS:
        return FailureType.RATE_LIMITED
    return FailureType.INFRASTRUCTURE_ERROR if code >= _SERVER_ERROR else FailureType.CLIENT_ERROR


def _signal(
    kind: FailureType, span: Span, source: str, detail: str = "", severity: Severity | None = None
) -> Signal:
    return Signal(
        failure_type=kind,
        severity=severity or severity_of(kind),
        span_id=span.span_id,
        source=source,
        detail=detail,
    )


def _is_true(value: JsonValue) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in _TRUE
    return value is True or (isinstance(value, int | float) and value == 1)


def _as_number(value: JsonValue) -> float | None:
    """Read a number, or None: a trace may say `1e999` where a status code belongs."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _name(label: str) -> str:
    return label.strip().lower().replace("-", "_").replace(" ", "_")


def _short(value: JsonValue) -> str:
    return str(value)[:80] if isinstance(value, str | int | float | bool) else ""
