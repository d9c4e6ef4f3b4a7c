"""What every command shares: its store, its wiring, and how it ends on an error."""

import getpass
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, TypeVar

import click

from functions.cli.terminal import plain
from functions.local.emulator_note import as_noted
from shared import logs
from shared.errors import ConfigError, EvalForgeError, MisconfiguredError
from shared.settings import Backend, Settings, load_settings
from shared.wiring import Wiring, wire

P = ParamSpec("P")
R = TypeVar("R")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


_EMBEDDED_STORE = Path(".evalforge/evalforge.db")
_EMULATOR_STORE = Path(".evalforge/emulator.db")


class Where(NamedTuple):
    """Which store of which backend a command is about, as far as it was told."""

    store: Path | None = None
    backend: Backend | None = None


def where_options(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command `--store` and `--backend`, as its `where`."""

    @click.option(
        "--backend",
        type=click.Choice([backend.value for backend in Backend]),
        help="Where to work [default: embedded, or EVALFORGE_BACKEND].",
    )
    @click.option(
        "--store",
        type=click.Path(dir_okay=False, path_type=Path),
        help=f"The embedded database [default: {_EMBEDDED_STORE}, or EVALFORGE_STORE]; "
        "on the emulators, the list of trace files.",
    )
    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        told: Any = kwargs
        backend = told.pop("backend")
        told["where"] = Where(told.pop("store"), Backend(backend) if backend else None)
        return command(*args, **kwargs)

    return wrapped


def open_settings(where: Where) -> Settings:
    """Read the settings as a command was told: embedded, whatever else a laptop has set."""
    overrides: dict[str, Any] = {"evalforge_store": where.store} if where.store else {}
    if where.backend:
        overrides["evalforge_backend"] = where.backend
    settings = load_settings(**overrides)
    if settings.evalforge_backend is Backend.EMULATOR and "evalforge_store" not in settings.model_fields_set:
        return settings.model_copy(update={"evalforge_store": _EMULATOR_STORE})
    return settings


def open_parts(where: Where, *, reading: bool = False, asks_datadog: bool = True) -> Wiring:
    """Wire the backend; what a demonstration shows asks Datadog for nothing, whatever keys a laptop has.

    Raises:
        ConfigError: settings are wrong, or what is only read does not exist.
    """
    settings = open_settings(where)
    if not asks_datadog:
        settings = settings.model_copy(update={"datadog_api_key": None, "datadog_app_key": None})
    quiet = "evalforge_log_level" not in settings.model_fields_set
    logs.configure("CRITICAL" if quiet else settings.evalforge_log_level)
    match settings.evalforge_backend:
        case Backend.EMULATOR if not (settings.firestore_emulator_host and settings.pubsub_emulator_host):
            settings = as_noted(settings)
        case Backend.EMBEDDED if reading and not settings.evalforge_store.exists():
            raise ConfigError(f"there is no store {settings.evalforge_store}; `evalforge run FILE` makes one")
    return wire(settings)


def spelled_options(parts: Wiring) -> str:
    """Spell the options that bring another command to the same place."""
    backend, store = parts.settings.evalforge_backend, parts.settings.evalforge_store
    usual = _EMBEDDED_STORE if backend is Backend.EMBEDDED else _EMULATOR_STORE
    told = "" if backend is Backend.EMBEDDED else f" --backend {backend.value}"
    elsewhere = store not in (usual, usual.resolve()) and backend is not Backend.CLOUD
    return told + (f" --store {shlex.quote(str(store))}" if elsewhere else "")


def reporting_errors(command: Callable[P, R]) -> Callable[P, R]:
    """End a command on an error of ours with its text alone; 2 for settings, 1 for the rest."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except EvalForgeError as error:
            click.echo(f"error: {plain(str(error))}", err=True)
            sys.exit(2 if isinstance(error, ConfigError | MisconfiguredError) else 1)

    return wrapped


def program_name() -> str:
    """Spell the command as this user can call it: by name where that is found, else by its path."""
    if shutil.which("evalforge"):
        return "evalforge"
    called = Path(sys.argv[0])
    if called.name != "evalforge":
        return f"{shlex.quote(os.path.relpath(sys.executable))} -m functions.cli"
    return shlex.quote(os.path.relpath(called))


def actor() -> str:
    """Name the person at the keyboard."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
