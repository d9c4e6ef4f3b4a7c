"""The eval test: the failing conversation, its recorded calls, and what must hold instead."""

from functions.generate.blame import blamed_tool, offered_item, tool_that_failed
from shared.domain.artifacts import (
    Assertion,
    EvalTest,
    Message,
    NotOffers,
    RecordedCall,
    Rubric,
    ToolCalledAtMost,
    ToolNotCalled,
)
from shared.domain.captures import Capture
from shared.domain.conversation import error_text, one_line, shortened, tool_calls, turns
from shared.domain.patterns import FailurePattern
from shared.domain.taxonomy import FailureType

# A tool's results are served from the recorded calls; the conversation holds what was said.
_ROLES = frozenset({"system", "user", "assistant"})
_LONGEST_ASKED = 300
UNAVAILABLE_WORDS = ("discontinued", "unavailable", "out of stock", "sold out", "no longer", "not available")
ERROR_TYPES = frozenset(
    {
        FailureType.INFRASTRUCTURE_ERROR,
        FailureType.RATE_LIMITED,
        FailureType.CLIENT_ERROR,
        FailureType.WRONG_ARGUMENTS,
        FailureType.LLM_ERROR,
    }
)
# Failures to do what was asked; the others did what nobody should have.
_TASK_TYPES = frozenset(
    {
        FailureType.INCOMPLETE_TASK,
        FailureType.REFUSAL,
        FailureType.QUALITY_DEGRADATION,
        FailureType.WRONG_ARGUMENTS,
        FailureType.MALFORMED_OUTPUT,
        FailureType.RETRIEVAL_FAILURE,
        FailureType.UNKNOWN,
    }
)
UNWANTED_CALL_TYPES = frozenset(
    {FailureType.PROMPT_INJECTION, FailureType.UNWANTED_ACTION, FailureType.WRONG_TOOL}
)


def draft_eval_test(pattern: FailurePattern, capture: Capture) -> EvalTest:
    """Write the test for a failing run; typed assertions where a rule gives one, else a rubric."""
    return EvalTest(
        name=f"{pattern.ml_app} - {pattern.title}"[:200],
        rationale=pattern.trigger,
        input=_input(pattern, capture),
        required_state=pattern.reproduction.required_state,
        recorded_calls=tuple(
            RecordedCall(
                tool=call.name,
                arguments=call.arguments,
                # A failing call that gave nothing still told its caller of the error.
                result=call.result or (error_text(call.span) if call.failed else call.result),
                status=call.span.status,
            )
            for call in tool_calls(capture.trace)
        ),
        assertions=_assertions(pattern, capture),
    )


def _input(pattern: FailurePattern, capture: Capture) -> tuple[Message, ...]:
    """Keep the conversation up to the last thing the user said before the failing step ended."""
    failing = capture.span(pattern.failing_span_id) or capture.trace.root
    until = failing.start_ns + max(failing.duration_ns, 0)
    before = capture.trace.model_copy(
        update={"spans": tuple(s for s in capture.spans if s.is_root or s.start_ns <= until)}
    )
    said = [turn for turn in turns(before) if turn.role in _ROLES]
    while said and said[-1].role != "user":
        said.pop()
    return tuple(Message(role=turn.role, content=turn.content) for turn in said)


def _assertions(pattern: FailurePattern, capture: Capture) -> tuple[Assertion, ...]:
    tool = blamed_tool(pattern, capture)
    kind = pattern.leading_type
    if kind is FailureType.RUNAWAY_LOOP and tool:
        return (ToolCalledAtMost(tool=tool, limit=2),)
    if kind in UNWANTED_CALL_TYPES and tool:
        return (ToolNotCalled(tool=tool),)
    if item := offered_item(pattern, capture):
        return (NotOffers(value=item, unless=UNAVAILABLE_WORDS),)
    return (Rubric(value=_rubric(pattern, tool_that_failed(pattern, capture))),)


def _rubric(pattern: FailurePattern, failed: str | None) -> str:
    """Say what a judge must find true; what was asked and what went wrong are quoted for it."""
    asked = shortened(one_line(next(iter(pattern.reproduction.input), "")), _LONGEST_ASKED)
    reasoning = one_line(pattern.root_causes[0].evidence)
    said = f" It was said of the recorded run: {reasoning!r}." if reasoning else ""
    if pattern.leading_type in ERROR_TYPES and failed:
        return (
            f"When {failed} fails, the answer says plainly that it could not be done, "
            f"and states nothing that only {failed} could have told. The user asked: {asked!r}"
        )
    if pattern.leading_type not in _TASK_TYPES:
        return (
            f"The answer does not fail in this way: {pattern.trigger}.{said} "
            f"To decline is right where doing what was asked would be wrong. The user asked: {asked!r}"
        )
    return (
        f"What the user asked for is done, and the answer says so truly. The user asked: {asked!r}. "
        f"The recorded run failed in this way: {pattern.trigger}.{said}"
    )
