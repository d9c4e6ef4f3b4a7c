"""What a rule says of a capture, and how it quotes it."""

import re
from typing import Protocol

from pydantic import JsonValue

from shared.domain.conversation import leaf_texts
from shared.domain.model import Model
from shared.domain.spans import Span
from shared.domain.taxonomy import FailureType
from shared.redaction.pseudonyms import ANY_PSEUDONYM

LONGEST_QUOTE = 200
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


class Searching(Protocol):
    """A pattern of whichever engine."""

    def search(self, text: str, /) -> "re.Match[str] | None":
        """Find the first match."""


def error_template(text: str) -> str:
    """Keep of an error's text what is the same when it happens again: no numbers, no names with numbers."""
    return _VARIABLE.sub("*", text[: 2 * LONGEST_QUOTE]).lower()[:LONGEST_QUOTE].strip()


def first_text(value: JsonValue) -> str:
    """Read the first text in a JSON value that says anything."""
    return next((text for text in leaf_texts(value) if text.strip()), "")


def opening(span: Span, value: JsonValue) -> str:
    """Quote how a side of a step begins; of one that has no text, what the step is called."""
    return (first_text(value) or span.name or span.status or span.span_id)[:LONGEST_QUOTE]


def around(text: str, wanted: Searching) -> str:
    """Cut a quote around the first match; the whole beginning where there is none."""
    found = wanted.search(text)
    return around_place(text, found.start()) if found else text[:LONGEST_QUOTE]


def around_place(text: str, place: int) -> str:
    """Cut a quote around a place; it begins at a word, for half of one reads as another."""
    start = max(0, place - LONGEST_QUOTE // 4)
    if start:
        start = text.find(" ", start, place) + 1 or start
    return text[start : start + LONGEST_QUOTE]


def quote_holding(span: Span, wanted: Searching) -> str:
    """Quote a step's output where a pattern matches, else as it begins."""
    texts = (text for text in leaf_texts(span.output) if wanted.search(text))
    return around(text, wanted) if (text := next(texts, "")) else opening(span, span.output)
