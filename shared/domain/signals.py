"""What says that a trace went wrong, read from its spans."""

import math
import re
from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from shared.domain.canonical import digest
from shared.domain.model import Model
from shared.domain.spans import Evaluation, Span, Trace
from shared.domain.taxonomy import FailureType, Severity, label_name, severity_of, type_of_label

_TRUE = frozenset(
    {"true", "1", "yes", "found", "fail", "failed", "hallucination found", "detected", "unsafe", "toxic"}
)
_SERVER_ERROR = 500
_CLIENT_ERROR = 400
_LOWEST_STATUS = 100
_NO_STATUS = 600
_TOO_MANY_REQUESTS = 429
_LOW_QUALITY = 0.3
# Labels whose number or word says "bad" without an assessment (the earlier system's signals), and
# the words that Datadog's managed evaluations use for it.
_PRESENCE_LABELS = {
    "hallucination": frozenset({"contradiction", "unsupported claim"}),
    "prompt_injection": frozenset({"simple instruction", "code injection", "context switching", "jailbreak"}),
}
_TOXICITY_LABELS = ("toxicity", "toxicity_score", "input_toxicity", "output_toxicity")
_GUARDRAIL = re.compile(
    r"guardrails?(?:\.(?!failed|failures)[^.]+)??(?:[._](?P<part>failed|failures|status|result|outcome))?"
)
# Where an application tells evaluations itself, in tags or metadata: in the current and the former spelling.
_TOLD_EVALUATION = re.compile(
    r"evaluations?\.(?:custom\.)?(?P<label>[^.]+)(?:\.(?:value|(?P<judged>assessment)))?"
    r"|evaluation_assessments\.(?:custom\.)?(?P<assessed>[^.]+)"
)
# What a span says in words; the rest of what it says beside the known fields is facts.
_TEXTS = frozenset({"error", "intent", "tool_definitions", "documents", "prompt"})
_STATUS_KEYS = ("http.status_code", "http_status_code", "status_code", "http.response.status_code")
_STATUS_CODE = re.compile(r"(?:http\S* )?([1-5]\d\d)(?:\.0)?(?:[ :,-].*)?", re.IGNORECASE)
# A run that harmed nobody and was polite has not thereby done what it should.
_TASK = frozenset({FailureType.INCOMPLETE_TASK, FailureType.QUALITY_DEGRADATION})
_MANNERS = re.compile("sentiment|tone|language|latency|cost")
_STEP_ERRORS = ("status", "http.status_code")
_QUALITY_KEYS = ("llm_obs.quality_score", "quality_score")
_QUALITY_LABELS = ("quality_score", "llm_obs_quality_score", "custom_quality_score")

# What tags, metadata and metrics say, by dotted key in lower case.
Facts = dict[str, list[JsonValue]]


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
    passed = _passed_as_a_whole(trace.root, rules)
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


def look_of(signals: Iterable[Signal], *, evaluated: bool) -> str:
    """Sum up in a few characters how a trace looks, so that it is noticed when it looks otherwise."""
    seen = sorted({(signal.failure_type.value, signal.span_id) for signal in signals})
    return digest(str(evaluated), *(part for pair in seen for part in pair), length=12)


def _passed_as_a_whole(root: Span, rules: SignalRules) -> bool:
    verdicts = {label: told.verdict for label, told in root.evaluations.items()}
    done = any(
        told == "pass" and type_of_label(label, rules.labels) in _TASK and not _MANNERS.search(label.lower())
        for label, told in verdicts.items()
    )
    return done and "fail" not in verdicts.values() and root.status != "error"


def _span_signals(span: Span, rules: SignalRules) -> Iterator[Signal]:
    facts = _facts(span)
    yield from _guardrails(span, facts)
    failed = [label for label, told in sorted(span.evaluations.items()) if _failed(label, told, rules)]
    for label in failed:
        kind, value = type_of_label(label, rules.labels), span.evaluations[label].value
        yield _signal(kind, span, f"evaluation:{label}", _short(value))
    yield from _told_evaluations(span, facts, rules, seen={label_name(label) for label in failed})
    yield from _quality(span, facts, rules)
    yield from _status(span, facts)


def _facts(span: Span) -> Facts:
    """Lay tags, metadata and metrics out as dotted keys, lower case; a key may be told more than once."""
    facts: Facts = {}
    for tag in span.tags:
        name, colon, told = tag.partition(":")
        if colon:
            facts.setdefault(name.strip().lower(), []).append(told.strip())
    beside = {key: value for key, value in span.extra.items() if key not in _TEXTS}
    for source in (span.metadata, span.metrics, beside):
        for key, value in _flatten(source):
            facts.setdefault(key, []).append(value)
    return facts


def _flatten(value: JsonValue, prefix: str = "") -> Iterator[tuple[str, JsonValue]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flatten(inner, f"{prefix}.{key}" if prefix else key)
    elif isinstance(value, list):
        # Of many guardrails each counts; of many tries of a request only the last one would.
        for inner in value if _GUARDRAIL.match(prefix.lower()) else ():
            yield from _flatten(True if isinstance(inner, str) else inner, prefix)  # a name in the list
    else:
        yield prefix.lower(), value


def _guardrails(span: Span, facts: Facts) -> Iterator[Signal]:
    for key, values in facts.items():
        if (noun := _GUARDRAIL.fullmatch(key)) and any(_guardrail_failed(noun["part"], v) for v in values):
            yield _signal(FailureType.GUARDRAIL_FAILURE, span, key)
            return


def _guardrail_failed(part: str | None, told: JsonValue) -> bool:
    """Read what is said of a guardrail: `guardrail: true` says that there is one, `failed` what it found."""
    if part in ("failed", "failures"):
        return _is_true(told) or (_as_number(told) or 0) >= 1
    return isinstance(told, str) and told.strip().lower() in ("failed", "fail")


def _failed(label: str, told: Evaluation, rules: SignalRules) -> bool:
    """Say whether an evaluation found something: by its assessment, or by a value whose meaning is known."""
    if told.verdict:
        return told.verdict == "fail"
    name = label_name(label)
    if name in _TOXICITY_LABELS:
        score = _as_number(told.value)
        return score >= rules.toxicity_threshold if score is not None else _is_true(told.value)
    if words := _PRESENCE_LABELS.get(name):
        return _is_true(told.value) or str(told.value).strip().lower() in words
    guardrail = _GUARDRAIL.fullmatch(name)
    return guardrail is not None and _guardrail_failed(guardrail["part"], told.value)


def _told_evaluations(span: Span, facts: Facts, rules: SignalRules, seen: set[str]) -> Iterator[Signal]:
    """Read evaluations that an application put into tags or metadata: `hallucination:true`."""
    for key in sorted(facts, key=lambda key: (len(key), key)):
        told = _TOLD_EVALUATION.fullmatch(key)
        label = (told["label"] or told["assessed"]) if told else key.removesuffix(".value")
        name = label_name(label)
        if name in seen or not (told or name in (*_PRESENCE_LABELS, *_TOXICITY_LABELS)):
            continue
        judged = told and (told["judged"] or told["assessed"])
        for said in facts[key]:
            evaluation = Evaluation(assessment=str(said)) if judged else Evaluation(value=said)
            if _failed(label, evaluation, rules):
                seen.add(name)
                kind = type_of_label(name.removesuffix("_score"), rules.labels)
                yield _signal(kind, span, key, _short(said))
                break


def _quality(span: Span, facts: Facts, rules: SignalRules) -> Iterator[Signal]:
    told = [
        (f"evaluation:{label}", evaluation.value)
        for label, evaluation in span.evaluations.items()
        if label_name(label) in _QUALITY_LABELS and not evaluation.verdict
    ]
    told += [(key, value) for key, values in facts.items() if _tells_quality(key) for value in values]
    scores = [(score, source) for source, value in told if (score := _as_number(value)) is not None]
    if scores and min(scores)[0] < rules.quality_threshold:
        score, source = min(scores)
        severity = Severity.HIGH if score < _LOW_QUALITY else Severity.MEDIUM
        yield _signal(FailureType.QUALITY_DEGRADATION, span, source, f"{score:g}", severity)


def _tells_quality(key: str) -> bool:
    told = _TOLD_EVALUATION.fullmatch(key)
    return key in _QUALITY_KEYS or (told is not None and label_name(told["label"] or "") in _QUALITY_LABELS)


def _status(span: Span, facts: Facts) -> Iterator[Signal]:
    codes = [code for key in _STATUS_KEYS for told in facts.get(key, ()) if (code := _as_status_code(told))]
    if codes and max(codes) >= _CLIENT_ERROR:
        yield _signal(_status_type(max(codes)), span, "http.status_code", f"{max(codes)}")
    if span.status.strip() == "error":
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
    """Read a number or a percentage, or None: a trace may say `1e999` where a status code belongs."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    percent = isinstance(value, str) and value.rstrip().endswith("%")
    try:
        number = float(value.rstrip(" %") if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    number = number / 100 if percent else number
    return number if math.isfinite(number) else None


def _as_status_code(value: JsonValue) -> int | None:
    """Read `404`, `"404"`, `"404 Not Found"` or `"HTTP/1.1 404"`; None for what is no status."""
    if isinstance(value, str):
        found = _STATUS_CODE.fullmatch(value.strip())
        return int(found[1]) if found else None
    code = _as_number(value)
    return int(code) if code is not None and _LOWEST_STATUS <= code < _NO_STATUS else None


def _short(value: JsonValue) -> str:
    return str(value)[:80] if isinstance(value, str | int | float | bool) else ""
