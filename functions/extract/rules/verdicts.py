"""Steps that an evaluation of their own has failed."""

from functions.extract.rules.finding import LONGEST_QUOTE, Finding, opening
from functions.extract.rules.view import CaptureView
from shared.domain.conversation import requested_tools

_EVALUATION = "evaluation:"


def judged_step(view: CaptureView) -> Finding | None:
    """Blame a step that an evaluation of its own has failed, and that asks for a tool or is one."""
    for signal in view.capture.signals:
        span = view.capture.span(signal.span_id)
        if span is None or span.span_id == view.root.span_id or not signal.source.startswith(_EVALUATION):
            continue
        tools = [span.name] if span.kind == "tool" else requested_tools(span)
        if tools:
            label = signal.source.removeprefix(_EVALUATION)
            told = span.evaluations.get(label)
            reasoning = (told.reasoning if told else None) or ""
            return Finding(
                rule="judged_step",
                failure_type=signal.failure_type,
                span_id=span.span_id,
                cause_span_id=None,
                reason=f"{label} fails on the step that calls {tools[0]}",
                quote=reasoning[:LONGEST_QUOTE] or opening(span, span.output),
                stable=f"{label}>{tools[0]}",
            )
    return None
