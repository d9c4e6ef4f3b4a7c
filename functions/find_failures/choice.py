"""Which of the traces that a search found are worth fetching."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from shared.domain.captures import control_group_rank
from shared.ports import TraceHit
from shared.repositories.captures import Captures, HealthyCaptures, Known
from shared.topology import CONTROL_GROUP_SIZE

_Application = tuple[str, str, str]


class Again(NamedTuple):
    """When a trace that was captured is fetched again though it looks as it did.

    Once, when no evaluation and no span of it comes any more; or `always`, where somebody asks for it.
    """

    always: bool
    delay: timedelta
    searched_until: datetime | None
    now: datetime

    def is_due(self, hit: TraceHit, known: Known) -> bool:
        """Say whether a trace that looks as it did is due."""
        settled = hit.started_at + self.delay
        seen_since = self.searched_until is not None and self.searched_until >= settled
        return self.always or (known.stored_at < settled <= self.now and not seen_since)


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
        passed: dict[_Application, list[TraceHit]] = defaultdict(list)
        for hit in hits:
            known = self._captures.known(hit.trace_id)
            if not hit.failing and not known.exists:
                passed[hit.ml_app, hit.env, hit.version].append(hit)
            elif self._is_news(hit, known):
                yield hit
        for application in sorted(passed):
            yield from self._control_group(application, passed[application])

    def _control_group(self, application: _Application, hits: list[TraceHit]) -> Iterator[TraceHit]:
        """Draw those that were judged before those that nobody flagged, by hash."""
        if application not in self._rooms:
            last = self._healthy.last_rank(*application, size=CONTROL_GROUP_SIZE)
            self._rooms[application] = _Room(last)
        room = self._rooms[application]
        for rank, hit in sorted((_rank(hit), hit) for hit in hits):
            if room.takes(rank) and self._is_news(hit, self._healthy.known(hit.trace_id)):
                yield hit

    def _is_news(self, hit: TraceHit, known: Known) -> bool:
        head = known.head
        return head is None or head.look != hit.look or self._again.is_due(hit, known)


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


def _rank(hit: TraceHit) -> str:
    return control_group_rank(hit.trace_id, evaluated=hit.evaluated)
