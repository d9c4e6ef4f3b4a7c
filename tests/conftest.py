"""What every test may ask for: the machine's tools, the shared data, a fresh store."""

import gzip
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.local.emulator_note import EmulatorHosts
from functions.local.emulators import running_emulators
from shared.settings import Settings
from shared.wiring import Wiring, wire_embedded

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "functions" / "local" / "samples" / "shop_assistant.jsonl"
# Real traces for acceptance; nothing that `make demo` or `make test` must have.
SHARED = Path(os.environ.get("EVALFORGE_SHARED", ROOT.parent / "shared"))
AIRLINE = SHARED / "data" / "traces" / "airline_spans.jsonl.gz"

EMULATOR_TESTS = ROOT / "tests" / "emulator"
_FOUND_BY = {
    "emulators": ("gcloud", "java"),
    "chromium": ("chromium",),
    "terraform": ("terraform",),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the emulators for last: their deadlines are real, and by then what runs beside has ended."""
    items.sort(key=lambda item: EMULATOR_TESTS in item.path.parents)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose tools are not on this machine; where CI runs, a missing tool is a failure."""
    for marker in item.iter_markers("needs"):
        for tool in marker.args:
            missing = [program for program in _FOUND_BY[tool] if shutil.which(program) is None]
            if missing and os.environ.get("CI") == "true":
                pytest.fail(f"needs {tool}: {', '.join(missing)} not found, and CI must not skip it")
            if missing:
                pytest.skip(f"needs {tool}: {', '.join(missing)} not found")


@pytest.fixture(autouse=True)
def no_settings_from_this_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Start every test from the defaults: no `.env`, no variable that a laptop has set."""
    proxies = [f"{scheme}_proxy" for scheme in ("http", "https", "all")]
    for name in [*map(str.upper, Settings.model_fields), "K_SERVICE", *proxies, *map(str.upper, proxies)]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path_factory.getbasetemp()))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def airline() -> Path:
    """The recorded airline runs; skipped where the shared data is not laid beside the project."""
    if not AIRLINE.exists():
        pytest.skip("the shared data is not beside the project; name its folder in EVALFORGE_SHARED")
    return AIRLINE


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A file of many traces: the recorded airline runs, or without them the samples several times over."""
    if AIRLINE.exists():
        return AIRLINE
    path = tmp_path / "many.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for copy in range(8):
            for line in SAMPLES.read_text(encoding="utf-8").splitlines():
                span = json.loads(line)
                span["attributes"]["trace_id"] += f"-{copy}"
                file.write(json.dumps(span) + "\n")
    return path


@pytest.fixture(scope="session")
def emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorHosts]:
    """Google's own emulators, one of each for all tests."""
    with running_emulators(tmp_path_factory.mktemp("emulators")) as hosts:
        yield hosts


@pytest.fixture
def emulated_project(emulators: EmulatorHosts, monkeypatch: pytest.MonkeyPatch) -> str:
    """A project of the test's own on the emulators, which keep projects apart."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", emulators.firestore)
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", emulators.pubsub)
    return f"demo-{secrets.token_hex(6)}"


@pytest.fixture
def parts(tmp_path: Path) -> Wiring:
    """The embedded backend on a fresh store."""
    return wire_embedded(Settings(evalforge_store=tmp_path / "store.db"))
