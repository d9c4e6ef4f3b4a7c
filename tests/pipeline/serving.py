"""`evalforge serve` as a user runs it: a process whose start-up lines say where everything is."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from functions.local.datadog.server import Exchange
from tests.contract.openapi import hold
from tests.pipeline.command import command_line, environment

SPANS = "/api/v2/llm-obs/v1/spans/events"
_LOG = "datadog.jsonl"


class Served:
    """A running server, and what it said at its start."""

    def __init__(self, process: subprocess.Popen[str], lines: dict[str, str]) -> None:
        self.process = process
        self.lines = lines

    @property
    def variables(self) -> dict[str, str]:
        """How other commands find the stand-in."""
        spelled = self.lines["other"].partition("with ")[2]
        return dict(one.split("=", 1) for one in spelled.split())


@contextmanager
def as_datadog(traces: Path, *, folder: Path) -> Iterator[tuple[str | Path, ...]]:
    """Spell how to serve traces as Datadog does; all that is asked there is held to its description."""
    yield "--with-datadog", traces, "--datadog-log", folder / _LOG
    hold(asked_of_datadog(folder))


def asked_of_datadog(folder: Path) -> list[Exchange]:
    """Read what was asked by now of what is served as Datadog, and what it answered."""
    lines = (folder / _LOG).read_text(encoding="utf-8").splitlines()
    return [Exchange(**json.loads(line)) for line in lines]


@contextmanager
def serve(traces: Path, *arguments: str | Path, cwd: Path) -> Iterator[Served]:
    """Serve until left, and the traces as Datadog does."""
    with (
        as_datadog(traces, folder=cwd) as datadog,
        (cwd / "serve.log").open("w") as log,
        subprocess.Popen(
            command_line("serve", "--port", "0", *datadog, *arguments),
            cwd=cwd,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            lines: dict[str, str] = {}
            while "stop" not in lines:
                name, _, told = process.stdout.readline().partition(" ")
                assert name, (cwd / "serve.log").read_text()
                lines[name] = told.strip()
            yield Served(process, lines)
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0


def until(true: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait until it is true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)
