"""Entry point of bury: a message that was delivered too often."""

import functions_framework
from cloudevents.http import CloudEvent

from functions.bury.burial import bury_message
from shared import wiring


@functions_framework.cloud_event
def bury(event: CloudEvent) -> None:
    """Keep one message that every attempt has failed."""
    parts = wiring.current()
    bury_message(event, dead_letters=parts.dead_letters, clock=parts.clock)
