"""`make bench`: runs, redaction, extraction, a storm, start-up, throughput, edge, beside a floor or a peer.

`python -m tests.bench run redaction extraction …` measures those of them that it is told.
"""

import gzip
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from shared import logs
from tests.bench.grouping import grouping_quality
from tests.bench.stages import stage_shares
from tests.conftest import AIRLINE, ROOT, SAMPLES
from tests.pipeline.command import command_line, environment

ROUNDS = 5
# The least that any tool must do with the file: unpack it, parse every line, hold all of it.
FLOOR = (
    "import gzip, json, sys\n"
    "opened = gzip.open if sys.argv[1].endswith('gz') else open\n"
    "spans = [json.loads(line) for line in opened(sys.argv[1], 'rb')]\n"
)


class Measured(NamedTuple):
    """One process from start to end."""

    seconds: float
    cpu_seconds: float
    peak_mb: float


def measure(command: list[str]) -> Measured:
    """Run a command and read what the operating system accounts to it."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=ROOT, env=environment())
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return Measured(elapsed, usage.ru_utime + usage.ru_stime, _megabytes(usage))


def main() -> None:
    """Measure and print the sections that the arguments name; all where they name none."""
    traces = AIRLINE if AIRLINE.exists() else SAMPLES
    sections: dict[str, Callable[[], None]] = {
        "run": lambda: print_runs(traces),
        "redaction": lambda: import_module("tests.bench.redaction").print_redaction(),
        # Imported late: the peak of a process that is started counts that of the one that starts it.
        "startup": lambda: import_module("tests.bench.startup").print_startup(),
        "extraction": lambda: import_module("tests.bench.extraction").print_extraction(traces),
        "storm": lambda: import_module("tests.bench.storm").print_storm(),
        "ingestion": lambda: import_module("tests.bench.ingestion").print_ingestion(traces),
        "throughput": lambda: import_module("tests.bench.throughput").print_throughput(traces),
        "edge": lambda: import_module("tests.bench.edge").print_edge(),
    }
    asked = sys.argv[1:] or list(sections)
    if unknown := [name for name in asked if name not in sections]:
        sys.exit(f"no section {', '.join(unknown)}; there are {', '.join(sections)}")
    logs.configure("CRITICAL")
    for name in asked:
        sections[name]()
        print()


def print_runs(traces: Path) -> None:
    """Measure whole runs as processes of their own, and what one spends its time on and comes to."""
    opened = gzip.open if traces.suffix == ".gz" else open
    with opened(traces, "rb") as file:
        spans = [json.loads(line)["attributes"]["trace_id"] for line in file]
    size = f"{len(set(spans))} traces, {len(spans)} spans"
    print(f"{traces.name}: {size}; {os.cpu_count()} cores; {ROUNDS} rounds in turn\n")
    first, again, floor = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for round_ in range(ROUNDS):
            run = command_line("run", traces, "--json", "--store", Path(folder) / str(round_) / "store.db")
            first.append(measure(run))
            again.append(measure(run))
            floor.append(measure([sys.executable, "-c", FLOOR, str(traces)]))
    row("evalforge run, fresh store", first, floor)
    row("evalforge run, told again", again, floor)
    row("floor: unpack and parse", floor, floor)
    print("\nwhere the time of a fresh run goes (one run in this process, share of its wall time):")
    for name, share in stage_shares(traces):
        print(f"  {name:28} {share:6.1%}")
    for name, pairs in grouping_quality(traces):
        print(
            f"\n{name}: {pairs.groups}, precision {pairs.precision:.2f}, recall {pairs.recall:.2f} of pairs",
            end="",
        )
    print()


def row(name: str, runs: list[Measured], floor: list[Measured]) -> None:
    """Print medians, and the ratio to the floor pair by pair."""
    seconds = statistics.median(one.seconds for one in runs)
    cpu = statistics.median(one.cpu_seconds for one in runs)
    peak = statistics.median(one.peak_mb for one in runs)
    ratio = statistics.median(one.seconds / least.seconds for one, least in zip(runs, floor, strict=True))
    print(f"{name:28} {seconds:7.2f} s wall {cpu:7.2f} s cpu {peak:7.0f} MB peak   {ratio:6.1f} x floor")


def _megabytes(usage: resource.struct_rusage) -> float:
    """Linux counts in KiB, macOS in bytes."""
    return usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


if __name__ == "__main__":
    main()
