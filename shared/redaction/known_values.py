"""Values that keys of a trace mark as personal, to find them in its free text as well."""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from typing import Self

from pydantic import JsonValue

from shared.domain.conversation import leaf_texts
from shared.domain.json_text import json_in
from shared.domain.spans import Span
from shared.redaction.kinds import Found, Kind
from shared.redaction.linear import Linear, any_of
from shared.redaction.places import kind_of_key
from shared.redaction.pseudonyms import ANY_PSEUDONYM
from shared.redaction.text import find
from shared.redaction.words import STARTERS

# Room for what one trace names; one that names more was made to.
_MOST = 2000
_SHORTEST = 4
# So many are sooner looked for one by one than by a pattern, and most texts hold none of them.
_FEW = 40
# A short number is no value to look for in every text: four digits are a year, a price, a flight.
_SHORTEST_NUMBER = {Kind.CARD: 8, Kind.POSTCODE: 5, Kind.SECRET: 6}
_PLAIN_WORD = re.compile(r"[a-z_-]+")
_NAME = re.compile(r"[A-Z\u00c0-\u00de][\w'-]+")
_IN_WORD = re.compile(r"\w")
_TOOL_KINDS = frozenset({"tool", "retrieval"})


class KnownValues:
    """What keys have told, with the kind of each value."""

    def __init__(self, kinds: dict[str, Kind] | None = None) -> None:
        self.kinds = kinds or {}

    @cached_property
    def _by_length(self) -> list[str]:
        return sorted(self.kinds, key=len)

    @cached_property
    def _lengths(self) -> list[int]:
        return list(map(len, self._by_length))

    @cached_property
    def _pattern(self) -> Linear | None:
        return any_of(self.kinds)

    @classmethod
    def of(cls, spans: Collection[Span]) -> Self:
        """Collect what the fields, tags and tools of a trace tell.

        Of what was said only tools are believed: a user who writes JSON does not
        get to say which words disappear.
        """
        kinds: dict[str, Kind] = {}
        for span in spans:
            told: list[JsonValue] = [span.metadata, span.extra]
            if span.kind in _TOOL_KINDS:
                told += [span.input, span.output]
            for source in told:
                _collect(source, "", kinds)
            for key, _, value in (tag.partition(":") for tag in span.tags):
                if kind := kind_of_key(key):
                    _remember(kind, value, kinds)
        for text in _prose_of(spans):
            for start, end, kind, _ in find(text):
                # A name that is told once is looked for everywhere, but whole: who says that
                # he is called `The Order` must not take these words out of a trace one by one.
                if kind is Kind.PERSON and " " in (name := text[start:end]) and len(kinds) < _MOST:
                    kinds.setdefault(name, kind)
        return cls(kinds)

    @classmethod
    def of_json(cls, value: JsonValue) -> Self:
        """Collect what the keys of one document tell."""
        kinds: dict[str, Kind] = {}
        _collect(value, "", kinds)
        return cls(kinds)

    def find(self, text: str) -> Iterator[Found]:
        """Find each known value where it stands as whole words."""
        for start, value in self._places(text):
            end = start + len(value)
            if not (start and _IN_WORD.match(text, start - 1)) and not _IN_WORD.match(text, end):
                yield Found(start, end, self.kinds[value], "known")

    def _places(self, text: str) -> Iterator[tuple[int, str]]:
        if len(self.kinds) <= _FEW:
            # Most texts are shorter than most values.
            may_fit = self._by_length[: bisect_right(self._lengths, len(text))]
            for value in [value for value in may_fit if value in text]:
                at = text.find(value)
                while at >= 0:
                    yield at, value
                    at = text.find(value, at + len(value))
        elif self._pattern:
            yield from ((start, text[start:end]) for start, end in self._pattern.spans(text))


def _prose_of(spans: Iterable[Span]) -> set[str]:
    """List each text of a trace once, but for JSON, of which keys tell."""
    texts = (text for span in spans for value in (span.input, span.output) for text in leaf_texts(value))
    return {text for text in texts if " " in text and text.lstrip()[:1] not in ("{", "[")}


def _collect(value: JsonValue, parent: str, kinds: dict[str, Kind]) -> None:
    match value:
        case str():
            if (inside := json_in(value)) is not None:
                _collect(inside, "", kinds)
        case list():
            for inner in value:
                _collect(inner, parent, kinds)
        case dict():
            for key, inner in value.items():
                if isinstance(inner, str) and (kind := kind_of_key(key, parent)):
                    _remember(kind, inner, kinds)
                else:
                    _collect(inner, key, kinds)


def _remember(kind: Kind, value: str, kinds: dict[str, Kind]) -> None:
    """Remember a value; of a person's name its parts as well, as they are written."""
    # What we put there ourselves, in an earlier pass, is no value and has no parts.
    value = ANY_PSEUDONYM.sub(" ", value).strip()
    parts = _NAME.findall(value) if kind is Kind.PERSON else []
    for one in (value, *parts):
        if len(kinds) < _MOST and _is_telling(kind, one, part=one in parts):
            kinds.setdefault(one, kind)


def _is_telling(kind: Kind, value: str, *, part: bool) -> bool:
    """Say whether a value may be looked for: an ordinary word or a short number says nothing of anybody."""
    if _PLAIN_WORD.fullmatch(value) or (part and value.lower() in STARTERS):
        return False
    if value.isdigit() and len(value) < _SHORTEST_NUMBER.get(kind, 0):
        return False
    # A short name is told from a word by its capital.
    return part or len(value) >= _SHORTEST
