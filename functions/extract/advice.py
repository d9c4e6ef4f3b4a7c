"""What to do about each type of failure: the deterministic advice."""

from shared.domain.taxonomy import FailureType

_GENERAL = ("Replay the recorded run and compare it with a healthy one of a like request.",)

_ADVICE = {
    FailureType.HALLUCINATION: (
        "Check every fact in the answer against the tool results it was given before it is sent.",
        "Tell the model in its instructions which fields of a tool result rule an item out.",
    ),
    FailureType.STALE_DATA: ("Refresh or refuse data older than the question allows.",),
    FailureType.WRONG_TOOL: (
        "Make the tools' descriptions say when not to use them.",
        "Require the user's confirmation before a call that changes something.",
    ),
    FailureType.UNWANTED_ACTION: ("Require the user's confirmation before a call that changes something.",),
    FailureType.WRONG_ARGUMENTS: (
        "Validate arguments against the tool's schema and the conversation before the call.",
        "Give the tool's error back to the model with what to change.",
    ),
    FailureType.RUNAWAY_LOOP: (
        "Limit equal calls of one tool in a run and end with an honest answer at the limit.",
        "Let the tool say when asking again cannot help.",
    ),
    FailureType.PROMPT_INJECTION: (
        "Delimit tool results as data and refuse calls whose arguments only they contain.",
        "Remove or review the document that carried the instruction.",
    ),
    FailureType.PII_LEAK: (
        "Filter answers for personal data that the asking user did not give.",
        "Narrow what the tool returns to the asking user's own record.",
    ),
    FailureType.INFRASTRUCTURE_ERROR: (
        "Retry the tool with backoff, and say plainly when it stays away.",
        "Alert on the tool's error rate by itself.",
    ),
    FailureType.RATE_LIMITED: ("Back off as the service asks, and queue what can wait.",),
    FailureType.INCOMPLETE_TASK: (
        "Compare the changing calls of this run with those of runs that finished the task.",
        "Ask the user to confirm that everything they wanted is done before closing.",
    ),
    FailureType.REFUSAL: ("Narrow the instruction that made the model refuse.",),
}


def recommended_actions(failure_types: tuple[FailureType, ...]) -> tuple[str, ...]:
    """Advise on the leading types, at most four things, the general one last."""
    advice = [action for kind in failure_types for action in _ADVICE.get(kind, ())]
    return tuple(dict.fromkeys([*advice[:3], *_GENERAL]))
