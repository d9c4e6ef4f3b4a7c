"""What a span says to a search, by the names that queries call it."""

from collections import defaultdict
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from pydantic import JsonValue

from functions.local.datadog.query import FreeText
from shared.domain.canonical import canonical_json

_OWN = ("input", "output", "metadata", "metrics", "tags", "evaluation")
_ALIASES = {
    "span_kind": ("@meta.span.kind", "@meta.kind"),
    "model_name": ("@meta.model_name",),
    "model_provider": ("@meta.model_provider",),
}


class Syntax(StrEnum):
    """How evaluations are called in queries: both are documented, one as deprecated."""

    CURRENT = "current"
    FORMER = "former"


def fields_of(attributes: dict[str, Any], syntaxes: frozenset[Syntax]) -> dict[str, list[JsonValue]]:
    """Lay a span of a search response out by field."""
    told: defaultdict[str, list[JsonValue]] = defaultdict(list)
    told["@event_type"].append("span")
    beside = {key: value for key, value in attributes.items() if key not in _OWN}
    for key, value in _flat(beside):
        told[f"@{key}"].append(value)
        for alias in _ALIASES.get(key, ()):
            told[alias].append(value)
        if key.startswith("error."):
            told[f"@meta.{key}"].append(value)
    for key, value in _flat(attributes.get("metadata") or {}):
        told[f"@meta.metadata.{key}"].append(value)
        told[f"@metadata.{key}"].append(value)
    for key, value in _flat(attributes.get("metrics") or {}):
        told[f"@metrics.{key}"].append(value)
    for tag in attributes.get("tags") or ():
        key, _, value = tag.partition(":")
        told[key].append(value)
        if key == "session_id":
            told["@session_id"].append(value)
    for label, body in (attributes.get("evaluation") or {}).items():
        for field, value in _evaluated(label, body, syntaxes):
            told[field].append(value)
    told[""] = [FreeText(canonical_json(attributes.get(key))) for key in ("input", "output")]
    return dict(told)


def _evaluated(
    label: str, body: dict[str, Any], syntaxes: frozenset[Syntax]
) -> Iterator[tuple[str, JsonValue]]:
    if Syntax.CURRENT in syntaxes:
        for key, value in _flat(body, lists=True):
            yield f"@evaluation.{label}.{key}", value
    if Syntax.FORMER in syntaxes:
        parts = {"evaluations": "value", "evaluation_assessments": "assessment"}
        for name, key in (parts | {"evaluation_reasoning": "reasoning"}).items():
            if body.get(key) is not None:
                yield f"@{name}.{label}", body[key]
                yield f"@{name}.custom.{label}", body[key]


def _flat(value: JsonValue, prefix: str = "", *, lists: bool = False) -> Iterator[tuple[str, JsonValue]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{prefix}.{key}" if prefix else key, lists=lists)
    elif isinstance(value, list):
        for inner in value if lists else ():
            yield from _flat(inner, prefix, lists=lists)
    elif value is not None:
        yield prefix, value
