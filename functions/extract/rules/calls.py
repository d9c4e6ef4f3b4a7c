"""Calls that go round in circles."""

from collections import Counter

from functions.extract.error_types import type_of_error
from functions.extract.rules.finding import Finding, opening
from functions.extract.rules.view import CaptureView
from shared.domain.conversation import ToolCall
from shared.domain.taxonomy import FailureType

# A third equal call is no retry any more.
LOOP_CALLS = 3
# Whom a service's fault has hit may try a little longer.
RETRIES = 6
# So often two calls take turns.
ROUNDS = 3
_PASSING = frozenset({FailureType.RATE_LIMITED, FailureType.INFRASTRUCTURE_ERROR})


def alternating_calls(view: CaptureView) -> Finding | None:
    """Blame the call that begins the third round of two calls that take turns with equal arguments."""
    run = 0
    for at in range(2, len(view.calls)):
        one, other, again = (view.calls[at - back].key for back in (2, 1, 0))
        run = run + 1 if one == again != other else 0
        if run + 2 == 2 * ROUNDS:
            first, second = view.calls[at - 1], view.calls[at]
            return _loop(
                "alternating_calls",
                first,
                f"{first.name} and {second.name} take turns with equal arguments, {ROUNDS} rounds or more",
                f"{first.name}<>{second.name}",
            )
    return None


def repeated_call(view: CaptureView) -> Finding | None:
    """Blame the call that was made a third time with equal arguments; of two in turn see the other rule."""
    if alternating_calls(view):
        return None
    seen: Counter[tuple[str, str]] = Counter()
    refused: Counter[tuple[str, str]] = Counter()
    for call in view.calls:
        key = call.key
        (refused if _is_passing(call) else seen)[key] += 1
        if seen[key] >= LOOP_CALLS or refused[key] >= RETRIES:
            return _loop(
                "repeated_call",
                call,
                f"{call.name} is called {max(seen[key], refused[key])} times or more with equal arguments",
                call.name,
            )
    return None


def _is_passing(call: ToolCall) -> bool:
    return call.failed and type_of_error(call.span) in _PASSING


def _loop(rule: str, call: ToolCall, reason: str, stable: str) -> Finding:
    return Finding(
        rule=rule,
        failure_type=FailureType.RUNAWAY_LOOP,
        span_id=call.span.span_id,
        cause_span_id=None,
        reason=reason,
        quote=opening(call.span, call.span.input),
        stable=stable,
    )
