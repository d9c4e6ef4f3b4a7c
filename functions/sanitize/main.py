"""Entry point of sanitize: one trace in, its capture out."""

import functions_framework
from cloudevents.http import CloudEvent

from functions.sanitize.capture import Sanitizer
from shared import runtime, wiring
from shared.messages import TraceFound


@functions_framework.cloud_event
def sanitize(event: CloudEvent) -> None:
    """Redact and store one trace."""
    parts = wiring.current()
    runtime.handle_in_pages(
        event,
        TraceFound,
        lambda message: Sanitizer.of(parts).run(message),
        stage="sanitize",
        parts=parts,
    )
