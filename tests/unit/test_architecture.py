"""The walls of the house: who may import whom, and that importing opens nothing."""

import ast
import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.topology import FUNCTIONS, Function

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("functions", "shared")
LONGEST_FILE = 400
LONGEST_ENTRY_POINT = 20


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


SOURCES = {_module(path): path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))}
ENTRY_MODULES = sorted(name for name in SOURCES if name.startswith("functions.") and name.endswith(".main"))


def _imports_in(source: str) -> Iterator[str]:
    """Yield what a module imports, at its top or within a function, and as names of a package."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide who knows whom"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


IMPORTS = {
    name: {found for found in _imports_in(path.read_text("utf-8")) if found.split(".")[0] in ROOMS}
    for name, path in SOURCES.items()
}


def _within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _offences(
    importers: tuple[str, ...], forbidden: tuple[str, ...], *, but: tuple[str, ...] = ()
) -> list[str]:
    return sorted(
        f"{name} imports {found}"
        for name, imports in IMPORTS.items()
        if _within(name, *importers) and not _within(name, *but)
        for found in imports
        if _within(found, *forbidden)
    )


def test_the_walk_sees_imports_of_every_spelling() -> None:
    source = """
        import shared.a
        from shared import b
        from shared.c import d as e
        def late():
            import shared.f
        if TYPE_CHECKING:
            from shared.g import h
    """

    found = set(_imports_in(textwrap.dedent(source)))

    assert {"shared.a", "shared.b", "shared.c", "shared.f", "shared.g"} <= found


def test_the_walk_sees_the_project() -> None:
    assert "shared.embedded.queue" in IMPORTS["shared.wiring"]
    assert len(ENTRY_MODULES) >= len(FUNCTIONS)


def test_the_domain_knows_nothing_but_itself() -> None:
    strangers = {
        f"{name} imports {found}"
        for name, imports in IMPORTS.items()
        if _within(name, "shared.domain")
        for found in imports
        if not _within(found, "shared.domain") and found != "shared"
    }

    assert strangers == set()


def test_what_is_shared_knows_no_function() -> None:
    assert _offences(("shared",), ("functions",)) == []


def test_the_ports_know_no_adapter_and_no_repository() -> None:
    adapters = ("shared.repositories", "shared.embedded", "shared.cloud", "shared.wiring")

    assert _offences(("shared.ports",), adapters) == []


def test_repositories_know_no_adapter() -> None:
    assert _offences(("shared.repositories",), ("shared.embedded", "shared.cloud", "shared.wiring")) == []


def test_a_function_knows_no_other_function() -> None:
    rooms = sorted({name.split(".")[1] for name in SOURCES if name.count(".") > 1})
    hosts = ("local", "cli")

    offences = [
        offence
        for room in rooms
        if room not in hosts
        for other in rooms
        if other != room
        for offence in _offences((f"functions.{room}",), (f"functions.{other}",))
    ]

    assert offences == []


@pytest.mark.parametrize("backend", ["shared.embedded", "shared.cloud"])
def test_the_wiring_alone_picks_a_backend(backend: str) -> None:
    allowed = (backend, "shared.wiring", "functions.local", "functions.cli")

    assert _offences(ROOMS, (backend,), but=allowed) == []


def test_the_backends_do_not_know_each_other() -> None:
    assert _offences(("shared.embedded",), ("shared.cloud",)) == []
    assert _offences(("shared.cloud",), ("shared.embedded",)) == []


@pytest.mark.parametrize("function", FUNCTIONS, ids=[function.name for function in FUNCTIONS])
def test_a_declared_function_has_its_entry_point(function: Function) -> None:
    tree = ast.parse((ROOT / "functions" / function.name / "main.py").read_text("utf-8"))

    assert function.name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("name", ENTRY_MODULES)
def test_an_entry_point_only_decodes_calls_and_returns(name: str) -> None:
    tree = ast.parse(SOURCES[name].read_text("utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]

    lengths = {found.name: (found.end_lineno or 0) - found.body[0].lineno + 1 for found in functions}

    assert lengths
    assert {name: length for name, length in lengths.items() if length > LONGEST_ENTRY_POINT} == {}


def test_every_entry_module_is_declared() -> None:
    declared = {f"functions.{function.name}.main" for function in FUNCTIONS}

    assert set(ENTRY_MODULES) == declared


@pytest.mark.parametrize("folder", [*ROOMS, "tests"])
def test_no_file_is_too_long_to_read(folder: str) -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for path in (ROOT / folder).rglob("*.py")
    }

    assert lengths
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


# Runs in a process of its own, so that nothing was imported before. Reading modules is what
# importing is; anything else that reaches outside is told with the module that was being imported.
_WATCH = """
import importlib, json, os, sys
import urllib3  # asks once whether this machine has IPv6, by a socket that it closes

importing, seen = None, []
reaching = ("sqlite3.connect", "socket.", "subprocess.", "os.system", "os.mkdir", "os.rename", "os.remove",
            "urllib.", "http.client.", "tempfile.")

def watch(event, arguments):
    if importing is None:
        return
    if event == "open":
        flags = arguments[2] if isinstance(arguments[2], int) else 0
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            seen.append([importing, "open for writing"])
    elif event.startswith(reaching):
        seen.append([importing, event])

sys.addaudithook(watch)
for importing in sys.argv[1:]:
    importlib.import_module(importing)
importing = None
print(json.dumps(seen))
"""


def _reached_while_importing(*modules: str, folder: Path = ROOT) -> list[list[str]]:
    ran = subprocess.run(
        [sys.executable, "-B", "-c", _WATCH, *modules],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found: list[list[str]] = json.loads(ran.stdout.splitlines()[-1])
    return found


def test_importing_the_project_opens_no_file_and_no_client() -> None:
    assert _reached_while_importing(*ENTRY_MODULES, *SOURCES) == []


def test_the_watch_sees_what_an_import_opens(tmp_path: Path) -> None:
    opened = {
        "a_store": "import sqlite3\nsqlite3.connect(':memory:').close()",
        "a_client": "import socket\nsocket.socket().close()",
        "a_file": "open('left_behind', 'w').close()",
    }
    for name, source in opened.items():
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")

    reached = _reached_while_importing(*opened, folder=tmp_path)

    assert {module for module, _ in reached} == set(opened)
