"""Entry point of sanitize: one trace in, its capture out."""

import functions_framework
from cloudevents.http import CloudEvent

from functions.sanitize.capture import sanitize_trace
from shared import runtime, wiring
from shared.messages import TraceFound


@functions_framework.cloud_event
def sanitize(event: CloudEvent) -> None:
    """Redact and store one trace."""
    parts = wiring.current()
    runtime.handle(
        event,
        TraceFound,
        lambda message: sanitize_trace(
            message,
            traces=parts.traces,
            captures=parts.captures,
            healthy=parts.healthy,
            patterns=parts.patterns,
            suggestions=parts.suggestions,
            rules=parts.settings.signal_rules,
            redaction=parts.redaction,
            clock=parts.clock,
            delay=parts.settings.evaluation_delay,
        ),
        stage="sanitize",
        parts=parts,
    )
