"""How many traces a window has, before anything is ordered."""

from typing import NamedTuple, Protocol

from functions.backfill.orders import query_of
from shared.domain.incidents import Incident
from shared.ports import HitPage, TraceQuery


class Searched(Protocol):
    """What is needed of a trace source."""

    def search(self, query: TraceQuery, *, cursor: str | None = None) -> HitPage:
        """Find traces, failing and healthy ones, ids only."""


class Counted(NamedTuple):
    """How many traces a window has that no window counted before it had."""

    failing: int
    healthy: int


class Census:
    """Counts what searches find, each trace once: one that goes on into the next window is found in both."""

    def __init__(self, traces: Searched) -> None:
        """Search nothing yet."""
        self._traces = traces
        self._failing: set[str] = set()
        self._seen: set[str] = set()

    @property
    def failing(self) -> int:
        """How many failing traces were found so far."""
        return len(self._failing)

    @property
    def healthy(self) -> int:
        """How many traces were found so far of which nothing says that they fail."""
        return len(self._seen) - len(self._failing)

    def count(self, incident: Incident) -> Counted:
        """Search one window to its end."""
        before = Counted(self.failing, self.healthy)
        query, cursor = query_of(incident), None
        while True:
            page = self._traces.search(query, cursor=cursor)
            self._seen.update(hit.trace_id for hit in page.hits)
            self._failing.update(hit.trace_id for hit in page.hits if hit.failing)
            if (cursor := page.cursor) is None:
                return Counted(self.failing - before.failing, self.healthy - before.healthy)
