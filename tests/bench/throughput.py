"""How many traces a second go through the whole chain, embedded and on the emulators; memory per function."""

import os
import secrets
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import psutil
from pydantic import SecretStr

from functions.local.emulation import emulating
from functions.local.emulator_note import Running
from functions.local.trace_run import order_files, run_files
from shared.errors import ConfigError
from shared.settings import Settings
from shared.topology import FUNCTIONS, Topic
from shared.wiring import Wiring, wire_embedded
from tests.pipeline.end_state import SALT, is_whole

WORKERS = (1, 2)
# What a backfill gives messages to.
CHAIN = frozenset(Topic) - {Topic.DEAD_LETTERS, Topic.RESENDS}
_POLL_SECONDS = 0.5
_LONGEST_SECONDS = 240
HEADER = """\
throughput: from the order to search the file until every failing trace has its suggestion with all artifacts,
  one run of each; captures are the traces that were fetched, redacted and stored, failing and healthy ones"""


class Stored(NamedTuple):
    """How many traces were captured."""

    failing: int
    healthy: int

    def row(self, name: str, seconds: float) -> str:
        """Spell what a run has done, and its rates."""
        captures = self.failing + self.healthy
        return (
            f"  {name:20} {captures:4} captures ({self.failing} failing) in {seconds:5.1f} s"
            f"   {captures / seconds:5.1f} captures/s   {self.failing / seconds:5.1f} failing/s"
        )


def print_throughput(traces: Path) -> None:
    """Measure and print all."""
    print(HEADER)
    wanted = Stored(0, 0)
    for workers in WORKERS:
        wanted, seconds = _embedded(traces, workers)
        print(wanted.row(f"embedded, {workers} worker{'s' * (workers > 1)}", seconds), flush=True)
    try:
        seconds, peaks = _emulated(traces, wanted)
    except ConfigError as error:
        print(f"  skipped on the emulators: {error}")
        return
    print(wanted.row("on the emulators", seconds))
    print("\nmemory: the most that each function's worker process has held in that run")
    for function in FUNCTIONS:
        called = "" if function.topic in CHAIN else "   (not called in that run)"
        print(f"  {function.name:16} {peaks[function.name]:5.0f} MiB of {function.memory_mib}{called}")


def _embedded(traces: Path, workers: int) -> tuple[Stored, float]:
    with tempfile.TemporaryDirectory() as folder:
        parts = wire_embedded(
            Settings(
                evalforge_store=Path(folder) / "store.db",
                evalforge_workers=workers,
                pii_salt=SecretStr(SALT),
            )
        )
        started = time.perf_counter()
        run_files([traces], parts)
        return _stored(parts), time.perf_counter() - started


def _emulated(traces: Path, wanted: Stored) -> tuple[float, dict[str, float]]:
    # The functions take their settings from the environment, as they do where they are deployed.
    variables = patch.dict(os.environ, {"EVALFORGE_LOG_LEVEL": "CRITICAL", "PII_SALT": SALT})
    with variables, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        settings = Settings(
            google_cloud_project=f"demo-{secrets.token_hex(6)}",
            evalforge_store=Path(folder) / "store.db",
            pii_salt=SecretStr(SALT),
        )
        with emulating(settings) as emulation:
            started = time.perf_counter()
            order_files([traces], emulation.parts)
            seconds = _until_whole(emulation.parts, wanted) - started
            return seconds, _peaks(emulation.functions())


def _until_whole(parts: Wiring, wanted: Stored) -> float:
    """Say when all was done; asking itself costs time, so it is asked in full only where counts agree."""
    deadline = time.perf_counter() + _LONGEST_SECONDS
    while (now := time.perf_counter()) < deadline:
        if _stored(parts) == wanted and is_whole(parts):
            return now
        time.sleep(_POLL_SECONDS)
    raise SystemExit(f"the chain was not done after {_LONGEST_SECONDS} s: {_stored(parts)} of {wanted}")


def _stored(parts: Wiring) -> Stored:
    return Stored(parts.captures.count(), parts.healthy.count())


def _peaks(functions: Mapping[str, Running]) -> dict[str, float]:
    return {
        name: max(map(_peak_mib, psutil.Process(running.pid).children()))
        for name, running in functions.items()
    }


def _peak_mib(process: psutil.Process) -> float:
    """Linux keeps the high-water mark; elsewhere what it holds now has to do."""
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        marks = dict(line.split(":", 1) for line in status.read_text("ascii", "replace").splitlines())
        return int(marks["VmHWM"].split()[0]) / 2**10
    return process.memory_info().rss / 2**20
