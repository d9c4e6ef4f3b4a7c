"""What can be told of a payload that is no JSON: a value in it has quotes that nobody escaped."""

import json
import re
from collections.abc import Iterator
from functools import cache

from pydantic import JsonValue

from functions.receive_alert.payload import template


def repaired(text: str) -> list[tuple[str, JsonValue]]:
    """Find the template's fields, each from its key to the next one's; without any it was not our payload.

    A key counts where the template has it, after those that were found: a text
    that spells a field out cannot change one that came before. A field that is
    told again stands at the end without its text, as a sign of that.
    """
    if not text.lstrip().startswith("{"):
        return []
    order = {field: place for place, field in enumerate(template())}
    found: dict[str, re.Match[str]] = {}
    again: list[str] = []
    furthest = -1
    for mark in _marks().finditer(text):
        field = mark["field"]
        if order[field] > furthest:
            found[field], furthest = mark, order[field]
        elif field in found:
            again.append(field)
    return [*_between([*found.values()], text), *((field, "") for field in again)]


@cache
def _marks() -> re.Pattern[str]:
    """Match where a field begins. Nothing in it can be matched in two ways, so that it reads once."""
    fields = "|".join(map(re.escape, template()))
    return re.compile(rf'[{{,]\s*"(?P<field>{fields})"\s*:')


def _between(found: list[re.Match[str]], text: str) -> Iterator[tuple[str, JsonValue]]:
    ends = [mark.start() for mark in found[1:]]
    for mark, end in zip(found, [*ends, len(text)], strict=False):
        spelled = text[mark.end() : end].strip()
        last = end == len(text)
        yield mark["field"], _value(spelled.removesuffix("}").rstrip() if last else spelled)


def _value(spelled: str) -> JsonValue:
    """Read one value: as JSON where it is, else as the text between its outer quotes."""
    try:
        value: JsonValue = json.loads(spelled, strict=False)
    except (ValueError, RecursionError):
        return spelled.removeprefix('"').removesuffix('"')
    return value
