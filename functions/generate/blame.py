"""What the artifacts need to know of the blamed step: its tool, or the item it offered."""

from collections.abc import Mapping

from shared.domain.captures import Capture
from shared.domain.conversation import answer, objects_in, requested_tools, tool_calls
from shared.domain.patterns import FailurePattern

_NAME_KEYS = ("name", "title", "product_name")


def blamed_tool(pattern: FailurePattern, capture: Capture) -> str | None:
    """Name the tool of the failing step: the step itself, or what a model's step calls."""
    failing = capture.span(pattern.failing_span_id)
    if failing is None:
        return None
    if failing.kind in ("tool", "retrieval"):
        return failing.name
    return next(iter(requested_tools(failing)), None)


def tool_that_failed(pattern: FailurePattern, capture: Capture) -> str | None:
    """Name the tool of the failing step where it answered with an error: a wrong call can also succeed."""
    failing = capture.span(pattern.failing_span_id)
    return blamed_tool(pattern, capture) if failing and failing.status == "error" else None


def offered_item(pattern: FailurePattern, capture: Capture) -> str | None:
    """Name the item that the cause's tool result describes and the answer mentions."""
    said = answer(capture.trace)
    for call in tool_calls(capture.trace):
        if call.span.span_id == pattern.cause_span_id:
            for told in objects_in(call.result):
                name = next((n for key in _NAME_KEYS if isinstance(n := told.get(key), str) and n), None)
                if name and name.lower() in said.lower() and _quoted(pattern, told):
                    return name
    return None


def _quoted(pattern: FailurePattern, told: Mapping[str, object]) -> bool:
    """Tell the item that is marked from its neighbours in the same result."""
    state = pattern.signature.parts[-1].rpartition(":")[2]
    return any(isinstance(value, str) and value.lower() == state for value in told.values())
