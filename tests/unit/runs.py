"""Runs of a shop's assistant, told in a line: what was asked, what was said, which tools were called."""

from typing import NamedTuple

from pydantic import JsonValue

from functions.sanitize.capture import capture_of
from shared.domain.captures import Capture
from shared.domain.signals import SignalRules
from shared.domain.spans import Evaluation, Span, Trace
from shared.redaction.policy import Redaction
from tests.unit.build import SALT, call, model, root, verdict

# Long enough ago for nothing to come late.
FIRST_NS = 1_795_000_000 * 10**9
SECOND = 10**9
ASKED = "Cancel my tent order W1001 please, I ordered it by mistake"


class Done(NamedTuple):
    """One call, and what the user said right before it; nothing new where that is empty."""

    tool: str
    arguments: JsonValue
    said: str = ""
    failed: bool = False


def run(
    trace_id: str,
    *done: Done,
    asked: str = ASKED,
    passed: bool = True,
    label: str = "goal_completeness",
    answer: str = "All done.",
    seconds: float = 4.0,
    at: int = 0,
    env: str = "prod",
) -> Trace:
    """Record a run that was judged; `at` is in seconds after the first."""
    start = FIRST_NS + at * SECOND
    told: dict[str, Evaluation] = {label: verdict("pass" if passed else "fail")}
    spans: list[Span] = [
        root(
            input={"value": asked},
            output={"value": answer},
            start_ns=start,
            duration_ns=int(seconds * SECOND),
            tags=(f"env:{env}", "version:1.2.0"),
            evaluations=told,
        )
    ]
    messages: list[JsonValue] = [{"role": "user", "content": asked}]
    for number, one in enumerate(done):
        if one.said:
            messages.append({"role": "user", "content": one.said})
        moment = start + (number + 1) * 1000
        asks = model(f"ask-{number}", tools=(one.tool,), start_ns=moment, input={"messages": [*messages]})
        status = "error" if one.failed else "ok"
        called = call(f"do-{number}", one.tool, one.arguments, "done", start_ns=moment + 1, status=status)
        spans += [asks, called]
    ended = start + (len(done) + 1) * 1000
    spans.append(model("say", said=answer, start_ns=ended, input={"messages": [*messages]}))
    return Trace.of(trace_id, [span.model_copy(update={"trace_id": trace_id}) for span in spans])


def captured(trace: Trace) -> Capture:
    """Sanitize a run as the stage does."""
    return capture_of(trace, rules=SignalRules(), redaction=Redaction(SALT))


def looked(order: str) -> Done:
    """Look an order up."""
    return Done("get_order", {"order": order})


def cancelled(order: str, said: str = "Yes, please", reason: str = "by mistake") -> Done:
    """Cancel an order, most often after the user has said yes."""
    return Done("cancel_order", {"order": order, "reason": reason}, said)
