"""What the deployed source imports is what requirements.txt names, or what that brings."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement

from tests.conftest import ROOT

# Namespaces that several distributions share.
_SHARED_NAMESPACES = frozenset({"google", "google.cloud"})
_OURS = frozenset({"functions", "shared"})


def imported() -> set[str]:
    """Name the modules of others that the deployed source imports."""
    paths = [path for folder in sorted(_OURS) for path in (ROOT / folder).rglob("*.py")]
    names = {name for path in paths for name in _imports(path.read_text(encoding="utf-8"))}
    return {name for name in names if name.split(".")[0] not in _OURS | sys.stdlib_module_names}


def _imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (_head(one.name) for one in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield from (_head(f"{module}.{one.name}") for one in names)


def _head(name: str) -> str:
    """Name the part that belongs to one distribution."""
    parts = name.split(".")
    depth = 1
    while ".".join(parts[:depth]) in _SHARED_NAMESPACES and depth < len(parts):
        depth += 1
    return ".".join(parts[:depth])


def installed() -> set[str]:
    """Name every distribution that installing requirements.txt brings."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    waiting = [Requirement(line) for line in lines if line and not line.startswith("#")]
    seen: set[tuple[str, str]] = set()
    while waiting:
        one = waiting.pop()
        for extra in {"", *one.extras}:
            key = (_spelled(one.name), extra)
            if key in seen:
                continue
            seen.add(key)
            needed = map(Requirement, metadata.requires(one.name) or [])
            waiting += [
                need for need in needed if need.marker is None or need.marker.evaluate({"extra": extra})
            ]
    return {name for name, _ in seen}


def _spelled(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def provided(distribution: str) -> set[str]:
    """Name the modules of a distribution, with and without what they share with others."""
    files = metadata.files(distribution) or []
    paths = [str(file).removesuffix(".py").split("/") for file in files if file.suffix in {".py", ".so"}]
    return {".".join(parts[:depth]).split(".cpython")[0] for parts in paths for depth in (1, 2, 3)}


def test_everything_that_is_imported_is_installed_where_it_is_deployed() -> None:
    there = {module for name in installed() for module in provided(name)}

    assert {name for name in imported() if name not in there} == set()


def test_what_reads_schemas_is_among_what_is_deployed() -> None:
    assert "jsonschema_rs" in imported()
    assert "jsonschema-rs" in installed()
    assert not {"pytest", "ruff", "mypy"} & installed(), "only what runs"
