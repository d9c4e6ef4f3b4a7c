"""Reads Terraform's files and follows their references; what has to be computed stays as it is written."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import hcl2
from hcl2 import SerializationOptions

_AS_PLAIN_VALUES = SerializationOptions(with_comments=False, explicit_blocks=False, strip_string_quotes=True)
_REFERENCE = r'[a-z]\w*(?:\.\w+|\["[^"]+"\])+'
_LABELS = {"resource": 2, "data": 2, "variable": 1, "module": 1, "output": 1, "locals": 0}

Body = dict[str, Any]


class Configuration:
    """One module with values for its variables; within one of several instances, also `each.key`."""

    def __init__(self, folder: Path, given: Mapping[str, Any], *, each: str | None = None) -> None:
        self._folder = folder
        self._given = given
        self._each = each
        self._blocks = read_folder(folder)
        defaults = {
            name: body["default"] for name, body in self._blocks["variable"].items() if "default" in body
        }
        self.variables = defaults | dict(given)

    @property
    def locals(self) -> Body:
        """What its locals say, as written."""
        return self._blocks["locals"]

    def instances(self, kind: str) -> Iterator[tuple[str, Body]]:
        """Yield the resources of a type with their values, one for each key of a literal set.

        What a variable switches off is none.
        """
        for name, body in self._blocks["resource"].get(kind, {}).items():
            for key in self._keys(body):
                one = Configuration(self._folder, self._given, each=key)
                yield name, {field: one.value(told) for field, told in body.items()}

    def kinds(self) -> set[str]:
        """Name the types of its resources."""
        return set(self._blocks["resource"])

    def modules(self) -> Iterator[tuple[str, "Configuration"]]:
        """Yield the modules that it uses, each with the values that it is given."""
        for name, body in self._blocks["module"].items():
            given = {field: self.value(told) for field, told in body.items() if field != "source"}
            yield name, Configuration(self._folder / body["source"], given)

    def value(self, told: Any) -> Any:
        """Follow the references in a value, to the end."""
        if isinstance(told, dict):
            return {name: self.value(one) for name, one in told.items()}
        if isinstance(told, list):
            return [self.value(one) for one in told]
        if not isinstance(told, str):
            return told
        if whole := re.fullmatch(rf"\$\{{({_REFERENCE})\}}", told):
            return self._follow(whole[1])
        return re.sub(rf"\$\{{({_REFERENCE})\}}", lambda part: str(self._follow(part[1])), told)

    def _follow(self, reference: str) -> Any:
        head, *steps = re.findall(r'"[^"]+"|\w+', reference)
        if head == "each" and self._each is not None:
            return self._each
        if head == "var" and steps[0] in self.variables:
            return _walk(self.variables[steps[0]], steps[1:], reference)
        if head == "local" and steps[0] in self.locals:
            return _walk(self.value(self.locals[steps[0]]), steps[1:], reference)
        resource = self._blocks["resource"].get(head, {}).get(steps[0], {})
        if steps[-1] not in resource:
            return f"${{{reference}}}"
        keys = [step.strip('"') for step in steps if step.startswith('"')]
        assert not keys or keys[0] in self._keys(resource), f"{reference} is not among its instances"
        one = Configuration(self._folder, self._given, each=keys[0] if keys else self._each)
        return one.value(resource[steps[-1]])

    def _keys(self, body: Body) -> list[str | None]:
        switch = re.fullmatch(r"\$\{var\.(\w+) \? 1 : 0\}", str(body.get("count", "")))
        if switch and not self.variables[switch[1]]:
            return []
        keys = body.get("for_each")
        if not isinstance(keys, str) or not keys.startswith("${toset(["):
            return [None]
        return list(re.findall(r'"([^"]+)"', keys))


def read_folder(folder: Path) -> dict[str, Body]:
    """Read all files of a module: kind of block, then its labels, then its body."""
    found: dict[str, Body] = {kind: {} for kind in _LABELS}
    for path in sorted(folder.glob("*.tf")):
        for kind, blocks in _parsed(path.read_text(encoding="utf-8")).items():
            for block in blocks:
                _merge(found.setdefault(kind, {}), block, _LABELS.get(kind, 0), path)
    return found


@cache
def _parsed(text: str) -> Body:
    """Parse a file once: every instance of every resource asks for it again."""
    found: Body = hcl2.loads(text, serialization_options=_AS_PLAIN_VALUES)
    return found


def _merge(into: Body, block: Body, labels: int, path: Path) -> None:
    for name, body in block.items():
        if labels > 1:
            _merge(into.setdefault(name, {}), body, labels - 1, path)
        else:
            assert name not in into or labels == 0, f"{path.name}: {name} stands there twice"
            into[name] = body


def _walk(value: Any, steps: list[str], reference: str) -> Any:
    for step in steps:
        if not isinstance(value, dict) or step.strip('"') not in value:
            return f"${{{reference}}}"
        value = value[step.strip('"')]
    return value
