"""JSON schemas that strangers wrote: small ones without loops are asked, others say nothing."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from shared.domain.canonical import canonical_json
from shared.domain.json_text import json_in
from shared.redaction.pseudonyms import ANY_PSEUDONYM

if TYPE_CHECKING:
    import jsonschema_rs

LARGEST_SCHEMA = 100_000
LARGEST_VALUE = 200_000
# References written out, so that few lines cannot stand for a million.
_MOST_PARTS = 3000
_DEEPEST = 60
_LOCAL = ("#/$defs/", "#/definitions/")
# What reaches beyond the schema, or makes references mean something else.
_BEYOND = frozenset({"$dynamicRef", "$recursiveRef", "$id", "id", "$anchor", "$dynamicAnchor"})
_TELLING = frozenset({"type", "properties", "$ref", "anyOf", "items"})
_REGEX_BYTES = 1 << 18
_MOST_ERRORS, _LONGEST_SEARCHED = 20, 1000


class _RefusedError(ValueError):
    """The schema is no object, is too large, refers to itself or to something elsewhere."""


def fault_of(value: JsonValue, schema: JsonValue) -> str | None:
    """Say which keyword of a schema a value breaks; None where it breaks none or the schema cannot be asked.

    What stands in place of redacted values breaks nothing.
    """
    spelled = canonical_json(schema)
    if len(spelled) > LARGEST_SCHEMA or len(canonical_json(value)) > LARGEST_VALUE:
        return None
    validator = _validator(spelled)
    if validator is None:
        return None
    for _, error in zip(range(_MOST_ERRORS), validator.iter_errors(value), strict=False):
        if not _stands_for_something(error.instance):
            return str(error.kind.name)
    return None


def _stands_for_something(value: Any) -> bool:  # noqa: ANN401 - the validator's own JSON
    return ANY_PSEUDONYM.search(str(value)[:_LONGEST_SEARCHED]) is not None


@lru_cache(maxsize=64)
def _validator(spelled: str) -> "jsonschema_rs.Validator | None":
    import jsonschema_rs

    schema = json_in(spelled)
    try:
        if not isinstance(schema, dict) or schema.keys().isdisjoint(_TELLING):
            return None
        _weigh(schema, schema, {}, 0)
        return jsonschema_rs.validator_for(
            _in_one_dialect(schema),
            offline=True,
            validate_formats=False,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=_REGEX_BYTES, dfa_size_limit=_REGEX_BYTES),
        )
    except (_RefusedError, ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError):
        return None


def _weigh(part: JsonValue, whole: dict[str, JsonValue], known: dict[str, int | None], depth: int) -> int:
    """Count the parts of a schema with its references written out.

    Raises:
        _RefusedError: there are too many, or a reference leads back to itself or elsewhere.
    """
    if depth > _DEEPEST:
        raise _RefusedError
    total = 1
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        total += _weigh(inner, whole, known, depth + 1)
    if isinstance(part, dict):
        if _BEYOND & {key for key, value in part.items() if isinstance(value, str)}:
            raise _RefusedError
        if isinstance(target := part.get("$ref"), str):
            total += _weigh_target(target, whole, known, depth)
    if total > _MOST_PARTS:
        raise _RefusedError
    return total


def _weigh_target(target: str, whole: dict[str, JsonValue], known: dict[str, int | None], depth: int) -> int:
    home = next((prefix for prefix in _LOCAL if target.startswith(prefix)), None)
    named = whole.get(home.strip("#/")) if home else None
    name = target.removeprefix(home or "")
    if not isinstance(named, dict) or name not in named:
        raise _RefusedError
    if target not in known:
        known[target] = None
        known[target] = _weigh(named[name], whole, known, depth + 1)
    weight = known[target]
    if weight is None:
        raise _RefusedError
    return weight


def _in_one_dialect(part: Any) -> Any:  # noqa: ANN401 - a schema may hold anything
    """Spell a schema of Gemini's as others are: types in lower case, and null where it may be."""
    if isinstance(part, list):
        return [_in_one_dialect(inner) for inner in part]
    if not isinstance(part, dict):
        return part
    told = {key: _in_one_dialect(inner) for key, inner in part.items()}
    if isinstance(kind := told.get("type"), str):
        told["type"] = [kind.lower(), "null"] if told.get("nullable") is True else kind.lower()
    return told
