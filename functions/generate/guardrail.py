"""The guardrail: a rule as data that would have stopped the failure."""

from functions.generate.blame import blamed_tool, tool_that_failed
from functions.generate.eval_tests import ERROR_TYPES, UNWANTED_CALL_TYPES
from shared.domain.artifacts import (
    ConfirmBeforeRule,
    EvaluationRule,
    Guardrail,
    GuardrailRule,
    RepeatedCallRule,
    SensitiveOutputRule,
    StepErrorRule,
    ToolErrorRule,
    UnavailableItemRule,
)
from shared.domain.captures import Capture
from shared.domain.patterns import FailurePattern
from shared.domain.taxonomy import FailureType, Severity, severity_rank

_AVAILABILITY_FIELD = "status"
_EVALUATION = "evaluation:"
# What has failed already cannot be blocked any more, only told.
_AFTER_THE_FACT = frozenset({"evaluation_fails", "unrecovered_tool_error", "step_error"})


def draft_guardrail(pattern: FailurePattern, capture: Capture) -> Guardrail:
    """Write the rule; it blocks where the failure is high or critical, and flags otherwise."""
    rule = _rule(pattern, capture)
    bad = severity_rank(pattern.severity) >= severity_rank(Severity.HIGH)
    tool = getattr(rule, "tool", None)
    return Guardrail(
        name=f"{pattern.ml_app} - {rule.type.replace('_', ' ')}" + (f" of {tool}" if tool else ""),
        rationale=pattern.trigger,
        rule=rule,
        action="flag" if rule.type in _AFTER_THE_FACT or not bad else "block",
    )


def _rule(pattern: FailurePattern, capture: Capture) -> GuardrailRule:
    tool = blamed_tool(pattern, capture)
    kind = pattern.leading_type
    explained = pattern.signature.parts[-1].split(":")
    if explained[:2] == ["rule", "unavailable_item"]:
        return UnavailableItemRule(field=_AVAILABILITY_FIELD, values=(explained[2],))
    if kind is FailureType.RUNAWAY_LOOP and tool:
        return RepeatedCallRule(tool=tool, limit=2)
    if kind in UNWANTED_CALL_TYPES and tool:
        return ConfirmBeforeRule(tool=tool)
    if kind in ERROR_TYPES and (failed := tool_that_failed(pattern, capture)):
        return ToolErrorRule(tool=failed)
    if kind is FailureType.WRONG_ARGUMENTS and tool:
        return ConfirmBeforeRule(tool=tool)
    return SensitiveOutputRule() if kind is FailureType.PII_LEAK else _by_signal(pattern, capture)


def _by_signal(pattern: FailurePattern, capture: Capture) -> GuardrailRule:
    """Fall back to what flagged the run: an evaluation's label, or a step that ended in an error."""
    kind = pattern.leading_type
    source = next((s.source for s in capture.signals if s.failure_type is kind), capture.signals[0].source)
    if source.startswith(_EVALUATION):
        return EvaluationRule(label=source.removeprefix(_EVALUATION))
    failing = capture.span(pattern.failing_span_id)
    return StepErrorRule(step=failing.name if failing else "")
