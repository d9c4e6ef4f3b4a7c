"""Entry point of find_failures: one alert in, the traces to fetch out."""

import functions_framework
from cloudevents.http import CloudEvent

from functions.find_failures.search import search_failures
from shared import runtime, wiring
from shared.messages import AlertRaised


@functions_framework.cloud_event
def find_failures(event: CloudEvent) -> None:
    """Search for what one alert is about."""
    parts = wiring.current()
    runtime.handle(
        event,
        AlertRaised,
        lambda message: search_failures(
            message,
            incidents=parts.incidents,
            traces=parts.traces,
            captures=parts.captures,
        ),
        stage="find_failures",
        parts=parts,
    )
