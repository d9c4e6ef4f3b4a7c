"""What Datadog's monitors watch for."""

from typing import Protocol

from pydantic import JsonValue

from shared.cloud.datadog_query import monitor_query, scope_in
from shared.errors import EvalForgeError
from shared.logs import describe, logger
from shared.ports import Watched


class Reads(Protocol):
    """What is needed of Datadog's client."""

    def monitor(self, monitor_id: int) -> dict[str, JsonValue]:
        """Read a monitor's definition."""


class DatadogMonitors:
    """The monitors of one Datadog organisation."""

    def __init__(self, client: Reads) -> None:
        """Ask nothing yet."""
        self._client = client

    def watched(self, monitor_id: str) -> Watched | None:
        """Say what a monitor watches for; None where it cannot be read, or is of another kind.

        An alert says by itself where to look, only less exactly: no search waits for its monitor.
        """
        if not (monitor_id.isascii() and monitor_id.isdecimal()):
            return None
        try:
            definition = self._client.monitor(int(monitor_id)).get("query")
        except EvalForgeError as error:
            logger("datadog").warning("searching without the monitor's definition: %s", describe(error))
            return None
        told = monitor_query(definition) if isinstance(definition, str) else None
        return told and Watched(told.query, told.window, **scope_in(told.query))
