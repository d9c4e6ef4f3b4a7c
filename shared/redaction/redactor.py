"""Replaces what must not be seen with placeholders that stay the same through one trace."""

import json
import re
from collections import Counter
from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any, NamedTuple, TypeGuard, TypeVar

from pydantic import JsonValue

from shared.domain.json_text import json_in
from shared.domain.signals import Signal
from shared.domain.spans import Evaluation, Span, Trace
from shared.redaction.kinds import Detector, Found, Kind
from shared.redaction.known_values import KnownValues
from shared.redaction.places import describes, is_dropped_tag, kind_of_key, user_id_of_tag
from shared.redaction.pseudonyms import ANY_PSEUDONYM, PLACEHOLDER, id_hash, user_hash, value_hash
from shared.redaction.same_value import NEVER_JOINED, same_value
from shared.redaction.text import find, merged
from shared.redaction.told_secrets import calls_a_secret, looks_secret

_K = TypeVar("_K")
_T = TypeVar("_T")
# What was redacted before, by how it was spelled, and how often what kind was replaced in it.
_Told = dict[_K, tuple[_T, dict[str, int]]]
_USER_HASH_TAG = "user_hash:"
_SHORTEST_CARD = 10**12
_MOST_PASSES = 4
_ENCODER = json.JSONEncoder(ensure_ascii=False)
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_HEADER_PARTS = 2
# A key that is no name of a program's: it begins otherwise, or has blanks.
_TELLING_KEY = re.compile(r"\"(?![a-z_$][\w.$-]*\"|\\)[^\"]+\":")
_NOTHING: tuple[JsonValue, ...] = (None, "", [], {})
_HEADER_NAMES = ("name", "key", "header")
_HEADER_VALUES = frozenset({"value", "values", "val"})


class Redacted(NamedTuple):
    """A trace that may be stored with what flags it; what was replaced, by kind and by placeholder."""

    trace: Trace
    signals: tuple[Signal, ...]
    ml_app: str
    env: str
    version: str
    user_hash: str | None
    redactions: dict[str, int]
    pseudonyms: dict[str, str]


def redact_trace(
    trace: Trace, salt: bytes, signals: tuple[Signal, ...] = (), further: tuple[Detector, ...] = ()
) -> Redacted:
    """Redact a trace and the signals that were read from it; doing it twice changes nothing.

    Signals, application, environment and version are those of the trace as it
    came: what a user writes must not hide a failure or give it to another
    application. `further` are detectors beside our own; what any of them finds is replaced.
    """
    return TraceRedactor(salt, further).redact(trace, signals)


def redact_text(text: str) -> str:
    """Redact one text that stands alone, such as an alert's."""
    return TraceRedactor(b"").prose(text)


def safe_id(name: str, salt: bytes) -> str:
    """Keep an id that a caller chose, unless it tells of a person: then a keyed hash stands for it."""
    if not find(name, prose=False):
        return name
    return id_hash(name, salt)


class TraceRedactor:
    """The pseudonyms of one trace: equal values get equal placeholders."""

    def __init__(self, salt: bytes, further: tuple[Detector, ...] = ()) -> None:
        self._salt = salt
        self._further = further
        self._placeholders: dict[tuple[Kind, str], str] = {}
        self._numbered: Counter[str] = Counter()
        # Plain, for one is made for every text; most stay empty.
        self._counts: dict[str, int] = {}
        self._ids: _Told[str, str] = {}
        self._labels: _Told[str, str] = {}
        self._texts: _Told[str, str] = {}
        self._values: _Told[str, str] = {}
        self._messages: _Told[Hashable, Any] = {}
        self._tagged: _Told[tuple[str, ...], tuple[str, ...]] = {}
        self._user_hash: str | None = None
        self._known = KnownValues()

    def redact(self, trace: Trace, signals: tuple[Signal, ...]) -> Redacted:
        """Redact the trace that this one is for."""
        # A placeholder that somebody typed is not one of ours: ours begin above it.
        for kind, number in PLACEHOLDER.findall(trace.model_dump_json()):
            self._numbered[kind] = max(self._numbered[kind], int(number))
        self._known = KnownValues.of(trace.spans)
        spans = tuple(self._span(span) for span in trace.spans)
        return Redacted(
            trace=Trace(trace_id=trace.trace_id, spans=spans),
            signals=tuple(self._signal(signal) for signal in signals),
            ml_app=self._id(trace.ml_app),
            env=self._id(trace.env),
            version=self._id(trace.version),
            user_hash=self._user_hash,
            redactions=dict(sorted(self._counts.items())),
            pseudonyms=self._pseudonyms(),
        )

    def _pseudonyms(self) -> dict[str, str]:
        """Give each placeholder the keyed hash of its value; a secret has none, and nothing joins on it."""
        return {
            placeholder: value_hash(kind.value, value, self._salt)
            for (kind, value), placeholder in self._placeholders.items()
            if kind not in NEVER_JOINED
        }

    def label(self, text: str) -> str:
        """Replace in a name or an id what by its form is personal or secret."""
        return self._once(self._labels, text, self._label)

    def _label(self, text: str) -> str:
        # A name or a key with blanks is a phrase, and may tell what any phrase may.
        return self._until_nothing_is_found(text, prose=" " in text)

    def prose(self, text: str) -> str:
        """Replace in free text what looks personal, and what keys of this trace mark as personal."""
        return self._once(self._texts, text, self._until_no_prose_is_found)

    def _id(self, name: str) -> str:
        return self._once(self._ids, name, self._safe_id)

    def _safe_id(self, name: str) -> str:
        return safe_id(name, self._salt)

    def _once(self, told: "_Told[_K, _T]", spelled: _K, redact: Callable[[_K], _T]) -> _T:
        """Redact the same once, and count it each time: every model span repeats the conversation so far."""
        if (before := told.get(spelled)) is None:
            counts, self._counts = self._counts, {}
            before = told[spelled] = redact(spelled), self._counts
            self._counts = counts
        if before[1]:
            for counted, times in before[1].items():
                self._count(counted, times)
        return before[0]

    def _count(self, kind: str, times: int = 1) -> None:
        self._counts[kind] = self._counts.get(kind, 0) + times

    def _until_no_prose_is_found(self, text: str) -> str:
        return self._until_nothing_is_found(text, prose=True)

    def _until_nothing_is_found(self, text: str, *, prose: bool, known: bool = False) -> str:
        """Replace what is found until nothing is: one value can hide the next."""
        for _ in range(_MOST_PASSES):
            if not (found := self._find(text, prose=prose, known=known)):
                return text
            pieces, at = [], 0
            for start, end, kind, _ in found:
                pieces += [text[at:start], self._of_kind(kind, text[start:end])]
                at = end
            text = "".join([*pieces, text[at:]])
        # Only a text made to hide one value behind another comes here: nothing of it is kept.
        return self._replace(Kind.SECRET, text) if self._find(text, prose=prose, known=known) else text

    def _find(self, text: str, *, prose: bool, known: bool) -> list[Found]:
        found = find(text, prose=prose)
        if not prose and not known:
            return found
        further = (one for detector in self._further for one in detector.find(text))
        beside = [*self._known.find(text), *further]
        return merged([*beside, *found]) if beside else found

    def _span(self, span: Span) -> Span:
        return span.model_copy(
            update={
                "span_id": self._id(span.span_id),
                "parent_id": self._id(span.parent_id) if span.parent_id else None,
                "name": self.label(span.name),
                "kind": self.label(span.kind),
                "status": self.label(span.status),
                "ml_app": self._id(span.ml_app),
                "input": self._conversation(span.input),
                "output": self._conversation(span.output),
                "metadata": self._value(span.metadata),
                "metrics": self._value(span.metrics),
                "tags": self._tags(span.tags),
                "evaluations": {
                    self.label(label): self._evaluation(evaluation)
                    for label, evaluation in span.evaluations.items()
                },
                "extra": self._value(span.extra),
            }
        )

    def _evaluation(self, evaluation: Evaluation) -> Evaluation:
        told = evaluation
        value = self._value(told.value)
        return Evaluation(
            value=value,
            assessment=self.label(told.assessment) if told.assessment else told.assessment,
            metric_type=self.label(told.metric_type) if told.metric_type else told.metric_type,
            reasoning=self.prose(told.reasoning) if told.reasoning else told.reasoning,
            tags=self._tags(told.tags),
        )

    def _signal(self, signal: Signal) -> Signal:
        return signal.model_copy(
            update={
                "span_id": self._id(signal.span_id),
                "source": self.label(signal.source),
                "detail": self.prose(signal.detail),
            }
        )

    def _tags(self, tags: tuple[str, ...]) -> tuple[str, ...]:
        return self._once(self._tagged, tags, self._each_tag)

    def _each_tag(self, tags: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(tag for tag in map(self._tag, tags) if tag is not None)

    def _tag(self, tag: str) -> str | None:
        """Redact a tag; of one that exists to describe a person nothing is left."""
        if (user_id := user_id_of_tag(tag)) is not None:
            return _USER_HASH_TAG + self._hash_user(user_id)
        if tag.startswith(_USER_HASH_TAG):
            return _USER_HASH_TAG + self._hash_user(tag.removeprefix(_USER_HASH_TAG))
        if is_dropped_tag(tag):
            self._count("TAG")
            return None
        key, colon, value = tag.partition(":")
        kind = _kind_of(key, value)
        told = self._of_kind(kind, value) if kind and value else self.prose(value)
        # Once more as a whole: a key and its value can tell together what neither does alone.
        return self.label(f"{self.label(key)}{colon}{told}")

    def _conversation(self, value: JsonValue) -> Any:  # noqa: ANN401 - JSON in, JSON out
        """Redact what went into a step or came out of it, message by message where it is a conversation."""
        if _is_conversation(value):
            return [self._message(one) for one in value]
        if isinstance(value, dict) and _is_conversation(messages := value.get("messages")):
            beside = self._value({**value, "messages": None}) if len(value) > 1 else {}
            return beside | {"messages": [self._message(one) for one in messages]}
        return self._value(value)

    def _message(self, message: JsonValue) -> Any:  # noqa: ANN401 - JSON in, JSON out
        return self._once(self._messages, _spelled(message), lambda _: self._value(message))

    def _value(self, value: JsonValue, parent: str = "") -> Any:  # noqa: ANN401 - JSON in, JSON out
        match value:
            case str():
                return self._once(self._values, value, self._json_or_prose)
            case dict():
                return self._members(value, parent)
            case [str() as name, str() as told] if (
                told and (kind := _kind_of(name, told, parent)) and not kind_of_key(told)
            ):
                return [name, self._of_kind(kind, told)]
            case list():
                return [self._value(inner, parent) for inner in value]
            case int() | float() if abs(value) >= _SHORTEST_CARD:
                spelled = str(int(value) if value == int(value) else value)
                redacted = self.label(spelled)
                return value if redacted == spelled else redacted
            case _:
                return value

    def _members(self, members: dict[str, JsonValue], parent: str) -> dict[str, JsonValue]:
        """Redact an object; headers that come as objects of a name and a value go by their name."""
        header = _header_name(members) if len(members) == _HEADER_PARTS else ""
        told: dict[str, JsonValue] = {}
        for key, inner in members.items():
            spelled = key if _is_plain(key) else self.label(key)
            if spelled in told:
                spelled = f"{spelled}_{len(told)}"
            is_value = header and key.lower() in _HEADER_VALUES
            told[spelled] = self._keyed(header if is_value else key, inner, parent)
        return told

    def _keyed(self, key: str, value: JsonValue, parent: str) -> JsonValue:
        kind = _kind_of(key, value, parent)
        if kind is None and isinstance(value, list) and all(isinstance(one, str) for one in value):
            kind = next((found for one in value if (found := _kind_of(key, one))), None)
        if kind is None or value in _NOTHING or describes(value):
            return self._value(value, key)  # type: ignore[no-any-return]
        if kind is Kind.USER and isinstance(value, str | int) and not isinstance(value, bool):
            return self._hash_user(str(value))
        return self._all_of(kind, value)

    def _all_of(self, kind: Kind, value: JsonValue) -> JsonValue:
        """Replace every leaf: whatever an address is made of is part of it."""
        match value:
            case dict():
                return {self.label(key): self._all_of(kind, inner) for key, inner in value.items()}
            case list():
                return [self._all_of(kind, inner) for inner in value]
            case None | bool() | "":
                return value
            case _:
                return self._of_kind(kind, str(value))

    def _json_or_prose(self, text: str) -> str:
        """Redact JSON inside a text by its keys; a text that needs no change keeps its spelling."""
        if (parsed := json_in(text)) is None:
            return self._until_nothing_is_found(text, prose=True)
        return self._json(text, parsed)

    def _json(self, text: str, parsed: JsonValue) -> str:
        redacted = self._value(parsed)
        spelled = text if redacted == parsed else _ENCODER.encode(redacted)
        # The text can hold more than what was parsed: of a key told twice, JSON keeps the last. Else its
        # prose has been seen value by value, but for keys that are words of their own, `{"Anna": 1}`.
        whole = spelled is not text or _is_spelled_so(text, parsed)
        said = not whole or _TELLING_KEY.search(spelled) is not None
        counts = self._counts.copy()
        told = self._until_nothing_is_found(spelled, prose=said, known=True)
        if told == spelled or json_in(told) is not None:
            return told
        # What was found across quotes and brackets is no value; its replacement would break the text.
        self._counts = counts
        return _ENCODER.encode(redacted)

    def _replace(self, kind: Kind, value: str) -> str:
        if ANY_PSEUDONYM.fullmatch(value):
            return value
        if kind is Kind.IP and ":" in value:
            kind = Kind.IPV6
        self._count(kind.value)
        key = (kind, same_value(kind, value))
        if key not in self._placeholders:
            self._numbered[kind.value] += 1
            self._placeholders[key] = f"<{kind.value}_{self._numbered[kind.value]}>"
        return self._placeholders[key]

    def _of_kind(self, kind: Kind, value: str) -> str:
        # A hash without a key could be found out by trying; a text that stands alone has none.
        return self._hash(value) if kind is Kind.USER and self._salt else self._replace(kind, value)

    def _hash_user(self, user_id: str) -> str:
        """Hash a user id that a field or a tag tells; the first is whose trace it is."""
        hashed = self._hash(user_id)
        self._user_hash = self._user_hash or hashed
        return hashed

    def _hash(self, user_id: str) -> str:
        if ANY_PSEUDONYM.fullmatch(user_id):
            return user_id
        self._count(Kind.USER.value)
        return user_hash(user_id, self._salt)


def _is_conversation(value: JsonValue) -> TypeGuard[list[JsonValue]]:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _spelled(message: JsonValue) -> Hashable:
    """Spell a message, so that it is known again: one of texts alone sooner by these."""
    if isinstance(message, dict) and all(isinstance(told, str) for told in message.values()):
        return tuple(message.items())
    return repr(message)


def _is_spelled_so(text: str, parsed: JsonValue) -> bool:
    """Say whether a text is what programs write for a value, and nothing beside it."""
    usual = (_ENCODER, _COMPACT) if '": ' in text or ", " in text else (_COMPACT, _ENCODER)
    return any(text == encoder.encode(parsed) for encoder in usual)


def _header_name(members: dict[str, JsonValue]) -> str:
    """Read of which header a pair is; with more beside them a name and its values describe a parameter."""
    if _HEADER_VALUES.isdisjoint(map(str.lower, members)):
        return ""
    lowered = {key.lower(): inner for key, inner in members.items()}
    return next((name for key in _HEADER_NAMES if isinstance(name := lowered.get(key), str)), "")


def _kind_of(key: str, value: JsonValue, parent: str = "") -> Kind | None:
    """Say what a key's value is: by the key's own meaning, or because it is called a secret and looks it."""
    kind, may_be_secret = _meaning(key, parent)
    if not may_be_secret or isinstance(value, bool | list | dict | None):
        return kind
    return Kind.SECRET if looks_secret(str(value)) else None


# Programs have few keys, and a trace repeats each.
@lru_cache(maxsize=8192)
def _meaning(key: str, parent: str) -> tuple[Kind | None, bool]:
    kind = kind_of_key(key, parent)
    return kind, kind is None and calls_a_secret(key)


@lru_cache(maxsize=8192)
def _is_plain(key: str) -> bool:
    """Say whether a key is a name in which nothing is found; of a phrase the trace has to be asked."""
    return " " not in key and not find(key, prose=False)
