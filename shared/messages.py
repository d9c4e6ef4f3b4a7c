"""What the topics carry: ids, never payloads."""

from pydantic import ConfigDict

from shared.domain.model import Model

SCHEMA_VERSION = "1"


class Message(Model):
    """A message body; fields that a newer sender added are ignored."""

    model_config = ConfigDict(extra="ignore")


class AlertRaised(Message):
    """Look for failures as this incident says."""

    incident_id: str


class TraceFound(Message):
    """Fetch, redact and classify this trace."""

    trace_id: str
    incident_id: str


class CaptureStored(Message):
    """A failing trace stands sanitized in the store."""

    trace_id: str


class PatternStored(Message):
    """A capture has a pattern with these contents."""

    trace_id: str


class SuggestionChanged(Message):
    """A suggestion has members that its summary does not know yet."""

    suggestion_id: str


class ArtifactsDrafted(Message):
    """A suggestion's artifacts were written."""

    suggestion_id: str
