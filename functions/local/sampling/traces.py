"""Traces made up from a seed: by turns one that fails and a like one that does not, type by type."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import NamedTuple

from functions.local.sampling.recording import Recorder
from functions.local.sampling.scenarios import SCENARIOS
from functions.local.sampling.shop import JsonObject, Shop
from shared.domain.taxonomy import FailureType

ML_APP = "shop-assistant"
# When the samples of a file end; what is uploaded ends when it is uploaded.
MOMENT = datetime(2026, 11, 25, 18, tzinfo=UTC)
# The intake takes spans of the last 24 hours; the rest is left for a slow upload.
_LONGEST_AGO = timedelta(hours=20)
_WIDEST_GAP = timedelta(minutes=5)
_LATEST = timedelta(minutes=5)


class Sample(NamedTuple):
    """One trace: the way to fail that it is about, and whether it fails so or is the run that went right."""

    failure_type: FailureType
    failing: bool
    spans: tuple[JsonObject, ...]


def samples(count: int, *, seed: int, ml_app: str = ML_APP, until: datetime = MOMENT) -> Iterator[Sample]:
    """Make up so many traces, the earliest first.

    The same count, seed and end give the same traces; another end moves times
    and dates along and gives other ids, and changes nothing else.
    """
    kinds = list(SCENARIOS)
    gap = min(_WIDEST_GAP, _LONGEST_AGO / count)
    for number in range(count):
        kind, failing = kinds[number // 2 % len(kinds)], number % 2 == 0
        start = until - _LATEST - (count - number) * gap
        shop = Shop(_random(f"{seed}/{number}"), _random(f"{seed}/pair {number // 2}"), start)
        recorder = Recorder(
            ml_app,
            start,
            ids=_random(f"{seed}/{number}/ids/{until.isoformat()}"),
            pace=_random(f"{seed}/{number}/pace"),
        )
        yield Sample(kind, failing, tuple(recorder.spans_of(SCENARIOS[kind](shop, wrong=failing))))


def _random(seed: str) -> Random:
    return Random(seed)  # noqa: S311 - made-up data, and no secret hangs on it
