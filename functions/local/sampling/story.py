"""What happened in one run, step by step, before it is laid out as spans."""

from typing import NamedTuple, Protocol

from pydantic import JsonValue

from functions.local.sampling.shop import Shop
from functions.local.sampling.world import Person

JsonObject = dict[str, JsonValue]
RETRIEVALS = frozenset({"search_help_articles"})


class Verdict(NamedTuple):
    """What an evaluator said of the run, or of one step."""

    label: str
    assessment: str | None
    value: str | float
    reasoning: str


class Fault(NamedTuple):
    """How a step broke: the class of the error, its text, and the HTTP status where there was one."""

    kind: str
    text: str
    http_status: int | None = None


class Asked(NamedTuple):
    """The user says something."""

    text: str


class Used(NamedTuple):
    """The model asks for a tool, and the tool answers; `judged` is about the model's step."""

    tool: str
    arguments: JsonObject
    result: JsonObject
    said: str = ""
    fault: Fault | None = None
    judged: tuple[Verdict, ...] = ()
    seconds: float | None = None


class Answered(NamedTuple):
    """The model says something to the user."""

    text: str
    seconds: float | None = None
    # What a long history came to, where the story does not tell all of it.
    input_tokens: int | None = None


class Broke(NamedTuple):
    """A call of the model ends in an error."""

    fault: Fault
    seconds: float | None = None
    input_tokens: int | None = None


class Checked(NamedTuple):
    """A step of the application's own: no model, no tool."""

    name: str
    given: JsonObject
    came_to: JsonObject
    metadata: JsonObject


Step = Asked | Used | Answered | Broke | Checked


class Story(NamedTuple):
    """One run: who asked, what happened, and what was said of it; `answer` where no step gave it."""

    customer: Person
    steps: tuple[Step, ...]
    verdicts: tuple[Verdict, ...]
    workflow: str = ""
    answer: str = ""
    failed: bool = False
    metadata: JsonObject | None = None


class Scenario(Protocol):
    """A kind of request that can go wrong in one way."""

    def __call__(self, shop: Shop, *, wrong: bool) -> Story:
        """Tell of a run that went wrong, or of a like one that went right."""


def passed(label: str, value: str | float, reasoning: str) -> Verdict:
    """Say that an evaluator was content."""
    return Verdict(label, "pass", value, reasoning)


def failed(label: str, value: str | float, reasoning: str) -> Verdict:
    """Say that an evaluator was not."""
    return Verdict(label, "fail", value, reasoning)


def scored(label: str, value: float, reasoning: str) -> Verdict:
    """Give a number that nobody has called good or bad."""
    return Verdict(label, None, value, reasoning)


def complete(reasoning: str) -> Verdict:
    """Say that the user got what was asked for."""
    return passed("goal_completeness", "complete", reasoning)


def incomplete(reasoning: str) -> Verdict:
    """Say that the user did not."""
    return failed("goal_completeness", "incomplete", reasoning)
