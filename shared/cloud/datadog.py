"""What asks Datadog, made from the settings."""

import time
from datetime import timedelta
from typing import NamedTuple

from shared.cloud.datadog_access import DatadogAccess
from shared.cloud.datadog_client import DatadogClient
from shared.cloud.datadog_monitors import DatadogMonitors
from shared.cloud.datadog_traces import RETENTION, DatadogTraces, Pace
from shared.errors import ConfigError
from shared.ports import Access, Clock, Monitors, TraceSource
from shared.settings import Settings

_PATIENCE_SECONDS = 20.0
_FOREVER = timedelta(days=20 * 365)


class Datadog(NamedTuple):
    """What asks Datadog, over one client."""

    traces: TraceSource
    monitors: Monitors


def datadog_of(settings: Settings, clock: Clock, *, patience_seconds: float | None) -> Datadog:
    """Ask with both keys.

    Raises:
        ConfigError: one of them is missing.
    """
    if not settings.asks_datadog:
        raise ConfigError("Datadog cannot be asked: set DATADOG_API_KEY and DATADOG_APP_KEY")
    client = _client(settings)
    traces = DatadogTraces(
        client,
        settings.signal_rules,
        clock=clock,
        sleep=time.sleep,
        lookback=settings.lookback,
        pace=Pace(
            patience_seconds=patience_seconds or _PATIENCE_SECONDS,
            # What stands for Datadog keeps what it was given, however old that is.
            retention=_FOREVER if settings.datadog_api_url else RETENTION,
        ),
    )
    return Datadog(traces, DatadogMonitors(client))


def access_of(settings: Settings, clock: Clock) -> Access:
    """Ask with what keys there are: the API key alone is enough to hear whether it is valid."""
    return DatadogAccess(_client(settings), clock)


def _client(settings: Settings) -> DatadogClient:
    if settings.datadog_api_key is None:
        raise ConfigError("Datadog cannot be asked: set DATADOG_API_KEY")
    return DatadogClient(
        api_key=settings.datadog_api_key.get_secret_value(),
        app_key=settings.datadog_app_key.get_secret_value() if settings.datadog_app_key else "",
        site=settings.datadog_site,
        host=settings.datadog_api_url,
    )
