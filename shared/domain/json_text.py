"""JSON inside texts: tool arguments and results come as strings."""

import json
import math

from pydantic import JsonValue

# Deeper than any tool's result, and far from what recursion can bear.
DEEPEST = 60


def json_in(text: str) -> JsonValue:
    """Parse a text that is a JSON object or array; None for any other text, and for one nested too deep."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        parsed: JsonValue = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None
    # As many brackets as are opened is the most that can be nested.
    if text.count("{") + text.count("[") >= DEEPEST and not _is_shallow(parsed):
        return None
    return _without_surrogates(parsed) if "\\ud" in text or "\\uD" in text else parsed


def _finite(spelled: str) -> float | str:
    """Keep a number that no float holds, such as `1e999`, as its text."""
    number = float(spelled)
    return number if math.isfinite(number) else spelled


_DECODER = json.JSONDecoder(parse_float=_finite, parse_constant=str)


def _without_surrogates(value: JsonValue) -> JsonValue:
    r"""Replace halves of characters, which `"\ud800"` spells and no store takes."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {str(_without_surrogates(key)): _without_surrogates(inner) for key, inner in value.items()}
        case list():
            return [_without_surrogates(inner) for inner in value]
        case _:
            return value


def _is_shallow(value: JsonValue) -> bool:
    """Walk level by level, so that no depth is too deep for the walk itself."""
    level: list[JsonValue] = [value]
    for _ in range(DEEPEST):
        below: list[JsonValue] = []
        for one in level:
            if isinstance(one, dict):
                below += one.values()
            elif isinstance(one, list):
                below += one
        if not below:
            return True
        level = below
    return False
