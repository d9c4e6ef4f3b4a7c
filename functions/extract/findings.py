"""The rules: each looks at the capture alone and may blame one step of it."""

import re
from collections import Counter
from collections.abc import Callable

from shared.domain.captures import Capture
from shared.domain.conversation import (
    ToolCall,
    answer,
    answering_span,
    error_text,
    error_words,
    leaf_texts,
    objects_in,
    requested_tools,
    tool_calls,
    user_turns,
)
from shared.domain.model import Model
from shared.domain.spans import Span
from shared.domain.taxonomy import FailureType
from shared.redaction.pseudonyms import ANY_PSEUDONYM

# A third equal call is no retry any more.
LOOP_CALLS = 3
UNAVAILABLE = (
    "discontinued",
    "unavailable",
    "out_of_stock",
    "out of stock",
    "sold_out",
    "expired",
    "retired",
)
_AVAILABILITY_KEYS = ("status", "availability", "state")
_NAME_KEYS = ("name", "title", "product_name", "id", "sku")
_SHORTEST_NAME = 4
_QUOTE = 200
_SHORT_QUOTE = 60
_EVALUATION = "evaluation:"
_COMMAND = re.compile(
    r"(?i)\b(?:ignore (?:all |any )?(?:previous|prior) instructions"
    r"|(?:assistant|ai|system) ?: ?[a-z]|you must now\b|do not tell the user\b)"
)
_SERVER_FAULT = re.compile(
    r"(?i)\b(?:5\d\d|timed? ?out|\w*timeout(?:error|exception)?|unavailable"
    r"|connection ?(?:reset|refused|error))\b"
)
_RATE_LIMIT = re.compile(r"(?i)\b429\b|rate[ _]?limit|too many requests")
_BAD_ARGUMENT = re.compile(
    r"(?i)\b(?:invalid|argument|parameter|required|missing|malformed|schema|mismatch|not found|does not"
    r"|must)\b"
)
_VARIABLE = re.compile(rf"{ANY_PSEUDONYM.pattern}|\b(?=[\w-]*\d)[\w-]+\b")


class Finding(Model):
    """One step that a rule blames, with a quote that stands in that step or in the cause's."""

    rule: str
    failure_type: FailureType
    span_id: str
    cause_span_id: str | None
    reason: str
    quote: str
    stable: str


Rule = Callable[[Capture], Finding | None]


def findings_of(capture: Capture) -> tuple[Finding, ...]:
    """Ask every rule, in the order in which a finding explains the others."""
    return tuple(finding for rule in RULES if (finding := rule(capture)) is not None)


def repeated_call(capture: Capture) -> Finding | None:
    """Blame the call that was made a third time with equal arguments."""
    seen: Counter[tuple[str, str]] = Counter()
    for call in tool_calls(capture.trace):
        seen[call.key] += 1
        if seen[call.key] == LOOP_CALLS:
            return Finding(
                rule="repeated_call",
                failure_type=FailureType.RUNAWAY_LOOP,
                span_id=call.span.span_id,
                cause_span_id=None,
                reason=f"{call.name} is called {LOOP_CALLS} times or more with equal arguments",
                quote=_first_text(call.span.input)[:_QUOTE],
                stable=call.name,
            )
    return None


def obeyed_instruction(capture: Capture) -> Finding | None:
    """Blame a call whose argument comes from a tool result that commands, and not from the user."""
    said = " ".join(user_turns(capture.trace)).lower()
    commands: list[tuple[ToolCall, str]] = []
    for call in tool_calls(capture.trace):
        arguments = [text for text in leaf_texts(call.arguments) if len(text) >= _SHORTEST_NAME]
        for source, text in commands:
            if any(value in text and value.lower() not in said for value in arguments):
                return Finding(
                    rule="obeyed_instruction",
                    failure_type=FailureType.PROMPT_INJECTION,
                    span_id=call.span.span_id,
                    cause_span_id=source.span.span_id,
                    reason=f"{call.name} is called as {source.name} commands, not as the user asks",
                    quote=_around(text, _COMMAND),
                    stable=f"{source.name}>{call.name}",
                )
        commands += [(call, text) for text in leaf_texts(call.span.output) if _COMMAND.search(text)]
    return None


def unavailable_item(capture: Capture) -> Finding | None:
    """Blame an answer that offers what a tool result marks as unavailable."""
    said = answer(capture.trace).lower()
    for call in tool_calls(capture.trace):
        for told in objects_in(call.result):
            state = next((s for key in _AVAILABILITY_KEYS if (s := _unavailable(told.get(key)))), None)
            if state is None or state.replace("_", " ") in said or "no longer" in said:
                continue
            names = [str(told[key]) for key in _NAME_KEYS if isinstance(told.get(key), str)]
            if any(len(name) >= _SHORTEST_NAME and name.lower() in said for name in names):
                return Finding(
                    rule="unavailable_item",
                    failure_type=FailureType.HALLUCINATION,
                    span_id=answering_span(capture.trace).span_id,
                    cause_span_id=call.span.span_id,
                    reason=f"the answer offers an item that a tool result marks as {state}",
                    quote=_around(_first_text(call.span.output), re.compile(re.escape(state), re.IGNORECASE)),
                    stable=state,
                )
    return None


def unrecovered_error(capture: Capture) -> Finding | None:
    """Blame the first tool error after which the same tool never succeeded."""
    calls = tool_calls(capture.trace)
    recovered = {call.name: at for at, call in enumerate(calls) if not call.failed}
    for at, call in enumerate(calls):
        if call.failed and recovered.get(call.name, -1) < at:
            text = error_text(call.span)
            return Finding(
                rule="unrecovered_error",
                failure_type=type_of_error(call.span),
                span_id=call.span.span_id,
                cause_span_id=None,
                reason=f"{call.name} fails and never succeeds afterwards: {text[:_SHORT_QUOTE]}".rstrip(": "),
                quote=text[:_QUOTE],
                stable=f"{call.name}|{error_template(text)}",
            )
    return None


def judged_step(capture: Capture) -> Finding | None:
    """Blame a step that an evaluation of its own has failed, and that asks for a tool or is one."""
    root = capture.trace.root.span_id
    for signal in capture.signals:
        span = capture.span(signal.span_id)
        if span is None or span.span_id == root or not signal.source.startswith(_EVALUATION):
            continue
        tools = [span.name] if span.kind == "tool" else requested_tools(span)
        if tools:
            label = signal.source.removeprefix(_EVALUATION)
            told = span.evaluations.get(label)
            return Finding(
                rule="judged_step",
                failure_type=signal.failure_type,
                span_id=span.span_id,
                cause_span_id=None,
                reason=f"{label} fails on the step that calls {tools[0]}",
                quote=((told.reasoning if told else None) or "")[:_QUOTE],
                stable=f"{label}>{tools[0]}",
            )
    return None


RULES: tuple[Rule, ...] = (
    obeyed_instruction,
    repeated_call,
    unavailable_item,
    unrecovered_error,
    judged_step,
)


def type_of_error(span: Span) -> FailureType:
    """Tell a service's fault from a call that was refused for what it asked."""
    text = error_words(span)
    if not text:
        return FailureType.LLM_ERROR
    if _RATE_LIMIT.search(text):
        return FailureType.RATE_LIMITED
    if _SERVER_FAULT.search(text):
        return FailureType.INFRASTRUCTURE_ERROR
    return FailureType.WRONG_ARGUMENTS if _BAD_ARGUMENT.search(text) else FailureType.CLIENT_ERROR


def error_template(text: str) -> str:
    """Keep of an error's text what is the same when it happens again: no numbers, no names with numbers."""
    return _VARIABLE.sub("*", text[: 2 * _QUOTE]).lower()[:_QUOTE].strip()


def _unavailable(value: object) -> str | None:
    spelled = value.strip().lower() if isinstance(value, str) else ""
    return spelled if spelled in UNAVAILABLE else None


def _first_text(value: object) -> str:
    return next((text for text in leaf_texts(value) if text), "")  # type: ignore[arg-type]


def _around(text: str, wanted: re.Pattern[str]) -> str:
    """Cut a quote around the first match; the whole beginning where there is none."""
    found = wanted.search(text)
    start = max(0, found.start() - _QUOTE // 4) if found else 0
    # Begin at a word: half of one reads as another.
    start = text.find(" ", start, found.start()) + 1 or start if found and start else start
    return text[start : start + _QUOTE]
