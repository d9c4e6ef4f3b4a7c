"""The three artifacts, each with a place for its proof."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from shared.domain.model import Instant, Model
from shared.domain.taxonomy import FailureType


class ArtifactKind(StrEnum):
    """The three things that a suggestion carries."""

    EVAL = "eval"
    GUARDRAIL = "guardrail"
    RUNBOOK = "runbook"


class DraftStatus(StrEnum):
    """Whether an artifact is complete, or lacks something that only a person knows."""

    DRAFT = "draft"
    NEEDS_HUMAN_INPUT = "needs_human_input"


class ProofState(StrEnum):
    """What running the artifact has shown; nothing counts as shown until it was run."""

    UNPROVEN = "unproven"
    PROVEN = "proven"
    FITTED = "fitted"
    RED_ONLY = "red_only"
    BROKEN = "broken"


class Proof(Model):
    """The recorded result of running an artifact."""

    state: ProofState = ProofState.UNPROVEN
    detail: str = "not run yet"
    run_at: Instant | None = None


# Assertion names follow promptfoo's where it has the type.


class NotOffers(Model):
    """The answer must not name this item, unless it says one of these words of it."""

    type: Literal["not-contains-unless"] = "not-contains-unless"
    value: str
    unless: tuple[str, ...]


class ToolCalledAtMost(Model):
    """A tool may be called with equal arguments at most `limit` times."""

    type: Literal["tool-call-count"] = "tool-call-count"
    tool: str
    same_arguments: Literal[True] = True
    limit: int


class ToolNotCalled(Model):
    """A tool must not be called."""

    type: Literal["not-tool-called"] = "not-tool-called"
    tool: str


class Rubric(Model):
    """What a judge must find true of the answer."""

    type: Literal["llm-rubric"] = "llm-rubric"
    value: str


Assertion = Annotated[NotOffers | ToolCalledAtMost | ToolNotCalled | Rubric, Field(discriminator="type")]


class Message(Model):
    """One turn of the conversation that leads to the failure."""

    role: str
    content: str


class RecordedCall(Model):
    """A tool call of the failing run, served again when the test is run."""

    tool: str
    arguments: JsonValue
    result: JsonValue
    status: str


class EvalTest(Model):
    """A test that reproduces the failure."""

    kind: Literal[ArtifactKind.EVAL] = ArtifactKind.EVAL
    name: str
    rationale: str
    input: tuple[Message, ...]
    required_state: dict[str, str]
    recorded_calls: tuple[RecordedCall, ...]
    assertions: tuple[Assertion, ...] = Field(min_length=1)


class RepeatedCallRule(Model):
    """Fires when a tool is called with equal arguments more than `limit` times."""

    type: Literal["repeated_call"] = "repeated_call"
    tool: str
    same_arguments: Literal[True] = True
    limit: int


class UnavailableItemRule(Model):
    """Fires when an answer offers an item that a tool result marks as unavailable."""

    type: Literal["unavailable_item"] = "unavailable_item"
    field: str
    values: tuple[str, ...]


class ConfirmBeforeRule(Model):
    """Fires when a state-changing tool is called before the user confirmed."""

    type: Literal["confirm_before"] = "confirm_before"
    tool: str


class ToolErrorRule(Model):
    """Fires when the run goes on to answer after this tool failed and was not called again."""

    type: Literal["unrecovered_tool_error"] = "unrecovered_tool_error"
    tool: str


class StepErrorRule(Model):
    """Fires when a step of this name ends in an error."""

    type: Literal["step_error"] = "step_error"
    step: str


class SensitiveOutputRule(Model):
    """Fires when an answer holds personal data or secrets that the sanitizer finds."""

    type: Literal["sensitive_output"] = "sensitive_output"


class EvaluationRule(Model):
    """Fires when an evaluation of this label fails on the answer."""

    type: Literal["evaluation_fails"] = "evaluation_fails"
    label: str


GuardrailRule = Annotated[
    RepeatedCallRule
    | UnavailableItemRule
    | ConfirmBeforeRule
    | ToolErrorRule
    | StepErrorRule
    | SensitiveOutputRule
    | EvaluationRule,
    Field(discriminator="type"),
]


class Guardrail(Model):
    """A rule that would have stopped the failure, as data."""

    kind: Literal[ArtifactKind.GUARDRAIL] = ArtifactKind.GUARDRAIL
    name: str
    rationale: str
    rule: GuardrailRule
    action: Literal["block", "flag"]


class RunbookSection(Model):
    """A heading and its Markdown; text from traces is escaped in it."""

    heading: str
    body: str


class Runbook(Model):
    """What the next person on call does."""

    kind: Literal[ArtifactKind.RUNBOOK] = ArtifactKind.RUNBOOK
    title: str
    sections: tuple[RunbookSection, ...]

    @property
    def markdown(self) -> str:
        """The whole runbook as Markdown."""
        body = "\n\n".join(f"## {section.heading}\n\n{section.body}" for section in self.sections)
        return f"# {self.title}\n\n{body}\n"


ArtifactContent = Annotated[EvalTest | Guardrail | Runbook, Field(discriminator="kind")]


class Artifact(Model):
    """One revision of one artifact with its proof; made from the capture of `source_trace_id`.

    `issued_ids` are the ids that we put into the content ourselves: no finding
    of the sanitizer among them stops the artifact from leaving.
    """

    id: str
    suggestion_id: str
    kind: ArtifactKind
    revision: int
    generator_version: str
    failure_type: FailureType
    source_trace_id: str
    issued_ids: tuple[str, ...]
    status: DraftStatus
    content: ArtifactContent
    proof: Proof
    digest: str


class ArtifactRef(Model):
    """What a suggestion says of its current artifact of a kind."""

    revision: int
    status: DraftStatus
    proof: ProofState
    digest: str
