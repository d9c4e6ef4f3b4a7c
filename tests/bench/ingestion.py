"""How many traces a second are found and captured: from Datadog's stand-in, and from a file beside it."""

import gzip
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from functions.local.datadog.server import StandIn, serving
from functions.local.delivery import Delivery, entry_points
from functions.local.host import queue_of
from functions.local.trace_run import order_files
from shared import wiring
from shared.domain.incidents import Incident, IncidentKind
from shared.messages import AlertRaised
from shared.ports import Outgoing
from shared.settings import Settings
from shared.topology import Topic
from shared.wiring import Wiring, wire_embedded
from tests.bench.throughput import Stored
from tests.conftest import ROOT

ROUNDS = 3
WORKERS = (1, 2)
NOW = datetime(2026, 11, 25, tzinfo=UTC)
_SERVE = "import sys; from tests.bench.ingestion import main; main(sys.argv[1])"
HEADER = """\
ingestion: from the order to search until every trace found is fetched, redacted and stored; embedded, the
  stand-in for Datadog in a process of its own; medians of rounds in turn, beside the same from a file"""


def main(path: str) -> None:
    """Serve a trace file as Datadog would, until standard input ends."""
    stand_in = StandIn(clock=lambda: NOW)
    stand_in.store.add_file(Path(path))
    with serving(stand_in):
        print(stand_in.url, stand_in.api_key, stand_in.app_key, sep="\t", flush=True)
        sys.stdin.read()


def print_ingestion(traces: Path) -> None:
    """Measure and print all."""
    print(HEADER)
    since, until = _range(traces)

    def order(parts: Wiring) -> None:
        incident = Incident(id="in-bench", kind=IncidentKind.BACKFILL, since=since, until=until)
        parts.incidents.open_or_renew(incident)
        parts.publisher.publish([Outgoing(Topic.ALERTS, AlertRaised(incident_id=incident.id))])

    with _datadog(traces) as keys:
        for workers in WORKERS:
            rounds = [(_ingested(order, workers, keys), _from_file(traces, workers)) for _ in range(ROUNDS)]
            _row(f"Datadog, {workers} worker{'s' * (workers > 1)}", [one for one, _ in rounds])
            _row(f"file, {workers} worker{'s' * (workers > 1)}", [other for _, other in rounds])
            ratios = [one[1] / other[1] for one, other in rounds]
            print(f"  {'':20} {statistics.median(ratios):4.2f} x the time of the file")


@contextmanager
def _datadog(traces: Path) -> Iterator[dict[str, Any]]:
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from tests.bench.ingestion import main; main(sys.argv[1])",
            traces,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        url, api_key, app_key = process.stdout.readline().rstrip("\n").split("\t")
        yield {"datadog_api_url": url, "datadog_api_key": api_key, "datadog_app_key": app_key}
    finally:
        process.stdin.close()
        process.wait()


def _range(traces: Path) -> tuple[datetime, datetime]:
    """Say when the first and the last span of a file started, to the minute."""
    opened = gzip.open if traces.suffix == ".gz" else open
    with opened(traces, "rb") as file:
        starts = [json.loads(line)["attributes"]["start_ns"] / 1e9 for line in file]
    first, last = (datetime.fromtimestamp(one, UTC) for one in (min(starts), max(starts)))
    return first - timedelta(minutes=1), last + timedelta(minutes=1)


def _from_file(traces: Path, workers: int) -> tuple[Stored, float]:
    return _ingested(lambda parts: order_files([traces], parts), workers, {})


def _ingested(order: Callable[[Wiring], object], workers: int, keys: dict[str, Any]) -> tuple[Stored, float]:
    """Let find_failures and sanitize work, and none of those behind them."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(evalforge_store=Path(folder) / "store.db", **keys)
        parts = wire_embedded(settings, clock=lambda: NOW)
        entries = entry_points()
        rest = {topic: lambda _event: None for topic in entries.keys() - {Topic.ALERTS, Topic.FAILURES}}
        started = time.perf_counter()
        order(parts)
        with wiring.use(parts):
            Delivery(queue_of(parts), entries | rest).drain(workers=workers)
        return Stored(parts.captures.count(), parts.healthy.count()), time.perf_counter() - started


def _row(name: str, rounds: list[tuple[Stored, float]]) -> None:
    stored, _ = rounds[0]
    print(stored.row(name, statistics.median(seconds for _, seconds in rounds)), flush=True)
