"""What the keys for Datadog may do, found out by calls that change nothing."""

from datetime import timedelta
from typing import Protocol

from pydantic import JsonValue

from shared.cloud.datadog_query import search_body
from shared.errors import NotFoundError
from shared.ports import Clock

# As long as the search's own window, of which the least is asked for.
_WINDOW = timedelta(minutes=15)
# An id that hardly any monitor has: whether it may be read is answered all the same.
_SOME_MONITOR = 1


class Asks(Protocol):
    """What is needed of Datadog's client."""

    def validate(self) -> None:
        """Ask whether the API key is valid."""

    def search(self, body: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Search LLM Observability spans."""

    def monitor(self, monitor_id: int) -> dict[str, JsonValue]:
        """Read a monitor's definition."""


class DatadogAccess:
    """The keys of one Datadog organisation."""

    def __init__(self, client: Asks, clock: Clock) -> None:
        """Ask nothing yet."""
        self._client = client
        self._clock = clock

    def check_key(self) -> None:
        """Find out whether the API key is valid."""
        self._client.validate()

    def check_search(self) -> None:
        """Find out whether spans may be searched."""
        now = self._clock()
        self._client.search(search_body(since=now - _WINDOW, until=now, limit=1, attachments=False))

    def check_monitors(self) -> None:
        """Find out whether monitors may be read."""
        try:
            self._client.monitor(_SOME_MONITOR)
        except NotFoundError:
            return
