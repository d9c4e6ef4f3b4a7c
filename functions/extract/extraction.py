"""From a capture to its failure pattern."""

from pydantic import JsonValue

from functions.extract.advice import recommended_actions
from functions.extract.contrast import TOLD_BY_CONTRAST, VAGUE, contrast_with
from functions.extract.findings import Finding, findings_of, type_of_error
from functions.extract.narrative.asking import Narrator
from functions.extract.signature import changing_tools, signature_of
from shared.domain.canonical import canonical_json
from shared.domain.captures import Capture
from shared.domain.conversation import answering_span, one_line, shortened, tool_calls, user_turns
from shared.domain.courses import Course, request_of
from shared.domain.like_requests import REFERENCES, ControlGroup
from shared.domain.patterns import (
    Extractor,
    FailurePattern,
    Reproduction,
    RootCause,
    ToolUse,
    TypeEvidence,
)
from shared.domain.signals import Signal
from shared.domain.taxonomy import FailureType, Severity, by_precedence, phrase, severity_of, worst
from shared.errors import ConflictError
from shared.messages import CaptureStored, PatternStored
from shared.ports import Outgoing
from shared.repositories.captures import Captures
from shared.repositories.courses import Courses
from shared.repositories.patterns import KnownPattern, Patterns
from shared.topology import Topic

RULES_VERSION = "2"
_MOST_CAUSES = 3
_LONGEST_ASKED = 70
_LONGEST_REASONING = 400
_LONGEST_RECORDED = 500
# A bare "status: error" says less than any other signal of an error.
_VAGUE = FailureType.LLM_ERROR


def extract_pattern(
    message: CaptureStored,
    *,
    captures: Captures,
    patterns: Patterns,
    courses: Courses,
    narrator: Narrator | None = None,
) -> list[Outgoing]:
    """Store what failed in a capture, unless this version has said it of this content before.

    A trace whose capture has gone turned out healthy: its pattern is withdrawn.
    The capture is looked at again at the end, since it may have changed meanwhile,
    and so is the control group: a sweep that has begun may have missed the pattern.
    """
    known = patterns.get(message.trace_id)
    capture = captures.get(message.trace_id)
    generation = courses.generation(capture.ml_app, capture.env) if capture else None
    if capture is not None:
        group = courses.control_group(capture.ml_app, capture.env, generation)
        pattern = _pattern_now(capture, known, group, narrator)
    elif known is not None:
        pattern = known.pattern.model_copy(update={"withdrawn": True})
    else:
        return []
    if not (known and known.pattern == pattern) and not patterns.store(pattern, known):
        raise ConflictError("the pattern was stored by somebody else meanwhile")
    head = captures.head(message.trace_id)
    if (head.content_hash if head else None) != (capture.content_hash if capture else None):
        raise ConflictError("the capture was stored by somebody else meanwhile")
    contrasted = capture is not None and pattern.references is not None
    if contrasted and courses.generation(pattern.ml_app, pattern.env) != generation:
        raise ConflictError("failures have been held against other healthy runs meanwhile")
    return [Outgoing(Topic.PATTERNS, PatternStored(trace_id=message.trace_id))]


def _pattern_now(
    capture: Capture, known: KnownPattern | None, group: ControlGroup, narrator: Narrator | None
) -> FailurePattern:
    if known and _is_current(known.pattern, capture, group, narrator):
        return known.pattern.model_copy(update={"withdrawn": False})
    pattern = pattern_of(capture, group)
    if narrator is None:
        return _following(pattern, known)
    told = narrator.tell(pattern, capture, attempt=known.pattern.extractor.attempt if known else "")
    if known and told.extractor.upgrade_pending and _was_told(known.pattern, pattern):
        # What another model has told stands until this one answers.
        waiting = told.extractor.model_dump(include={"upgrade_pending", "reason", "attempt"})
        extractor = known.pattern.extractor.model_copy(update=waiting)
        told = known.pattern.model_copy(update={"extractor": extractor, "withdrawn": False})
    return _following(told, known)


def _was_told(known: FailurePattern, by_rules: FailurePattern) -> bool:
    """Say whether a stored pattern is what a model told of the same content, rules and references."""
    same = ("capture_hash", "signature", "references")
    unchanged = all(getattr(known, name) == getattr(by_rules, name) for name in same)
    return unchanged and known.extractor.kind == "model" and known.extractor.version == RULES_VERSION


def pattern_of(capture: Capture, group: ControlGroup | None = None) -> FailurePattern:
    """Say what failed, where and why: by the capture alone, and where that says little, by contrast.

    The signature and the gist come from the capture alone.
    """
    alone = findings_of(capture)
    kinds = _types(capture, alone)
    signature, gist = signature_of(capture, kinds, alone), _gist(capture, kinds[0], alone)
    references, findings = None, alone
    if not alone and kinds[0] in TOLD_BY_CONTRAST:
        course = Course.of(capture)
        nearest = group.nearest(course.terms, REFERENCES) if group else ()
        references = tuple(one.reference for one in nearest)
        findings = contrast_with(capture, course, nearest, kinds[0])
        told = tuple(finding.failure_type for finding in findings)
        kinds = tuple(dict.fromkeys((*told, *kinds) if kinds[0] in VAGUE else (*kinds, *told)))
    leading = _leading(kinds[0], findings)
    failing = leading.span_id if leading else _blamed_by_signals(capture)
    confidence, reason = _confidence(leading, contrasted=bool(references))
    return FailurePattern(
        trace_id=capture.trace_id,
        capture_hash=capture.content_hash,
        ml_app=capture.ml_app,
        env=capture.env,
        title=_title(capture, kinds[0], leading),
        failure_types=kinds,
        evidence=_evidence(capture, kinds, findings),
        failing_span_id=failing,
        cause_span_id=leading.cause_span_id if leading else None,
        trigger=leading.reason if leading else _signal_sentence(capture.signals[0]),
        root_causes=_causes(capture, kinds[0], findings, failing),
        recommended_actions=recommended_actions(kinds),
        reproduction=_reproduction(capture),
        severity=_severity(capture, kinds[0]),
        confidence=confidence,
        confidence_reason=reason,
        extractor=Extractor(kind="rules", version=RULES_VERSION),
        signature=signature,
        gist=gist,
        started_at=capture.started_at,
        references=references,
    )


def _leading(kind: FailureType, findings: tuple[Finding, ...]) -> Finding | None:
    return next((one for one in findings if one.failure_type is kind), findings[0] if findings else None)


def _gist(capture: Capture, kind: FailureType, findings: tuple[Finding, ...]) -> str:
    leading = _leading(kind, findings)
    trigger = leading.reason if leading else _signal_sentence(capture.signals[0])
    return f"{_title(capture, kind, leading)}\n{trigger}"


def _confidence(leading: Finding | None, *, contrasted: bool) -> tuple[float, str]:
    if leading is None:
        return 0.4, "known by its signals alone"
    if contrasted and leading.rule == "unmatched_action":
        return 0.4, "the first change is named; healthy runs of alike requests are about other things"
    if contrasted:
        return 0.6, "healthy runs of alike requests went otherwise at this step"
    return 0.8, "a rule names the step and quotes it"


def _is_current(
    pattern: FailurePattern, capture: Capture, group: ControlGroup, narrator: Narrator | None
) -> bool:
    """Say whether nothing would be said better now: an upgrade that was put off is due at any delivery."""
    same = pattern.capture_hash == capture.content_hash and pattern.extractor.version == RULES_VERSION
    if not same or pattern.extractor.upgrade_pending or (narrator and not narrator.has_told(pattern)):
        return False
    return pattern.references is None or pattern.references == group.references(pattern.reproduction.input)


def _following(pattern: FailurePattern, known: KnownPattern | None) -> FailurePattern:
    """Remember the groups that the trace belonged to before, so that it can be taken out of them."""
    if known is None:
        return pattern
    groups = dict.fromkeys((*known.pattern.former_group_ids, known.pattern.group_id))
    former = tuple(group for group in groups if group != pattern.group_id)
    return pattern.model_copy(update={"former_group_ids": former})


def _types(capture: Capture, findings: tuple[Finding, ...]) -> tuple[FailureType, ...]:
    """Join what signals and rules say; a tool's error counts as its rule judges it."""
    kinds = {finding.failure_type for finding in findings}
    kinds |= {signal.failure_type for signal in capture.signals if not _is_tool_error(capture, signal)}
    if len(kinds) > 1:
        kinds.discard(_VAGUE)
    if not kinds:
        kinds = {type_of_error(span) for span in capture.spans if span.status == "error"}
    return by_precedence(kinds or {FailureType.UNKNOWN})


def _is_tool_error(capture: Capture, signal: Signal) -> bool:
    span = capture.span(signal.span_id)
    return signal.source == "status" and span is not None and span.kind == "tool"


def _blamed_by_signals(capture: Capture) -> str:
    """Blame the step that a signal points at; a verdict on the whole run points at its answer."""
    root = capture.trace.root.span_id
    steps = [signal.span_id for signal in capture.signals if signal.span_id != root]
    return steps[0] if steps else answering_span(capture.trace).span_id


def _title(capture: Capture, kind: FailureType, leading: Finding | None) -> str:
    if leading:
        return f"{phrase(kind)}: {leading.reason}"
    changed = changing_tools(capture)
    path = f" after {', '.join(changed)}" if changed else ""
    asked = one_line(next(iter(user_turns(capture.trace)), ""))
    quoted = f", asked: {shortened(asked, _LONGEST_ASKED)}" if asked else ""
    return f"{phrase(kind)}: {_signal_sentence(capture.signals[0])}{path}{quoted}"


def _signal_sentence(signal: Signal) -> str:
    label = signal.source.removeprefix("evaluation:")
    told = f" ({signal.detail})" if signal.detail and signal.detail != label else ""
    if label != signal.source:
        return f"the evaluation {label} fails{told}"
    return "a step ends in an error" if label == "status" else f"{label} tells of it{told}"


def _reasoning(capture: Capture, signal: Signal) -> str:
    """Quote what an evaluator said of its verdict."""
    span = capture.span(signal.span_id)
    told = span.evaluations.get(signal.source.removeprefix("evaluation:")) if span else None
    return ((told.reasoning if told else None) or "")[:_LONGEST_REASONING]


def _evidence(
    capture: Capture, kinds: tuple[FailureType, ...], findings: tuple[Finding, ...]
) -> tuple[TypeEvidence, ...]:
    told = [
        TypeEvidence(
            failure_type=finding.failure_type,
            span_id=finding.cause_span_id or finding.span_id,
            reason=finding.reason,
            quote=finding.quote,
        )
        for finding in findings
    ]
    told += [
        TypeEvidence(
            failure_type=signal.failure_type,
            span_id=signal.span_id,
            reason=_signal_sentence(signal),
            quote=_reasoning(capture, signal),
        )
        for signal in capture.signals
        if signal.failure_type in kinds
    ]
    return tuple(sorted(told, key=lambda evidence: kinds.index(evidence.failure_type)))


def _causes(
    capture: Capture, kind: FailureType, findings: tuple[Finding, ...], failing: str
) -> tuple[RootCause, ...]:
    causes = [
        RootCause(
            cause=finding.reason,
            failure_type=finding.failure_type,
            span_id=finding.cause_span_id or finding.span_id,
            evidence=finding.quote,
        )
        for finding in findings
    ]
    if not causes:
        signal = next((one for one in capture.signals if one.failure_type is kind), capture.signals[0])
        causes = [
            RootCause(
                cause=_signal_sentence(signal),
                failure_type=kind,
                span_id=signal.span_id if (said := _reasoning(capture, signal)) else failing,
                evidence=said,
            )
        ]
    return tuple(causes[:_MOST_CAUSES])


def _reproduction(capture: Capture) -> Reproduction:
    return Reproduction(
        input=request_of(capture),
        required_state={"ml_app": capture.ml_app, "env": capture.env, "version": capture.version},
        tools=tuple(
            ToolUse(
                name=call.name,
                span_id=call.span.span_id,
                status=call.span.status,
                arguments=_beginning(call.arguments),
                result=_beginning(call.result),
            )
            for call in tool_calls(capture.trace)
        ),
    )


def _beginning(value: JsonValue) -> str:
    return shortened(value if isinstance(value, str) else canonical_json(value), _LONGEST_RECORDED)


def _severity(capture: Capture, kind: FailureType) -> Severity:
    return worst([severity_of(kind), *(s.severity for s in capture.signals if s.failure_type is kind)])
