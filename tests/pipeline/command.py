"""The command line as a user calls it: a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests.conftest import ROOT


class Ended(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The object on standard output."""
        return json.loads(self.out)


def command_line(*arguments: str | Path) -> list[str]:
    """Spell a call of the command line."""
    # What is asked of a stand-in in another process is seen in its log alone: see `as_datadog`.
    assert ("--with-datadog" in arguments) <= ("--datadog-log" in arguments)
    return [sys.executable, "-m", "functions.cli", *map(str, arguments)]


def environment(**variables: str) -> dict[str, str]:
    """Take over what a process needs, and nothing that would set EvalForge."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": os.environ.get("HOME", "/"),
        **variables,
    }


def evalforge(*arguments: str | Path, cwd: Path | None = None, **variables: str) -> Ended:
    """Run the command line to its end."""
    ended = subprocess.run(
        command_line(*arguments),
        capture_output=True,
        text=True,
        timeout=240,
        cwd=cwd,
        env=environment(**variables),
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)
