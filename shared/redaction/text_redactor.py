"""Redacts texts and JSON documents that come one after the other, such as the lines of a file."""

from pydantic import JsonValue

from shared.redaction.kinds import Kind
from shared.redaction.known_values import KnownValues
from shared.redaction.pseudonyms import PLACEHOLDER
from shared.redaction.redactor import TraceRedactor

# Some hundred megabytes; beyond, a value that comes again gets a new number.
_MOST_PLACEHOLDERS = 500_000
_MOST_TOLD = 4000
_MOST_TOLD_LENGTH = 8_000_000


class TextRedactor(TraceRedactor):
    """Redacts texts and JSON documents that come one after the other: equal values get equal placeholders."""

    _passed = 0

    @property
    def counts(self) -> dict[str, int]:
        """What was replaced so far, by kind."""
        return dict(sorted(self._counts.items()))

    def text(self, text: str) -> str:
        """Redact a text."""
        self._begin(text, None)
        return self.prose(text)

    def json(self, text: str, value: JsonValue) -> JsonValue:
        """Redact a JSON document, given its spelling and its value; what its keys tell its texts may hold."""
        self._begin(text, value)
        redacted: JsonValue = self._value(value)
        return redacted

    def _begin(self, text: str, value: JsonValue) -> None:
        """Number above the placeholders that somebody typed, and learn what this document's keys tell."""
        if "<" in text:
            for kind, number in PLACEHOLDER.findall(text):
                self._numbered[kind] = max(self._numbered[kind], int(number))
        self._forget(len(text))
        if (known := KnownValues.of_json(value)).kinds != self._known.kinds:
            self._known = known
            # Of what was redacted before only names without blanks stay as they are, whatever is known.
            self._labels = {label: told for label, told in self._labels.items() if " " not in label}
            for told in (self._texts, self._values, self._messages):
                told.clear()

    def _forget(self, length: int) -> None:
        """Keep no more of a long stream than its latest texts and values."""
        self._passed += length
        kept = (self._labels, self._texts, self._values, self._messages)
        if self._passed > _MOST_TOLD_LENGTH or sum(len(told) for told in kept) > _MOST_TOLD:
            for told in kept:
                told.clear()
            self._passed = length
        while len(self._placeholders) > _MOST_PLACEHOLDERS:
            del self._placeholders[next(iter(self._placeholders))]

    def _keyed(self, key: str, value: JsonValue, parent: str) -> JsonValue:
        if key == "tags" and isinstance(value, list):
            return [self._listed_tag(one) if isinstance(one, str) else self._value(one, key) for one in value]
        return super()._keyed(key, value, parent)

    def _listed_tag(self, tag: str) -> str:
        """Redact a tag; one that a trace would lose has something in its place, so that the shape stays."""
        told = self._tag(tag)
        return self._of_kind(Kind.USER, tag) if told is None else told
