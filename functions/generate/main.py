"""Entry point of generate: one suggestion in, its artifacts out."""

import functions_framework
from cloudevents.http import CloudEvent

from functions.generate.generation import generate_artifacts
from shared import runtime, wiring
from shared.messages import SuggestionChanged


@functions_framework.cloud_event
def generate(event: CloudEvent) -> None:
    """Write what one suggestion proposes."""
    parts = wiring.current()
    runtime.handle(
        event,
        SuggestionChanged,
        lambda message: generate_artifacts(
            message,
            suggestions=parts.suggestions,
            patterns=parts.patterns,
            captures=parts.captures,
            artifacts=parts.artifacts,
        ),
        stage="generate",
        parts=parts,
    )
