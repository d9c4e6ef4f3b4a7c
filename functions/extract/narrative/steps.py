"""Short names for a capture's steps, in place of ids that callers chose."""

from shared.domain.captures import Capture


def alias_at(place: int) -> str:
    """Name the step at a place, counted from 0."""
    return f"s{place + 1}"


def aliases_of(capture: Capture) -> dict[str, str]:
    """Name every step by its place: what a span's id says is never shown to a model, nor taken from it."""
    return {span.span_id: alias_at(place) for place, span in enumerate(capture.spans)}


def ids_by_alias(capture: Capture) -> dict[str, str]:
    """Find the span's id that a name stands for."""
    return {alias_at(place): span.span_id for place, span in enumerate(capture.spans)}
