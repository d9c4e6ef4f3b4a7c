"""A storm: a thousand failures of twenty kinds delivered at once, and a model that takes its time."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cloudevents.http import CloudEvent

from functions.local.delivery import Delivery, entry_points
from functions.local.host import queue_of
from functions.local.trace_run import order_files
from shared import wiring
from shared.messages import CaptureStored
from shared.ports import Outgoing
from shared.topology import Topic
from shared.wiring import Wiring
from tests.pipeline.narrating import Telling, store_asking, write_failures

KINDS, EACH = 20, 50
ROUNDS = 3
WORKERS = 16
_CALL_SECONDS = 1.0


class Storm(NamedTuple):
    """How long extraction took, how often the model was asked, and how many failures it told of."""

    seconds: float
    calls: int
    told: int
    cost_usd: float


def print_storm() -> None:
    """Measure extract alone: captures stand, and every failure's message comes at once."""
    storms = list(_storms())
    seconds = sorted(storm.seconds for storm in storms)
    last = storms[-1]
    print(
        f"storm: {KINDS * EACH} failures of {KINDS} signatures through extract, {WORKERS} workers, a model "
        f"that answers after {_CALL_SECONDS:.0f} s:\n  {statistics.median(seconds):.1f} s "
        f"({seconds[0]:.1f} to {seconds[-1]:.1f} in {ROUNDS} rounds), calls "
        f"{', '.join(str(storm.calls) for storm in storms)}; {last.told} told by the model, "
        f"${last.cost_usd:.4f} in all"
    )


def _storms() -> Iterator[Storm]:
    with tempfile.TemporaryDirectory() as folder:
        path = write_failures(Path(folder) / "storm.jsonl", kinds=KINDS, each=EACH)
        for round_ in range(ROUNDS):
            model = Telling(_CALL_SECONDS)
            parts = store_asking(Path(folder) / f"{round_}.db", model, workers=WORKERS)
            order_files([path], parts)
            deliver_only((Topic.ALERTS, Topic.FAILURES), parts)
            names = [head.trace_id for head in parts.captures.heads()]
            parts.publisher.publish(Outgoing(Topic.CAPTURES, CaptureStored(trace_id=name)) for name in names)
            started = time.perf_counter()
            deliver_only((Topic.CAPTURES,), parts)
            seconds = time.perf_counter() - started
            told = sum(one.extractor.kind == "model" for one in parts.patterns.all())
            yield Storm(seconds, model.calls, told, parts.spend.total().cost_usd)


def deliver_only(topics: tuple[Topic, ...], parts: Wiring) -> None:
    """Work off what is queued on these topics; what it leads to is let go."""
    entries = {topic: entry if topic in topics else _let_go for topic, entry in entry_points().items()}
    with wiring.use(parts):
        Delivery(queue_of(parts), entries).drain(workers=parts.settings.evalforge_workers)


def _let_go(_: CloudEvent) -> None:
    return
