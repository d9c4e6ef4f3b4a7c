"""Arguments that nobody told the application."""

import re
from collections.abc import Iterator
from functools import cached_property

from pydantic import JsonValue

from functions.extract.error_types import type_of_error
from functions.extract.rules.finding import Finding, around_place, opening
from functions.extract.rules.view import CaptureView
from shared.domain.canonical import canonical_json
from shared.domain.conversation import ToolCall, leaf_texts
from shared.domain.spans import Span
from shared.domain.taxonomy import FailureType

# Keys that name a thing somebody else has named; others hold words, amounts, choices, what a caller makes up.
_NAMING = re.compile(
    r"(?i)(?:^|[_\W]|(?<=[a-z]))(?:ids?|number|no|ref|reference|code|sku|e?mail|account|order|reservation"
    r"|booking|ticket|invoice|customer|recipient|to)$"
)
# Of these the caller is free to choose, or they are lists that every model knows.
_FREE = re.compile(
    r"(?i)request|idempot|trace|correl|session|nonce|run|thread|message|uuid|token|key|zip|post|country"
    r"|currency|lang|locale|hex|colou?r|status|error|model|version|page|query|airport|iata|time|date"
)
# Letters and digits, as codes are: no amounts with units, no dates, no versions, no hashes.
_CODE = re.compile(
    r"#?(?=[A-Za-z_-]{0,20}\d)(?=[\d_-]{0,20}[A-Za-z])[A-Za-z0-9][A-Za-z0-9_-]{3,38}[A-Za-z0-9]"
)
_NO_CODE = re.compile(
    r"(?i)\d{1,8}(?:[.-]?\d{1,4}){0,3}(?:st|nd|rd|th|am|pm|kg|km|cm|mm|ml|gb|mb|kb|ms|px|[a-z])?"
    r"|\d{4}-?\d\d.{0,30}|v\d.{0,20}|[0-9a-f-]{16,40}|(?:q[1-4]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec).{0,12}"
)
_EMAIL = re.compile(r"<EMAIL_\d{1,6}>")
_DIGITS = re.compile(r"\d{4,}")
_LEAST_DIGITS = 2
_MARKS = re.compile(r"[\W_]+")
_REFUSED = frozenset({FailureType.WRONG_ARGUMENTS, FailureType.CLIENT_ERROR})
_MOST_ARGUMENTS = 40
# A run that names more things than this is searched for no more of them.
_MOST_VALUES = 200


def invented_argument(view: CaptureView) -> Finding | None:
    """Blame the first call that names a thing which nobody has named before, in whichever spelling.

    An application may know things that no step tells, its catalogue or who is
    signed in: so the tool must have refused the call, or a verdict be on arguments.
    One that was refused and then put right has done no harm.
    """
    if not view.asked.strip():
        return None
    heard = _Heard(view)
    judged = any(one.failure_type is FailureType.WRONG_ARGUMENTS for one in view.capture.signals)
    for call in view.calls:
        if not judged and not (call.failed and type_of_error(call.span) in _REFUSED):
            continue
        for key, value in dict.fromkeys(_names_in(call.arguments)):
            if heard.tells(value, before=view.places[call.span.span_id]):
                continue
            if not (call.failed and view.succeeds_after(call)):
                return Finding(
                    rule="invented_argument",
                    failure_type=FailureType.WRONG_ARGUMENTS,
                    span_id=call.span.span_id,
                    cause_span_id=None,
                    reason=f"{call.name} is called with a value for {key} that nobody has told before",
                    quote=_quoted(call, value),
                    stable=f"{call.name}:{key}",
                )
    return None


def _names_in(arguments: JsonValue) -> Iterator[tuple[str, str]]:
    told = arguments.items() if isinstance(arguments, dict) else ()
    for key, value in list(told)[:_MOST_ARGUMENTS]:
        if not isinstance(value, str) or _FREE.search(key):
            continue
        if _EMAIL.fullmatch(value) or (_NAMING.search(key) and _is_code(value)):
            yield key, value


def _is_code(value: str) -> bool:
    digits = sum(letter.isdigit() for letter in value) if len(value) <= 40 else 0  # noqa: PLR2004 - as `_CODE`
    return digits >= _LEAST_DIGITS and bool(_CODE.fullmatch(value)) and not _NO_CODE.fullmatch(value)


class _Heard:
    """What each step of a run brought in: all that is not a call's own wish; laid out when asked for."""

    def __init__(self, view: CaptureView) -> None:
        self._view = view
        self._known: set[str] = set()

    def tells(self, value: str, *, before: int) -> bool:
        """Look for a value as it is spelled, then without marks and blanks, then for its number alone."""
        lower = value.lower()
        if lower in self._known or len(self._known) >= _MOST_VALUES:
            return True
        if not (
            any(lower in text for text in (self._view.told, *self._texts[:before]))
            or (not _EMAIL.fullmatch(value) and self._tells_otherwise(lower, before))
        ):
            return False
        self._known.add(lower)
        return True

    def _tells_otherwise(self, lower: str, before: int) -> bool:
        bare = _bare(lower)
        cores = [bare, *_DIGITS.findall(bare)]
        return any(core in text for text in self._bare_texts[: before + 1] for core in cores)

    @cached_property
    def _texts(self) -> list[str]:
        return [_brought_in(span) for span in self._view.capture.spans]

    @cached_property
    def _bare_texts(self) -> list[str]:
        return [_bare(text) for text in (self._view.told, *self._texts)]


def _brought_in(span: Span) -> str:
    if span.kind == "tool":
        sides: tuple[JsonValue, ...] = (span.output, span.metadata)
    elif span.kind == "llm":
        sides = (span.input, _words_of(span.output), span.metadata)
    else:
        sides = (
            span.input,
            span.metadata,
            list(span.tags),
            span.extra,
            None if span.is_root else span.output,
        )
    return "\n".join(text for side in sides for text in _texts(side)).lower()


def _texts(side: JsonValue) -> Iterator[str]:
    """Yield texts, and the numbers and keys too where a side is no mere text."""
    if isinstance(side, dict) and side.keys() - {"value", "messages", "documents"}:
        yield canonical_json(side)
    else:
        yield from leaf_texts(side)


def _words_of(output: JsonValue) -> JsonValue:
    """Leave out of a model's step the calls that it asks for: they vouch for nothing."""
    messages = output.get("messages") if isinstance(output, dict) else None
    if not isinstance(messages, list):
        return None
    return [message.get("content") for message in messages if isinstance(message, dict)]


def _bare(text: str) -> str:
    return _MARKS.sub("", text)


def _quoted(call: ToolCall, value: str) -> str:
    for text in leaf_texts(call.span.input):
        if (place := text.find(value)) >= 0:
            return around_place(text, place)
    return opening(call.span, call.span.input)
