"""What was said and done in a trace: turns, tool calls, the answer."""

from collections.abc import Iterator
from typing import NamedTuple

from pydantic import JsonValue

from shared.domain.canonical import canonical_json
from shared.domain.json_text import json_in
from shared.domain.spans import Span, Trace

_TOOL_KINDS = frozenset({"tool", "retrieval"})
# Where an error says what happened, before where it says of what kind it is and where in the code.
_TELLING_KEYS = ("value", "message", "error", "detail", "reason", "type", "kind")


class Turn(NamedTuple):
    """One message of the conversation."""

    role: str
    content: str


class ToolCall(NamedTuple):
    """One call as its span recorded it; JSON texts are parsed."""

    span: Span
    arguments: JsonValue
    result: JsonValue

    @property
    def name(self) -> str:
        """The tool."""
        return self.span.name

    @property
    def failed(self) -> bool:
        """Say whether the tool answered with an error."""
        return self.span.status == "error"

    @property
    def key(self) -> tuple[str, str]:
        """What makes two calls equal: the tool and its arguments."""
        return self.name, canonical_json(self.arguments)


def tool_calls(trace: Trace) -> list[ToolCall]:
    """List the calls of tools and retrievals in the order in which they started."""
    return [
        ToolCall(span, _parsed(_content(span.input)), _parsed(_content(span.output)))
        for span in trace.spans
        if span.kind in _TOOL_KINDS
    ]


def turns(trace: Trace) -> list[Turn]:
    """List the conversation, each message once, though model spans may repeat what came before."""
    models = (span for span in trace.spans if span.kind == "llm")
    told = (turn for span in models for turn in (*_messages(span.input), *_messages(span.output)))
    seen = list(dict.fromkeys(turn for turn in told if turn.content))
    if any(turn.role == "user" for turn in seen):
        return seen
    asked, answered = _text(trace.root.input), _text(trace.root.output)
    return [Turn("user", asked), *seen, *([Turn("assistant", answered)] if answered else [])]


def user_turns(trace: Trace) -> list[str]:
    """List what the user said."""
    return [turn.content for turn in turns(trace) if turn.role == "user" and turn.content]


def last_user_turn(span: Span) -> str:
    """What the user last said to a model's step; nothing where it was not told so."""
    said = [turn.content for turn in _messages(span.input) if turn.role == "user" and turn.content]
    return said[-1] if said else ""


def answer(trace: Trace) -> str:
    """The application's last word to the user."""
    if said := _text(trace.root.output):
        return said
    return next((turn.content for turn in reversed(turns(trace)) if turn.role == "assistant"), "")


def said_in(span: Span) -> str:
    """What a step said, word for word: of a model's messages, the last."""
    return _text(span.output)


def answering_span(trace: Trace) -> Span:
    """The step that wrote the answer: the last model span that said something, else the root."""
    wrote = [span for span in trace.spans if span.kind == "llm" and _text(span.output)]
    return wrote[-1] if wrote else trace.root


def requested_tools(span: Span) -> list[str]:
    """List the tools that a model's step asks for, in its order."""
    messages = span.output.get("messages") if isinstance(span.output, dict) else None
    listed = (
        [message for message in messages if isinstance(message, dict)] if isinstance(messages, list) else []
    )
    calls = [call for message in listed for call in _as_list(message.get("tool_calls"))]
    return [str(call["name"]) for call in calls if isinstance(call, dict) and call.get("name")]


def error_text(span: Span) -> str:
    """Read what a step said of its error, word for word: what it recorded as one, else its output."""
    error = span.extra.get("error")
    recorded = error.get("message") if isinstance(error, dict) else error
    return _first_said(recorded) or _first_said(span.output) or _first_said(error)


def error_words(span: Span) -> str:
    """Read all that tells of what kind a step's error is: its text, and the name of its class."""
    error = span.extra.get("error")
    kinds = [error.get(key) for key in ("type", "kind")] if isinstance(error, dict) else []
    return " ".join([*(kind for kind in kinds if isinstance(kind, str)), error_text(span)]).strip()


def one_line(text: str) -> str:
    """Lay a text on one line; breaks stay visible, so that what they part does not grow together."""
    return " / ".join(" ".join(line.split()) for line in text.splitlines() if line.strip())


def shortened(text: str, length: int) -> str:
    """Cut a text at a word, and show that it was cut."""
    if len(text) <= length:
        return text
    return text[: length + 1].rsplit(" ", 1)[0][:length].rstrip(" ,;:") + "…"


def leaf_texts(value: JsonValue) -> Iterator[str]:
    """Yield every text in a JSON value, keys left out."""
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from leaf_texts(inner)
        case list():
            for inner in value:
                yield from leaf_texts(inner)


def objects_in(value: JsonValue) -> Iterator[dict[str, JsonValue]]:
    """Yield every object in a JSON value, outer ones first."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from objects_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from objects_in(inner)


def _first_said(value: JsonValue) -> str:
    """Find the text in a value that says most, whatever the order of its keys."""
    match value:
        case str():
            return value
        case dict():
            keys = [key for key in _TELLING_KEYS if key in value]
            keys += sorted(value.keys() - _TELLING_KEYS)
            return next((said for key in keys if (said := _first_said(value[key]))), "")
        case list():
            return next((said for inner in value if (said := _first_said(inner))), "")
        case _:
            return ""


def _as_list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _content(value: JsonValue) -> JsonValue:
    return value["value"] if isinstance(value, dict) and "value" in value else value


def _parsed(value: JsonValue) -> JsonValue:
    parsed = json_in(value) if isinstance(value, str) else None
    return value if parsed is None else parsed


def _messages(value: JsonValue) -> Iterator[Turn]:
    messages = value.get("messages") if isinstance(value, dict) else None
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict):
            content = message.get("content")
            yield Turn(str(message.get("role") or ""), content if isinstance(content, str) else "")


def _text(value: JsonValue) -> str:
    content = _content(value)
    if isinstance(content, str):
        return content
    said = [turn.content for turn in _messages(value) if turn.content]
    return said[-1] if said else ""
