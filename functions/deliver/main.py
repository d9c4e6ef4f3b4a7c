"""Entry point of deliver: one finished suggestion in, a notice out."""

import functions_framework
from cloudevents.http import CloudEvent

from functions.deliver.notices import deliver_notice
from shared import runtime, wiring
from shared.messages import ArtifactsDrafted


@functions_framework.cloud_event
def deliver(event: CloudEvent) -> None:
    """Tell people about one suggestion."""
    parts = wiring.current()
    runtime.handle(
        event,
        ArtifactsDrafted,
        lambda message: deliver_notice(
            message,
            suggestions=parts.suggestions,
            outbox=parts.outbox,
            notifier=parts.notifier,
            clock=parts.clock,
        ),
        stage="deliver",
        parts=parts,
    )
