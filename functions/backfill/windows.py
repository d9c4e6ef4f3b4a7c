"""A range of time, cut into windows."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Window(NamedTuple):
    """A piece of a range; where it ends, the next one begins."""

    since: datetime
    until: datetime


def cut(since: datetime, until: datetime, length: timedelta) -> Iterator[Window]:
    """Cut a range at the multiples of a length, the newest window first.

    Ranges that overlap are cut at the same moments, so that what one backfill
    has searched the next one leaves. What failed last is what a team works on,
    and what expires first was looked at longest: so the newest come first.
    """
    end = until
    while end > since:
        begin = max(since, _EPOCH + (_multiples(end, length) - 1) * length)
        yield Window(begin, end)
        end = begin


def count(since: datetime, until: datetime, length: timedelta) -> int:
    """Say how many windows a range is cut into."""
    return _multiples(until, length) - (since - _EPOCH) // length if until > since else 0


def _multiples(moment: datetime, length: timedelta) -> int:
    """Say how often a length fits before a moment, the last time perhaps not whole."""
    return -((_EPOCH - moment) // length)
