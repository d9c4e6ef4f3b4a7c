"""Entry point of deduplicate: one pattern in, its suggestion out."""

import functions_framework
from cloudevents.http import CloudEvent

from functions.deduplicate.grouping import deduplicate_pattern
from shared import runtime, wiring
from shared.messages import PatternStored


@functions_framework.cloud_event
def deduplicate(event: CloudEvent) -> None:
    """Count one failure into its suggestion."""
    parts = wiring.current()
    runtime.handle(
        event,
        PatternStored,
        lambda message: deduplicate_pattern(
            message,
            patterns=parts.patterns,
            captures=parts.captures,
            groups=parts.groups,
            suggestions=parts.suggestions,
            embedder=parts.embedder,
            threshold=parts.settings.similarity_threshold or parts.embedder.same_problem,
        ),
        stage="deduplicate",
        parts=parts,
    )
