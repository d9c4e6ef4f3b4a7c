"""Entry point of find_failures: one alert in, the traces to fetch out."""

import functions_framework
from cloudevents.http import CloudEvent

from functions.find_failures.search import FailureSearch
from shared import runtime, wiring
from shared.messages import AlertRaised


@functions_framework.cloud_event
def find_failures(event: CloudEvent) -> None:
    """Search for what one alert is about."""
    parts = wiring.current()
    runtime.handle_in_pages(
        event,
        AlertRaised,
        lambda message: FailureSearch.of(parts).run(message),
        stage="find_failures",
        parts=parts,
    )
