"""Entry point of extract: one capture in, its failure pattern out."""

import functions_framework
from cloudevents.http import CloudEvent

from functions.extract.extraction import extract_pattern
from functions.extract.narrative.asking import narrator_of
from shared import runtime, wiring
from shared.messages import CaptureStored


@functions_framework.cloud_event
def extract(event: CloudEvent) -> None:
    """Say what failed in one capture."""
    parts = wiring.current()
    runtime.handle(
        event,
        CaptureStored,
        lambda message: extract_pattern(
            message,
            captures=parts.captures,
            patterns=parts.patterns,
            courses=parts.courses,
            narrator=narrator_of(parts),
        ),
        stage="extract",
        parts=parts,
    )
