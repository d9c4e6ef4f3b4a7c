"""Small builders: each gives the plainest valid thing and takes what a test is about."""

import json
from typing import Any

from hypothesis import strategies as st
from pydantic import JsonValue

from functions.sanitize.capture import capture_of
from shared.domain.captures import Capture
from shared.domain.patterns import Extractor, FailurePattern, Reproduction, Signature, TypeEvidence
from shared.domain.signals import SignalRules
from shared.domain.spans import Evaluation, Span, Trace
from shared.domain.taxonomy import FailureType, Severity
from shared.redaction.policy import Redaction
from shared.redaction.redactor import Redacted, redact_trace

TRACE_ID = "trace-1"
ROOT_ID = "root"
SALT = b"a salt that is long enough for a test"
# A number that passes the Luhn check and belongs to nobody.
CARD = "4111 1111 1111 1111"

json_values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def record(span_id: str = ROOT_ID, **fields: Any) -> dict[str, Any]:
    """Spell a span as a search gives its attributes."""
    return {"span_id": span_id, "trace_id": TRACE_ID, **fields}


def root(**fields: Any) -> Span:
    """Build the span at the top: a user asks, the application answers."""
    told: dict[str, Any] = {
        "name": "shop-assistant.chat",
        "kind": "agent",
        "ml_app": "shop-assistant",
        "start_ns": 1_000,
        "input": {"value": "Where is my parcel?"},
        "output": {"value": "It is on its way."},
        "tags": ("env:prod", "version:1.2.0"),
    }
    return Span(span_id=ROOT_ID, trace_id=TRACE_ID, **(told | fields))


def step(span_id: str, **fields: Any) -> Span:
    """Build a span below the top."""
    told: dict[str, Any] = {
        "parent_id": ROOT_ID,
        "kind": "task",
        "start_ns": 2_000,
        "ml_app": "shop-assistant",
    }
    return Span(span_id=span_id, trace_id=TRACE_ID, **(told | fields))


def call(
    span_id: str, tool: str, arguments: JsonValue = None, result: JsonValue = None, **fields: Any
) -> Span:
    """Build a tool call whose arguments and result are JSON texts, as tracers record them."""
    told: dict[str, Any] = {
        "name": tool,
        "kind": "tool",
        "input": {"value": json.dumps({} if arguments is None else arguments)},
        "output": {"value": result if isinstance(result, str) else json.dumps(result)},
    }
    return step(span_id, **(told | fields))


def failed_call(span_id: str, tool: str, error: str, arguments: JsonValue = None, **fields: Any) -> Span:
    """Build a tool call that was answered with an error."""
    return call(span_id, tool, arguments, error, status="error", **fields)


def model(span_id: str, *, said: str = "", tools: tuple[str, ...] = (), **fields: Any) -> Span:
    """Build a model's step that says something or asks for tools."""
    calls = [{"name": tool, "arguments": {}, "tool_id": tool, "type": "function"} for tool in tools]
    message = {"role": "assistant", "content": said, "tool_calls": calls}
    told: dict[str, Any] = {"name": "chat_completion", "kind": "llm", "output": {"messages": [message]}}
    return step(span_id, **(told | fields))


def verdict(assessment: str | None = "fail", value: JsonValue = None, reasoning: str = "") -> Evaluation:
    """Build what an evaluator said."""
    return Evaluation(assessment=assessment, value=value, reasoning=reasoning or None)


def trace(*spans: Span) -> Trace:
    """Join spans to a trace; without any it is a root alone."""
    return Trace.of(TRACE_ID, spans or (root(),))


def capture(*spans: Span) -> Capture:
    """Sanitize a trace as the stage does."""
    return capture_of(trace(*spans), rules=SignalRules(), redaction=Redaction(SALT))


def pattern(
    trace_id: str,
    *types: FailureType,
    failing: str,
    cause: str | None = None,
    confidence: float = 0.8,
    cost: float = 0.0,
    latency_ms: int = 0,
    quotes: tuple[TypeEvidence, ...] = (),
    signature: str = "one",
) -> FailurePattern:
    """Build what extraction says of a trace."""
    return FailurePattern(
        trace_id=trace_id,
        capture_hash="",
        ml_app="shop-assistant",
        env="prod",
        title="",
        failure_types=types,
        evidence=quotes,
        failing_span_id=failing,
        cause_span_id=cause,
        trigger="",
        root_causes=(),
        recommended_actions=(),
        reproduction=Reproduction(input=(), required_state={}, tools=()),
        severity=Severity.HIGH,
        confidence=confidence,
        confidence_reason="",
        extractor=Extractor(kind="rules", version="1", cost_usd=cost, latency_ms=latency_ms),
        signature=Signature(version="1", parts=(signature,)),
    )


def redacted(*spans: Span, salt: bytes = SALT) -> Redacted:
    """Redact a trace."""
    return redact_trace(trace(*spans), salt)


def redacted_input(value: Any, **fields: Any) -> Any:
    """Redact a trace of one span, and give back what became of its input."""
    return redacted(root(input=value, output=None, **fields)).trace.root.input
