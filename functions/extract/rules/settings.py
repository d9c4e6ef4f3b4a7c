"""What a model's step notes of how it was asked and why it stopped."""

from collections.abc import Iterator

from pydantic import JsonValue

from shared.domain.json_text import json_in
from shared.domain.spans import Span

_DEEPEST = 4
_LONGEST = 100_000
_MOST = 500
_JSON_TYPES = frozenset({"json", "jsonobject", "jsonschema", "application/json"})
_FORMATS = frozenset({"responseformat", "responsemimetype", "format", "outputformat"})
_SCHEMAS = frozenset({"responseschema", "jsonschema", "outputschema", "responsejsonschema", "schema"})
# Where definitions of tools and documents stand, whose schemas are not the output's.
_OTHERS = frozenset({"tools", "tooldefinitions", "functions", "documents", "prompt", "messages"})
# One of these keys says that an object is a schema, not what has one.
_TELLING = frozenset({"type", "properties", "$ref", "anyOf", "items"})
_STOPS = frozenset(
    {"finishreason", "finishreasons", "stopreason", "stopreasons", "completionreason", "incompletedetails"}
)
_DEFINITIONS = frozenset({"tools", "tooldefinitions", "functions", "functiondeclarations"})
_PARAMETERS = ("parameters", "input_schema", "inputSchema", "schema", "parametersJsonSchema")


def stop_reasons(span: Span) -> list[str]:
    """List why a model's step says that it stopped, as words in lower case."""
    said = span.output
    messages = said.get("messages") if isinstance(said, dict) else None
    places: list[JsonValue] = [_without(said), *(messages[-1:] if isinstance(messages, list) else [])]
    entries = [*_settings(span), *(entry for place in places for entry in _entries(place, unpack=False))]
    told = [text for key, value in entries if key in _STOPS for text in _texts(value)]
    told += [tag for key in ("finish_reason", "stop_reason") if (tag := span.tag(key))]
    return [text.strip().lower().rsplit(".", 1)[-1].replace("-", "_") for text in told]


def wants_json(span: Span) -> bool:
    """Say whether a model was asked to answer in JSON."""
    return schema_asked(span) is not None or any(
        text.strip().lower().replace("_", "") in _JSON_TYPES
        for key, value in _settings(span)
        if key in _FORMATS
        for text in _texts(value)
    )


def schema_asked(span: Span) -> JsonValue:
    """Find the schema that a model's answer was asked to keep to; None where none is noted."""
    told = (value for key, value in _settings(span) if key in _SCHEMAS and isinstance(value, dict))
    inner = (value.get("schema", value) for value in told)
    return next((one for one in inner if isinstance(one, dict) and not one.keys().isdisjoint(_TELLING)), None)


def definitions_in(span: Span) -> Iterator[tuple[str, JsonValue]]:
    """Yield the tools that a model was offered, with the schemas of their arguments."""
    for place in (span.metadata, span.extra):
        for key, value in _entries(place):
            if key in _DEFINITIONS and isinstance(value, list):
                for told in value[:_MOST]:
                    yield from _definition(told)


def _definition(told: JsonValue) -> Iterator[tuple[str, JsonValue]]:
    body = told.get("function", told) if isinstance(told, dict) else None
    if not isinstance(body, dict) or not isinstance(name := body.get("name"), str):
        return
    schema: JsonValue = next((body[key] for key in _PARAMETERS if isinstance(body.get(key), dict)), None)
    if isinstance(schema, dict) and isinstance(schema.get("json"), dict):
        schema = schema["json"]
    if schema:
        yield name, schema


def _settings(span: Span) -> list[tuple[str, JsonValue]]:
    return [entry for place in (span.metadata, span.extra) for entry in _entries(place, hidden=_OTHERS)]


def _without(said: JsonValue) -> JsonValue:
    return (
        {key: value for key, value in said.items() if key != "messages"} if isinstance(said, dict) else None
    )


def _entries(
    held: JsonValue, *, hidden: frozenset[str] = frozenset(), unpack: bool = True
) -> list[tuple[str, JsonValue]]:
    """List keys and values down to a few levels, outer ones first; an object may be spelled as a text."""
    found: list[tuple[str, JsonValue]] = []
    level = [held]
    for _ in range(_DEEPEST):
        below: list[JsonValue] = []
        for one in level:
            for key, value in one.items() if isinstance(one, dict) else ():
                if _plain(key) not in hidden:
                    inner = _unpacked(value) if unpack else value
                    found.append((_plain(key), inner))
                    below += inner[:1] if isinstance(inner, list) else [inner]
        level = below if len(found) < _MOST else []
    return found


def _unpacked(value: JsonValue) -> JsonValue:
    parsed = json_in(value) if isinstance(value, str) and len(value) <= _LONGEST else None
    return value if parsed is None else parsed


def _plain(key: str) -> str:
    return key.rsplit(".", 1)[-1].replace("_", "").replace("-", "").lower()


def _texts(value: JsonValue) -> list[str]:
    """Read a setting that is a text, a list of texts, or an object with a type or a reason."""
    match value:
        case str():
            return [value]
        case list():
            return [text for text in value if isinstance(text, str)]
        case dict():
            told = (value.get("type"), value.get("reason"))
            return [text for text in told if isinstance(text, str)]
        case _:
            return []
