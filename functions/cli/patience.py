"""Searches that wait as long as Datadog asks to: somebody looks on, and may stop it."""

import time
from collections.abc import Callable

from functions.backfill.counting import Searched
from shared.cloud.datadog_failures import DatadogUnavailableError
from shared.ports import HitPage, TraceQuery

_SHORTEST_WAIT = 1.0


class Patient:
    """A trace source for a command that cannot come back later."""

    def __init__(
        self, traces: Searched, *, tell: Callable[[str], None], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Search nothing yet."""
        self._traces = traces
        self._tell = tell
        self._sleep = sleep

    def search(self, query: TraceQuery, *, cursor: str | None = None) -> HitPage:
        """Search, however often Datadog asks to come back; raises where it does not say when."""
        while True:
            try:
                return self._traces.search(query, cursor=cursor)
            except DatadogUnavailableError as error:
                if error.retry_after is None:
                    raise
                wait = max(error.retry_after, _SHORTEST_WAIT)
            self._tell(f"Datadog asks to wait for {wait:.0f} s")
            self._sleep(wait)
