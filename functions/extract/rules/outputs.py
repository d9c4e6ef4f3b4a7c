"""Outputs that are cut, of another form than was asked for, or that decline."""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from pydantic import JsonValue

from functions.extract.rules.finding import LONGEST_QUOTE, Finding, around, first_text, opening
from functions.extract.rules.schemas import LARGEST_VALUE, fault_of
from functions.extract.rules.settings import definitions_in, schema_asked, stop_reasons, wants_json
from functions.extract.rules.view import CaptureView
from shared.domain.conversation import ToolCall, requested_tools
from shared.domain.spans import Span
from shared.domain.taxonomy import FailureType
from shared.redaction.linear import Linear

_WINDOW_FULL = frozenset(
    {"model_context_window_exceeded", "context_length_exceeded", "context_window_exceeded"}
)
_CUT = frozenset(
    {"length", "max_tokens", "maxtokens", "max_output_tokens", "max_length", "token_limit", "model_length"}
    | {"max_completion_tokens", "incomplete", "finish_reason_max_tokens", "max_tokens_reached"}
)
_DECLINED = frozenset(
    {
        "content_filter",
        "contentfilter",
        "content_filtered",
        "refusal",
        "safety",
        "prohibited_content",
        "blocklist",
    }
    | {"recitation", "spii", "error_toxic", "image_safety"}
)
_GUARDED = frozenset({"guardrail_intervened", "guardrail"})
_OBJECT = (
    r"(?:that|this|it|such|those|these|your request|the request"
    r"|you with (?:that|this|it|your request))"
)
_REFUSAL = Linear(
    r"(?i)\bI(?:['’]m| am)? ?(?:sorry,? (?:but )?I(?:['’]m| am)? ?)?"
    r"(?:can ?no?t|can['’]t|won['’]t|will not|(?:am )?unable to|not able to|must decline to) "
    r"(?:help|assist|comply|do|answer|fulfil+|discuss|provide|create|generate|write|engage)"
    rf"(?: you)?(?: with)? {_OBJECT}\b"
    r"|\bas an ai(?: language)?(?: model| assistant)?,? i "
    r"(?:can['’]t|cannot|can not|am unable|am not able|do not|don['’]t)\b"
    r"|\b(?:dabei|damit) kann ich (?:(?:dir|ihnen|euch) )?(?:leider )?nicht (?:helfen|weiterhelfen|dienen)\b"
    r"|\bich kann (?:(?:dir|ihnen) )?(?:dabei|damit) (?:leider )?nicht (?:helfen|weiterhelfen)\b"
    r"|\bals ki(?:-\w{1,20})? kann ich\b"
    r"|\bje ne (?:peux|puis) pas (?:(?:vous|t['’]) ?)?(?:aider|répondre|assister)[^.\n]{0,10} "
    r"(?:avec|à|sur|pour) (?:cela|ça|cette demande)\b"
    r"|\ben tant qu['’](?:ia|intelligence artificielle),? je ne (?:peux|puis)\b"
    r"|\bno puedo (?:ayudarte|ayudarle|ayudar|asistir) con (?:eso|esto|esa|esta solicitud)\b"
    r"|\bcomo ia,? no puedo\b"
)
_LONGEST_REFUSAL = 500
_FENCE = re.compile(r"\s{0,20}```[A-Za-z]{0,10}\s?\n?")
_WITHHELD = "<WITHHELD_"


class _Offered(NamedTuple):
    """A tool's arguments as the model was told to spell them, and the step that says so."""

    schema: JsonValue
    span: Span


def mismatched_arguments(view: CaptureView) -> Finding | None:
    """Blame the first call whose arguments are not as the tool's definition asks, and that is not mended."""
    offered = {name: _Offered(schema, span) for span in view.models for name, schema in definitions_in(span)}
    if not offered:
        return None
    faults = [(call, _fault(call, offered)) for call in view.calls if call.name in offered]
    last_right = {call.name: at for at, (call, fault) in enumerate(faults) if not fault and not call.failed}
    for at, (call, fault) in enumerate(faults):
        if fault and last_right.get(call.name, -1) < at:
            return Finding(
                rule="mismatched_arguments",
                failure_type=FailureType.WRONG_ARGUMENTS,
                span_id=call.span.span_id,
                cause_span_id=None,
                reason=f"the arguments of {call.name} break its definition: {fault}",
                quote=opening(call.span, call.span.input),
                stable=f"{call.name}:{fault}",
            )
    return None


def _fault(call: ToolCall, offered: dict[str, _Offered]) -> str | None:
    return fault_of(call.arguments, offered[call.name].schema) if isinstance(call.arguments, dict) else None


def truncated_output(view: CaptureView) -> Finding | None:
    """Blame the last step of a model whose output was cut.

    A limit on what it writes leaves an output that is not whole, whatever room
    there was for more: malformed; only a reason that names the window is an overflow.
    """
    span, reason = _stopped(view, _WINDOW_FULL | _CUT)
    if span is None:
        return None
    full = reason in _WINDOW_FULL
    return Finding(
        rule="truncated_output",
        failure_type=FailureType.CONTEXT_OVERFLOW if full else FailureType.MALFORMED_OUTPUT,
        span_id=span.span_id,
        cause_span_id=None,
        reason="the model's window was full" if full else "the output is cut: it reached its limit of length",
        quote=_ending(span),
        stable="window" if full else "length",
    )


def malformed_output(view: CaptureView) -> Finding | None:
    """Blame the last output that was asked for in JSON, and is none or breaks its schema."""
    for span in reversed(view.models):
        said = _written(span)
        if said is None or not wants_json(span):
            continue
        schema = schema_asked(span)
        parsed, valid = _read(said)
        fault = (fault_of(parsed, schema) if schema else None) if valid else "no JSON"
        if fault is None:
            return None
        return Finding(
            rule="malformed_output",
            failure_type=FailureType.MALFORMED_OUTPUT,
            span_id=span.span_id,
            cause_span_id=None,
            reason=f"the output was asked for as JSON and breaks what was asked: {fault}",
            quote=said[:LONGEST_QUOTE],
            stable=f"{span.name}:{fault}",
        )
    return None


def refusal(view: CaptureView) -> Finding | None:
    """Blame the answer that declines what was asked, or the step that a provider's filter stopped."""
    span, stopped = _stopped(view, _DECLINED | _GUARDED)
    if span is not None:
        guarded = stopped in _GUARDED
        kind = FailureType.GUARDRAIL_FAILURE if guarded else FailureType.REFUSAL
        return _refusal(span, kind, f"the model stopped with {stopped}", opening(span, span.output), stopped)
    last = view.models[-1] if view.models else None
    if last is not None and (declined := _declining_part(last)):
        return _refusal(last, FailureType.REFUSAL, "the model declines", declined[:LONGEST_QUOTE], "refusal")
    said = view.answer
    if view.answering is None or len(said) > _LONGEST_REFUSAL or not _REFUSAL.is_in(said):
        return None
    reason = "the answer declines what was asked"
    return _refusal(view.answering, FailureType.REFUSAL, reason, around(said, _REFUSAL), "answer")


def _refusal(span: Span, kind: FailureType, reason: str, quote: str, stable: str) -> Finding:
    return Finding(
        rule="refusal",
        failure_type=kind,
        span_id=span.span_id,
        cause_span_id=None,
        reason=reason,
        quote=quote,
        stable=stable,
    )


def _stopped(view: CaptureView, reasons: frozenset[str]) -> tuple[Span | None, str]:
    """Find which of the last model step and the answering one stopped for one of these reasons."""
    answering = [view.answering] if view.answering and view.answering.kind == "llm" else []
    for span in (*view.models[-1:], *answering):
        for told in stop_reasons(span):
            if told in reasons:
                return span, told
    return None, ""


def _messages(span: Span) -> Iterator[dict[str, JsonValue]]:
    messages = span.output.get("messages") if isinstance(span.output, dict) else None
    yield from (one for one in messages if isinstance(one, dict)) if isinstance(messages, list) else ()


def _declining_part(span: Span) -> str:
    """Read where a message says apart from its content that the model declines."""
    parts = [message.get("refusal") for message in _messages(span)]
    return next((part for part in parts if isinstance(part, str) and part.strip()), "")


def _written(span: Span) -> str | None:
    """Read what a model wrote; None where it asked for tools, failed, or its text was left out."""
    if requested_tools(span) or span.status == "error":
        return None
    texts = [text for message in _messages(span) if isinstance(text := message.get("content"), str)]
    told = texts[-1] if texts else first_text(span.output)
    return told if told.strip() and _WITHHELD not in told and len(told) <= LARGEST_VALUE else None


def _read(said: str) -> tuple[JsonValue, bool]:
    """Parse an output, be it fenced as Markdown's code is; too deep a one is taken as it is."""
    fence = _FENCE.match(said)
    bare = said[fence.end() :].rstrip().removesuffix("```") if fence else said
    try:
        return json.loads(bare), True
    except RecursionError:
        return None, True
    except ValueError:
        return None, False


def _ending(span: Span) -> str:
    said = _written(span) or first_text(span.output)
    return said[-LONGEST_QUOTE:] if said.strip() else opening(span, span.output)
