"""What extraction says about a capture, and the signature that groups it."""

from pydantic import Field

from shared.domain.canonical import digest
from shared.domain.courses import Reference
from shared.domain.ids import group_id
from shared.domain.model import Instant, Model
from shared.domain.taxonomy import TAXONOMY_VERSION, FailureType, Severity


class TypeEvidence(Model):
    """Why a type is named: the signal or finding, and a verbatim quote from the span."""

    failure_type: FailureType
    span_id: str
    reason: str
    quote: str = ""


class RootCause(Model):
    """One hypothesis of why it happened, with what supports it."""

    cause: str
    failure_type: FailureType
    span_id: str
    evidence: str


class ToolUse(Model):
    """A tool call of the failing run, with how its arguments and its recorded result begin.

    Whole they stand in the capture's span.
    """

    name: str
    span_id: str
    status: str
    arguments: str = ""
    result: str = ""


class Reproduction(Model):
    """What it takes to run into the failure again."""

    input: tuple[str, ...]
    required_state: dict[str, str]
    tools: tuple[ToolUse, ...]


class Signature(Model):
    """What is stable in a failure, by rules and from the capture alone."""

    version: str
    parts: tuple[str, ...]

    @property
    def digest(self) -> str:
        """The hash that names the signature."""
        return digest(self.version, *self.parts)

    @property
    def failure_type(self) -> FailureType:
        """The leading type by the capture alone: that of its group, whatever else comes to light."""
        return FailureType(self.parts[0].removeprefix("type:"))


class Extractor(Model):
    """Who extracted a pattern: rules alone, or a model beside them.

    `version` is that of the rules. What a model told names its prompt by id and
    hash, and what the one call for its group took; a pattern that is
    `upgrade_pending` was to be told by a model; `reason` says why it was not, and
    `attempt` names the call that came to nothing.
    """

    kind: str
    version: str
    model: str | None = None
    prompt: str | None = None
    prompt_hash: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    latency_ms: int = 0
    upgrade_pending: bool = False
    reason: str = ""
    attempt: str = ""


class FailurePattern(Model):
    """What failed in one trace, where, why, and with which evidence.

    `references` are the healthy runs that it was held against; None where what
    the capture itself tells was enough. `gist` says by the capture alone what
    happened: what groups are found by must not change with the control group or
    with a model. `disagreements` say where a model contradicts the rules, whose
    word stands. A pattern is withdrawn when its trace turns out healthy: an
    evaluation can come late.
    """

    trace_id: str
    capture_hash: str
    ml_app: str
    env: str
    title: str
    failure_types: tuple[FailureType, ...] = Field(min_length=1)
    evidence: tuple[TypeEvidence, ...]
    failing_span_id: str
    cause_span_id: str | None
    trigger: str
    root_causes: tuple[RootCause, ...]
    recommended_actions: tuple[str, ...]
    reproduction: Reproduction
    severity: Severity
    confidence: float = Field(ge=0, le=1)
    confidence_reason: str
    extractor: Extractor
    signature: Signature
    gist: str = ""
    started_at: Instant | None = None
    references: tuple[Reference, ...] | None = None
    disagreements: tuple[str, ...] = ()
    former_group_ids: tuple[str, ...] = ()
    withdrawn: bool = False
    taxonomy_version: str = TAXONOMY_VERSION

    @property
    def leading_type(self) -> FailureType:
        """The type that explains most."""
        return self.failure_types[0]

    @property
    def group_id(self) -> str:
        """The group that the pattern's failure belongs to."""
        return group_id(self.ml_app, self.env, self.signature.version, self.signature.digest)
