"""Where `evalforge serve` runs the emulators and functions: a note beside the store, for other commands."""

import json
import os
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from functions.local.datadog.asking import asking, stand_in_of
from shared.errors import ConfigError
from shared.settings import Backend, Settings


class EmulatorHosts(NamedTuple):
    """Where the emulators answer, as their environment variables spell it: host and port."""

    firestore: str
    pubsub: str


class Running(NamedTuple):
    """Where a function's process answers."""

    url: str
    pid: int


def on_emulators(settings: Settings, hosts: EmulatorHosts) -> Settings:
    """Point settings at emulators."""
    return settings.model_copy(
        update={
            "evalforge_backend": Backend.EMULATOR,
            "firestore_emulator_host": hosts.firestore,
            "pubsub_emulator_host": hosts.pubsub,
            "evalforge_store": settings.evalforge_store.resolve(),
        }
    )


def as_noted(settings: Settings) -> Settings:
    """Point settings at what `evalforge serve` runs; raises ConfigError where it runs nothing."""
    store = settings.evalforge_store
    told = _told(store)
    if told is None or not all(_answers(told[name]) for name in ("firestore", "pubsub")):
        raise ConfigError(
            f"no emulators run for {store}: start `evalforge serve --backend emulator`, "
            "or name running ones in FIRESTORE_EMULATOR_HOST and PUBSUB_EMULATOR_HOST"
        )
    noted = on_emulators(settings, EmulatorHosts(told["firestore"], told["pubsub"]))
    if url := told.get("datadog"):
        noted = asking(noted, url)
    return noted.model_copy(update={"google_cloud_project": told["project"]})


def refuse_a_second(store: Path) -> None:
    """Raise ConfigError where a server runs for this store: two would push to each other's functions."""
    told = _told(store)
    if told is None:
        return
    left = [one["pid"] for one in told["functions"].values() if _answers(one["url"].rpartition("/")[2])]
    if left and psutil.pid_exists(told["server"]):
        raise ConfigError(
            f"`evalforge serve` runs for {store} already (process {told['server']}); end it, "
            "or name another store with --store"
        )
    if left:
        raise ConfigError(
            f"a killed `evalforge serve` has left its functions behind for {store}; "
            f"end them: kill {' '.join(map(str, left))}; and what still listens on "
            f"{told['firestore']} and {told['pubsub']}, if it had started the emulators"
        )


def _told(store: Path) -> dict[str, Any] | None:
    try:
        told: dict[str, Any] = json.loads(note_of(store).read_text(encoding="utf-8"))
        return told if {"firestore", "pubsub", "project", "server", "functions"} <= told.keys() else None
    except (OSError, ValueError, AttributeError):
        return None


def _answers(host: str) -> bool:
    """Say whether somebody takes connections at this host and port."""
    name, _, port = host.rpartition(":")
    try:
        with socket.create_connection((name, int(port)), timeout=2):
            return True
    except (OSError, ValueError):
        return False


def note_of(store: Path) -> Path:
    """Name the note beside a store."""
    return store.with_name(f"{store.name}.emulators.json")


def write_note(
    path: Path, hosts: EmulatorHosts, settings: Settings, functions: Mapping[str, Running]
) -> None:
    """Write the note whole."""
    told = {
        **hosts._asdict(),
        "project": settings.project,
        "datadog": stand_in_of(settings),
        "server": os.getpid(),
        "functions": {name: one._asdict() for name, one in functions.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}-{threading.get_ident()}")
    draft.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)
