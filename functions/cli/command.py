"""What every command shares: its store, its wiring, and how it ends on an error."""

import getpass
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from functions.cli.terminal import plain
from shared import logs
from shared.errors import ConfigError, EvalForgeError
from shared.settings import load_settings
from shared.wiring import Wiring, wire

P = ParamSpec("P")
R = TypeVar("R")

store_option = click.option(
    "--store",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The embedded database [default: .evalforge/evalforge.db, or EVALFORGE_STORE].",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def open_parts(store: Path | None, *, reading: bool = False) -> Wiring:
    """Wire the backend; the command line is embedded whatever else a laptop has set.

    Raises:
        ConfigError: settings are wrong, or what is only read does not exist.
    """
    overrides: dict[str, Any] = {"evalforge_store": store} if store else {}
    settings = load_settings(**overrides)
    quiet = "evalforge_log_level" not in settings.model_fields_set
    logs.configure("CRITICAL" if quiet else settings.evalforge_log_level)
    if reading and not settings.evalforge_store.exists():
        raise ConfigError(f"there is no store {settings.evalforge_store}; `evalforge run FILE` makes one")
    return wire(settings)


def reporting_errors(command: Callable[P, R]) -> Callable[P, R]:
    """End a command on an error of ours with its text alone; 2 for settings, 1 for the rest."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except EvalForgeError as error:
            click.echo(f"error: {plain(str(error))}", err=True)
            sys.exit(2 if isinstance(error, ConfigError) else 1)

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
