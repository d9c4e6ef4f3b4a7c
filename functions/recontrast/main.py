"""Entry point of recontrast: the schedule's tick in, failures to extract again out."""

import functions_framework
from cloudevents.http import CloudEvent

from functions.recontrast.sweeping import recontrast_failures
from shared import runtime, wiring
from shared.messages import ContrastsDue


@functions_framework.cloud_event
def recontrast(event: CloudEvent) -> None:
    """Hold failures against the healthy runs that there are now."""
    parts = wiring.current()
    runtime.handle_in_pages(
        event,
        ContrastsDue,
        lambda _: recontrast_failures(
            contrasts=parts.contrasts, courses=parts.courses, patterns=parts.patterns
        ),
        stage="recontrast",
        parts=parts,
    )
