"""Entry point of find_failures: one alert in, the traces to fetch out."""

import functions_framework
from cloudevents.http import CloudEvent

from functions.find_failures.search import FailureSearch, Pages
from functions.find_failures.where import Lateness
from shared import runtime, wiring
from shared.messages import AlertRaised


@functions_framework.cloud_event
def find_failures(event: CloudEvent) -> None:
    """Search for what one alert is about."""
    parts = wiring.current()

    def run(message: AlertRaised) -> Pages:
        return FailureSearch(
            incidents=parts.incidents,
            searches=parts.searches,
            traces=parts.traces,
            monitors=parts.monitors,
            captures=parts.captures,
            healthy=parts.healthy,
            clock=parts.clock,
            late=Lateness(parts.settings.lookback, parts.settings.evaluation_delay),
            polls=parts.settings.poll_datadog,
        ).run(message)

    runtime.handle_in_pages(event, AlertRaised, run, stage="find_failures", parts=parts)
