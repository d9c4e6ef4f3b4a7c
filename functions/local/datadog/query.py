"""Datadog's search syntax, as far as span searches use it: read once, asked of every span."""

import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from pydantic import JsonValue

# What a span says, by field: `@status`, `@evaluation.x.value`; a tag has no `@`; "" is its free text.
Fields = Mapping[str, Sequence[JsonValue]]
Predicate = Callable[[Fields], bool]
_Test = Callable[[JsonValue], bool]

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<open>\()|(?P<close>\))
    | (?P<range>\[\s*(?P<low>\S+)\s+TO\s+(?P<high>\S+?)\s*\])
    | (?P<compare>[<>]=?)(?P<bound>[^\s()]+)
    | "(?P<quoted>(?:[^"\\]|\\.)*)"
    | (?P<minus>-)(?=[(@"\w\\])
    | (?P<field>@?(?:[\w./-]|\\.)+):
    | (?P<word>(?:[^\s()":\\]|\\.)+)
    )""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(ns|us|ms|s|m|h)?", re.IGNORECASE)
_NANOSECONDS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_EVERYTHING = ("", "*")


class QueryError(ValueError):
    """A query is not in the syntax."""


class _Part(NamedTuple):
    """A part of a query; where it needs fields, it holds for no span that has none of them."""

    needs: frozenset[str]
    holds: Predicate


class _Token(NamedTuple):
    kind: str
    text: str
    high: str = ""


@lru_cache(maxsize=256)
def parse(query: str) -> Predicate:
    """Read a query; a search asks the same ones for every page and every window.

    Raises:
        QueryError: it is not in the syntax.
    """
    if query.strip() in _EVERYTHING:
        return lambda _fields: True
    reader = _Reader(_tokens(query))
    read = reader.any_of(None)
    if reader.kind:
        raise QueryError("a bracket is closed that was not opened")
    return read.holds


def _any(parts: list[_Part]) -> _Part:
    """Join by OR; of many parts only those are tried that a span has a field for."""
    always = [part for part in parts if not part.needs]
    by_field: dict[str, list[_Part]] = {}
    for part in parts:
        for field in part.needs:
            by_field.setdefault(field, []).append(part)

    def holds(fields: Fields) -> bool:
        told = (part for field in by_field.keys() & fields.keys() for part in by_field[field])
        return any(part.holds(fields) for part in chain(told, always))

    return _Part(frozenset() if always else frozenset(by_field), holds)


class _Reader:
    """Reads tokens by recursive descent; `field` is the one whose values stand in brackets."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def kind(self) -> str:
        """The kind of the next token; empty at the end."""
        return self._tokens[self._at].kind if self._at < len(self._tokens) else ""

    def any_of(self, field: str | None) -> _Part:
        """Read what OR joins."""
        parts = [self._all_of(field)]
        while self.kind == "or":
            self._next()
            parts.append(self._all_of(field))
        return parts[0] if len(parts) == 1 else _any(parts)

    def _all_of(self, field: str | None) -> _Part:
        parts = [self._one(field)]
        while self.kind not in ("", "or", "close"):
            if self.kind == "and":
                self._next()
            parts.append(self._one(field))
        needs = next((part.needs for part in parts if part.needs), frozenset())
        return _Part(needs, lambda fields: all(part.holds(fields) for part in parts))

    def _one(self, field: str | None) -> _Part:
        token = self._next()
        match token.kind:
            case "minus":
                inner = self._one(field)
                return _Part(frozenset(), lambda fields: not inner.holds(fields))
            case "open":
                inner = self.any_of(field)
                if self._next().kind != "close":
                    raise QueryError("a bracket is not closed")
                return inner
            case "field" if field is None:
                return self._one(token.text)
            case "range" | "compare" | "quoted" | "word":
                test = _test(token)
                name = "" if field is None else field
                return _Part(frozenset({name}), lambda fields: any(map(test, fields.get(name, ()))))
        raise QueryError(f"not expected here: {token.kind or 'the end'}")

    def _next(self) -> _Token:
        token = self._tokens[self._at] if self._at < len(self._tokens) else _Token("", "")
        self._at += 1
        return token


def _tokens(query: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    query = query.rstrip()
    while at < len(query):
        found = _TOKEN.match(query, at)
        if found is None:
            raise QueryError("a quote is not closed, or a value is missing")
        at = found.end()
        tokens.append(_token(found))
    return tokens


def _token(found: re.Match[str]) -> _Token:
    for kind in ("open", "close", "minus"):
        if found[kind] is not None:
            return _Token(kind, "")
    if found["range"] is not None:
        return _Token("range", found["low"], found["high"])
    if found["compare"] is not None:
        return _Token("compare", found["compare"], found["bound"])
    if found["quoted"] is not None:
        return _Token("quoted", _unescaped(found["quoted"]))
    if found["field"] is not None:
        return _Token("field", _unescaped(found["field"]))
    word = found["word"]
    joining = {"AND": "and", "OR": "or", "NOT": "minus"}.get(word)
    return _Token(joining, "") if joining else _Token("word", _unescaped(word))


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _test(token: _Token) -> _Test:
    match token.kind:
        case "range":
            low, high = _bound(token.text), _bound(token.high)
            return lambda value: (
                (number := _number(value)) is not None
                and ((low is None or number >= low) and (high is None or number <= high))
            )
        case "compare":
            bound = _bound(token.high)
            if bound is None:
                raise QueryError("a comparison with what is no number")
            return lambda value: (number := _number(value)) is not None and _holds(token.text, number, bound)
        case "word" if "*" in token.text or "?" in token.text:
            pattern = token.text.replace("[", "[[]").lower()
            return lambda value: fnmatchcase(spelled(value).lower(), pattern)
    wanted = token.text.lower()
    return lambda value: (
        _contains(value.text, wanted) if isinstance(value, FreeText) else _same(value, wanted)
    )


class FreeText(str):
    """What a span says in prose: a search looks for words within it."""

    __slots__ = ()

    @property
    def text(self) -> str:
        """The prose, folded."""
        return self.lower()


def spelled(value: JsonValue) -> str:
    """Spell a value as a search compares it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _contains(text: str, wanted: str) -> bool:
    return wanted in text


def _same(value: JsonValue, wanted: str) -> bool:
    return spelled(value).lower() == wanted


def _holds(comparison: str, number: float, bound: float) -> bool:
    match comparison:
        case "<":
            return number < bound
        case "<=":
            return number <= bound
        case ">":
            return number > bound
    return number >= bound


def _bound(text: str) -> float | None:
    """Read a bound, which may be a time; `*` is none."""
    if text == "*":
        return None
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise QueryError("a range or comparison with what is no number")
    return float(found[1]) * _NANOSECONDS.get((found[2] or "ns").lower(), 1)


def _number(value: JsonValue) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    found = _NUMBER.fullmatch(value.strip()) if isinstance(value, str) else None
    return float(found[1]) if found else None
