"""Where the time of a run goes, stage by stage."""

import importlib
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from cloudevents.http import CloudEvent

from functions.local.delivery import Delivery
from functions.local.host import queue_of
from functions.local.trace_run import order_backfill
from shared import logs, wiring
from shared.settings import Settings
from shared.topology import FUNCTIONS, Topic
from shared.wiring import wire_embedded


def stage_shares(traces: Path) -> list[tuple[str, float]]:
    """Run a file once and say which share of the wall time each stage took, the largest first."""
    logs.configure("CRITICAL")
    spent: dict[str, float] = defaultdict(float)
    with tempfile.TemporaryDirectory() as folder:
        parts = wire_embedded(Settings(evalforge_store=Path(folder) / "store.db"))
        started = time.perf_counter()
        order_backfill(traces, parts)
        spent["reading the file"] = time.perf_counter() - started
        with wiring.use(parts):
            Delivery(queue_of(parts), _timed(spent)).drain()
        total = time.perf_counter() - started
    spent["queue and the rest"] = total - sum(spent.values())
    return sorted(((name, seconds / total) for name, seconds in spent.items()), key=lambda one: -one[1])


def _timed(spent: dict[str, float]) -> dict[Topic, Callable[[CloudEvent], None]]:
    return {function.topic: _clocked(function.name, spent) for function in FUNCTIONS if function.topic}


def _clocked(name: str, spent: dict[str, float]) -> Callable[[CloudEvent], None]:
    entry: Callable[[CloudEvent], None] = getattr(importlib.import_module(f"functions.{name}.main"), name)

    def clocked(event: CloudEvent) -> None:
        started = time.perf_counter()
        try:
            entry(event)
        finally:
            spent[name] += time.perf_counter() - started

    return clocked
