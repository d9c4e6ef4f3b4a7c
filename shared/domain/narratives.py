"""What a model told of a failure, after every check: nothing here is only the model's word."""

from pydantic import Field

from shared.domain.model import Model
from shared.domain.taxonomy import FailureType


class NamedStep(Model):
    """A type that the model names, with a quote that stands word for word in the step that it blames."""

    failure_type: FailureType
    span_id: str
    quote: str


class NarrativeCause(NamedStep):
    """Why it happened: a checked sentence beside its quote."""

    cause: str


class Narrative(Model):
    """The checked answer to one question; `capture_hash` is the content that it was asked of.

    The sentences name tools and arguments, never values, so that they may be
    said of another capture of the group; steps and quotes are of this one alone.
    `actions` are ids of our own advice. `dropped` counts what did not pass, by
    kind; `disagreements` say where the model contradicts the rules.
    """

    prompt: str
    prompt_hash: str
    model: str
    capture_hash: str
    title: str = ""
    trigger: str = ""
    causes: tuple[NarrativeCause, ...] = ()
    evidence: tuple[NamedStep, ...] = ()
    actions: tuple[str, ...] = ()
    failure_types: tuple[FailureType, ...] = ()
    failing_span_id: str | None = None
    cause_span_id: str | None = None
    confidence: float = Field(ge=0, le=1)
    confidence_reason: str
    spoken_to: bool = False
    dropped: dict[str, int] = {}
    disagreements: tuple[str, ...] = ()
