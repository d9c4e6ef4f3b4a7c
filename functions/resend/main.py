"""Entry point of resend: the schedule's tick in, messages whose time has come out."""

import functions_framework
from cloudevents.http import CloudEvent

from functions.resend.resending import resend_due
from shared import runtime, wiring
from shared.messages import ResendDue


@functions_framework.cloud_event
def resend(event: CloudEvent) -> None:
    """Send again what is due."""
    parts = wiring.current()
    runtime.handle(
        event,
        ResendDue,
        lambda _: resend_due(parts.dead_letters, parts.publisher, clock=parts.clock),
        stage="resend",
        parts=parts,
    )
