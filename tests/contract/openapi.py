"""Holds requests and answers to the vendor's own description of its API, and to ours of what that lacks."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from functions.local.datadog.server import Exchange
from tests.conftest import SHARED
from tests.contract.intakes import INTAKES

DESCRIBED = SHARED / "data" / "datadog"
_ERRORS = ("APIErrorResponse", "JSONAPIErrorResponse")
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}


class Description:
    """Some paths of the API, of one version or as they are described elsewhere."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._told = told

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        for template, operations in self._told["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", r"[^/]+", template), path) and method.lower() in operations:
                found: dict[str, Any] = operations[method.lower()]
                return found
        return None

    def faults(self, operation: dict[str, Any], exchange: Exchange) -> Iterator[str]:
        yield from self._asked(operation, exchange)
        if exchange.status >= 500:
            return  # no service describes how it breaks
        answer = operation["responses"].get(str(exchange.status))
        if answer is None:
            yield f"status {exchange.status} is not described"
        elif exchange.status == 429:
            # The description has one of Datadog's two shapes here; both are met.
            schemas = self._told["components"]["schemas"]
            either = [
                list(self.check(schemas[name], exchange.answered)) for name in _ERRORS if name in schemas
            ]
            yield from min(either, key=len)
        else:
            yield from self._body(answer, exchange.answered)

    def _asked(self, operation: dict[str, Any], exchange: Exchange) -> Iterator[str]:
        """Hold a request to its description, unless it was answered that it is wrong."""
        if "requestBody" not in operation:
            yield from () if exchange.asked is None else ("a body where none is described",)
        elif exchange.status not in (400, 413):
            yield from self._body(operation["requestBody"], exchange.asked, strict=True)
        known = {one["name"]: one for one in operation.get("parameters", ()) if one.get("in") == "query"}
        for name, one in known.items():
            if name in exchange.arguments:
                value = exchange.arguments[name]
                plain = int(value) if re.fullmatch(r"-?\d+", value) else value
                numeric = one["schema"].get("type") in ("integer", "number")
                yield from self.check(one["schema"], plain if numeric else value, name)
            elif one.get("required"):
                yield f"no argument {name}"
        yield from (f"unknown argument {name}" for name in exchange.arguments.keys() - known.keys())

    def check(
        self, schema: dict[str, Any], value: Any, at: str = "", *, strict: bool = False
    ) -> Iterator[str]:
        """Tell where a value is not what a schema says; strictly, it has no more than that either."""
        if "$ref" in schema:
            yield from self.check(self._referred(schema["$ref"]), value, at, strict=strict)
        elif value is None:
            if not schema.get("nullable") and schema.keys() - {"description", "example"}:
                yield f"{at}: null"
        elif "oneOf" in schema:
            tried = [list(self.check(one, value, at, strict=strict)) for one in schema["oneOf"]]
            yield from min(tried, key=len)
        else:
            yield from self._typed(schema, value, at, strict=strict)

    def _typed(self, schema: dict[str, Any], value: Any, at: str, *, strict: bool) -> Iterator[str]:
        kind = schema.get("type")
        if kind and (not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
            yield f"{at}: no {kind}"
            return
        if "enum" in schema and value not in schema["enum"]:
            yield f"{at}: none of {schema['enum']}"
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{at}: does not match {schema['pattern']}"
        if schema.get("format") == "date-time":
            datetime.fromisoformat(value)
        size = value if isinstance(value, int | float) else len(value) if isinstance(value, str | list) else 0
        low = next((schema[key] for key in ("minimum", "minLength", "minItems") if key in schema), size)
        high = next((schema[key] for key in ("maximum", "maxLength", "maxItems") if key in schema), size)
        if not low <= size <= high:
            yield f"{at}: not within {low} and {high}"
        if isinstance(value, dict):
            yield from self._object(schema, value, at, strict=strict)
        if isinstance(value, list):
            for number, item in enumerate(value):
                yield from self.check(schema.get("items", {}), item, f"{at}/{number}", strict=strict)

    def _object(
        self, schema: dict[str, Any], value: dict[str, Any], at: str, *, strict: bool
    ) -> Iterator[str]:
        properties = schema.get("properties", {})
        further = schema.get("additionalProperties", not (strict and properties))
        yield from (f"{at}: lacks {name}" for name in schema.get("required", ()) if name not in value)
        for name, inner in value.items():
            if name in properties:
                yield from self.check(properties[name], inner, f"{at}/{name}", strict=strict)
            elif isinstance(further, dict):
                yield from self.check(further, inner, f"{at}/{name}", strict=strict)
            elif not further:
                yield f"{at}: {name} is not described"

    def _body(self, described: dict[str, Any], body: Any, *, strict: bool = False) -> Iterator[str]:
        if "$ref" in described:
            described = self._referred(described["$ref"])
        if content := described.get("content"):
            yield from self.check(content["application/json"]["schema"], body, strict=strict)
        elif body is not None:
            yield "a body where none is described"

    def _referred(self, reference: str) -> dict[str, Any]:
        found: Any = self._told
        for key in reference.removeprefix("#/").split("/"):
            found = found[key]
        assert isinstance(found, dict)
        return found


_INTAKES = Description(INTAKES)


@cache
def described() -> tuple[Description, ...]:
    """Both versions of the vendor's own, as far as they lie beside the project."""
    return tuple(
        Description(json.loads(path.read_text(encoding="utf-8")))
        for path in sorted(DESCRIBED.glob("openapi-*-subset.json"))
    )


def faults_of(exchange: Exchange) -> list[str]:
    """Tell in what a request or its answer is not as described, as far as a description is at hand."""
    for description in (_INTAKES, *described()):
        if (operation := description.operation(exchange.method, exchange.path)) is not None:
            where = f"{exchange.method} {exchange.path} {exchange.status}"
            return [f"{where} {fault}" for fault in description.faults(operation, exchange)]
    return [f"{exchange.method} {exchange.path} is not described"] if described() else []


def hold(exchanges: Iterable[Exchange], *, but: str | None = None) -> None:
    """Fail with all that is not as described, but for faults that end so."""
    faults = [fault for exchange in exchanges for fault in faults_of(exchange)]
    faults = [fault for fault in faults if but is None or not fault.endswith(but)]
    assert not faults, "\n".join(faults)
