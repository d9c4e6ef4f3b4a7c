"""Which of the traces that a search found are worth fetching."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from shared.domain.captures import CaptureHead, control_group_rank
from shared.ports import TraceHit
from shared.repositories.captures import Captures, HealthyCaptures
from shared.topology import CONTROL_GROUP_SIZE

_Application = tuple[str, str, str]


class Again(NamedTuple):
    """When a trace is fetched again though it looks as it did.

    Once, when no evaluation and no span of it comes any more; or `always`, where somebody asks for it.
    """

    always: bool
    delay: timedelta
    now: datetime

    def is_due(self, hit: TraceHit, head: CaptureHead) -> bool:
        """Say whether a trace that looks as it did is due."""
        return self.always or (not head.settled and hit.started_at + self.delay <= self.now)


class Choice:
    """Chooses from the pages of one search.

    Every failing trace, and every one whose verdict changed, unless it was
    captured as it looks now; of the healthy ones as many as the control group
    of their application takes, by hash, so that their order does not matter.
    """

    def __init__(self, captures: Captures, healthy: HealthyCaptures, again: Again) -> None:
        """Read nothing yet."""
        self._captures = captures
        self._healthy = healthy
        self._again = again
        self._rooms: dict[_Application, _Room] = {}

    def worth_fetching(self, hits: Iterable[TraceHit]) -> Iterator[TraceHit]:
        """Yield what to fetch of a page."""
        found = list(hits)
        known = self._captures.heads_of(hit.trace_id for hit in found)
        passed: list[TraceHit] = []
        for hit in found:
            if not hit.failing and hit.trace_id not in known:
                passed.append(hit)
            elif self._is_news(hit, known.get(hit.trace_id)):
                yield hit
        drawn = list(self._control_group(passed))
        known = self._healthy.heads_of(hit.trace_id for hit in drawn)
        yield from (hit for hit in drawn if self._is_news(hit, known.get(hit.trace_id)))

    def _control_group(self, hits: Iterable[TraceHit]) -> Iterator[TraceHit]:
        """Draw those that were judged before those that nobody flagged, by hash."""
        by_application: dict[_Application, list[tuple[str, TraceHit]]] = defaultdict(list)
        for hit in hits:
            rank = control_group_rank(hit.trace_id, evaluated=hit.evaluated)
            by_application[hit.ml_app, hit.env, hit.version].append((rank, hit))
        for application, ranked in sorted(by_application.items()):
            if application not in self._rooms:
                last = self._healthy.last_rank(*application, size=CONTROL_GROUP_SIZE)
                self._rooms[application] = _Room(last)
            room = self._rooms[application]
            yield from (hit for rank, hit in sorted(ranked) if room.takes(rank))

    def _is_news(self, hit: TraceHit, head: CaptureHead | None) -> bool:
        return head is None or head.look != hit.look or self._again.is_due(hit, head)


class _Room:
    """The place that a control group has for those of lower rank than its last one."""

    def __init__(self, last: str | None) -> None:
        self._last = last
        # The lowest ranks that were offered, the highest of them first.
        self._offered: list[_Descending] = []

    def takes(self, rank: str) -> bool:
        if self._last is not None and rank > self._last:
            return False
        if len(self._offered) < CONTROL_GROUP_SIZE:
            heapq.heappush(self._offered, _Descending(rank))
            return True
        return heapq.heappushpop(self._offered, _Descending(rank)).rank != rank


class _Descending(NamedTuple):
    rank: str

    def __lt__(self, other: tuple[object, ...]) -> bool:
        return isinstance(other, _Descending) and self.rank > other.rank
