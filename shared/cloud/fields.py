"""JSON as Firestore's fields: as it is where Firestore can hold it, else as JSON text in a marked map."""

import json
from collections.abc import Mapping

from pydantic import JsonValue

# Firestore's limits: maps and arrays 20 deep, no array right in an array, integers of 64 bits, and
# field names that are not empty, not `__like_this__` and at most 1,500 bytes.
_DEEPEST = 15
_GREATEST = 2**63 - 1
_LONGEST_NAME = 1500
_AS_TEXT = "evalforge:json"


def to_fields(data: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Spell a document's data; only what Firestore cannot hold as it is becomes text."""
    held = _held(dict(data), depth=0)
    return held if isinstance(held, dict) else _text(dict(data))


def from_fields(fields: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Read a document's data back."""
    data = _read(dict(fields))
    return data if isinstance(data, dict) else {}


def _held(value: JsonValue, *, depth: int) -> JsonValue:
    match value:
        case dict():
            if depth >= _DEEPEST or not all(map(_is_name, value)):
                return _text(value)
            return {key: _held(inner, depth=depth + 1) for key, inner in value.items()}
        case list():
            if depth >= _DEEPEST or any(isinstance(inner, list) for inner in value):
                return _text(value)
            return [_held(inner, depth=depth + 1) for inner in value]
        case int() if not isinstance(value, bool) and abs(value) > _GREATEST:
            return _text(value)
    return value


def _is_name(key: str) -> bool:
    reserved = key.startswith("__") and key.endswith("__")
    return 0 < len(key.encode()) <= _LONGEST_NAME and not reserved and key != _AS_TEXT


def _text(value: JsonValue) -> dict[str, JsonValue]:
    return {_AS_TEXT: json.dumps(value, ensure_ascii=False, separators=(",", ":"))}


def _read(value: JsonValue) -> JsonValue:
    match value:
        case {"evalforge:json": str(text)}:
            read: JsonValue = json.loads(text)
            return read
        case dict():
            # Firestore tells fields in any order, another each time.
            return {key: _read(inner) for key, inner in sorted(value.items())}
        case list():
            return [_read(inner) for inner in value]
    return value
