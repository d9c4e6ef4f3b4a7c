"""What the topics carry: ids, never payloads."""

from pydantic import ConfigDict

from shared.domain.model import Model
from shared.topology import Topic

SCHEMA_VERSION = "1"


class Message(Model):
    """A message body; fields that a newer sender added are ignored."""

    model_config = ConfigDict(extra="ignore")


class AlertRaised(Message):
    """Look for failures as this incident says."""

    incident_id: str


class TraceFound(Message):
    """Fetch, redact and classify this trace; or, where it is told so, redact again what is stored of it.

    `look` is how it looked to the search that found it. One that `waited` was
    found before, and has a place in its control group only now.
    """

    trace_id: str
    incident_id: str = ""
    look: str = ""
    stored: bool = False
    waited: bool = False


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


class ResendDue(Message):
    """Send those dead letters again whose time has come."""


class ContrastsDue(Message):
    """Hold failures anew against the healthy runs of applications where these have changed."""


CARRIED: dict[Topic, type[Message]] = {
    Topic.ALERTS: AlertRaised,
    Topic.FAILURES: TraceFound,
    Topic.CAPTURES: CaptureStored,
    Topic.PATTERNS: PatternStored,
    Topic.SUGGESTIONS: SuggestionChanged,
    Topic.ARTIFACTS: ArtifactsDrafted,
    Topic.RESENDS: ResendDue,
    Topic.CONTRASTS: ContrastsDue,
}
