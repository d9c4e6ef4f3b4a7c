"""The whole of it on Google's emulators: every function a process of functions-framework."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import pytest
from pydantic import SecretStr

from functions.local.emulation import Emulation, emulating
from functions.local.emulator_note import EmulatorHosts
from shared.settings import Settings
from tests.emulator.recorded_queries import QueryRecorder, recording
from tests.pipeline.end_state import SALT


class World(Protocol):
    """Everything, with Pub/Sub at its emulator's address or at one that stands before it."""

    def __call__(self, *, pubsub: str = ...) -> AbstractContextManager[Emulation]: ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.needs("emulators"))
            item.add_marker(pytest.mark.timeout(420))


@pytest.fixture(scope="session")
def recorded_firestore(emulators: EmulatorHosts) -> Iterator[tuple[str, QueryRecorder]]:
    with recording(emulators.firestore) as (address, recorder):
        yield address, recorder


@pytest.fixture(autouse=True)
def every_query_has_its_index(recorded_firestore: tuple[str, QueryRecorder]) -> Iterator[None]:
    yield
    assert recorded_firestore[1].unserved() == []


@pytest.fixture
def world(
    emulators: EmulatorHosts,
    recorded_firestore: tuple[str, QueryRecorder],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    """Run everything in a project of the test's own."""
    monkeypatch.setenv("PII_SALT", SALT)
    monkeypatch.setenv("EVALFORGE_LOG_LEVEL", "WARNING")

    @contextmanager
    def running(*, pubsub: str = emulators.pubsub) -> Iterator[Emulation]:
        settings = Settings(
            google_cloud_project=f"demo-{secrets.token_hex(6)}",
            evalforge_store=tmp_path / "emulator.db",
            firestore_emulator_host=recorded_firestore[0],
            pubsub_emulator_host=pubsub,
            pii_salt=SecretStr(SALT),
        )
        with emulating(settings) as emulation:
            yield emulation

    return running


def until(true: Callable[[], bool], *, seconds: float = 180) -> None:
    """Wait until it is true, and still is a moment later; pushes come when they come."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            time.sleep(1.0)
            if true():
                return
        time.sleep(0.3)
    assert true()
