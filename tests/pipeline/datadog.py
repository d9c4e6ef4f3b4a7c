"""A Datadog for the commands to talk to, whose every exchange is held to its description."""

from collections.abc import Iterator
from contextlib import contextmanager

from functions.local.datadog.server import Exchange, StandIn, serving
from tests.contract.openapi import hold


@contextmanager
def a_datadog(stand_in: StandIn | None = None) -> Iterator[tuple[StandIn, list[Exchange]]]:
    """Serve the stand-in, and tell what was asked of it."""
    stand_in = stand_in or StandIn(api_key="key-3f9a", app_key="key-77c1")
    exchanges: list[Exchange] = []
    stand_in.observe = exchanges.append
    with serving(stand_in):
        yield stand_in, exchanges
    hold(exchanges)


def keys_of(stand_in: StandIn) -> dict[str, str]:
    """Spell the variables by which a command finds it."""
    return {
        "DATADOG_API_URL": stand_in.url,
        "DATADOG_API_KEY": stand_in.api_key,
        "DATADOG_APP_KEY": stand_in.app_key,
    }
