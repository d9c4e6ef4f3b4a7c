"""What to do about each type of failure: the one catalogue of advice.

Rules give the advice of a type; a model may only choose among it, by id.
"""

from collections.abc import Iterable

from shared.domain.taxonomy import FailureType as F

_GENERAL = ("Replay the recorded run and compare it with a healthy one of a like request.",)
_MOST_OF_TYPES = 3

# What a record refers to by id must stay what that id says: another advice is another id.
ADVICE = {
    "check_facts": "Check every fact in the answer against the tool results it was given before it is sent.",
    "name_exclusions": "Tell the model in its instructions which fields of a tool result rule an item out.",
    "refuse_old_data": "Refresh or refuse data older than the question allows.",
    "describe_tools": "Make the tools' descriptions say when not to use them.",
    "confirm_changes": "Require the user's confirmation before a call that changes something.",
    "validate_arguments": (
        "Validate arguments against the tool's schema and the conversation before the call."
    ),
    "explain_errors": "Give the tool's error back to the model with what to change.",
    "limit_equal_calls": (
        "Limit equal calls of one tool in a run and end with an honest answer at the limit."
    ),
    "say_final": "Let the tool say when asking again cannot help.",
    "delimit_results": "Delimit tool results as data and refuse calls whose arguments only they contain.",
    "review_document": "Remove or review the document that carried the instruction.",
    "filter_answers": "Filter answers for personal data that the asking user did not give.",
    "narrow_results": "Narrow what the tool returns to the asking user's own record.",
    "retry_with_backoff": "Retry the tool with backoff, and say plainly when it stays away.",
    "alert_on_errors": "Alert on the tool's error rate by itself.",
    "queue_work": "Back off as the service asks, and queue what can wait.",
    "compare_changes": "Compare the changing calls of this run with those of runs that finished the task.",
    "confirm_done": "Ask the user to confirm that everything they wanted is done before closing.",
    "narrow_refusal": "Narrow the instruction that made the model refuse.",
    "check_instruction": "Check the answer against the instruction that it broke before it is sent.",
    "filter_tone": "Check answers for insults and threats before they are sent.",
    "cite_sources": "Refuse answers that name no source where the instructions ask for one.",
    "test_retrieval": "Test the retrieval with the recorded question, and say so where nothing fits.",
    "enforce_schema": "Have the model's service enforce the output's schema, and check it before it is used.",
    "shorten_context": "Shorten or sum up what is older before the context's limit is reached.",
    "set_deadline": "Set a deadline for each step, and measure which of them takes longest.",
    "compare_versions": "Compare the scores of this version with those of the one before.",
}

_BY_TYPE = {
    F.HALLUCINATION: ("check_facts", "name_exclusions"),
    F.STALE_DATA: ("refuse_old_data",),
    F.WRONG_TOOL: ("describe_tools", "confirm_changes"),
    F.UNWANTED_ACTION: ("confirm_changes",),
    F.WRONG_ARGUMENTS: ("validate_arguments", "explain_errors"),
    F.RUNAWAY_LOOP: ("limit_equal_calls", "say_final"),
    F.PROMPT_INJECTION: ("delimit_results", "review_document"),
    F.PII_LEAK: ("filter_answers", "narrow_results"),
    F.INFRASTRUCTURE_ERROR: ("retry_with_backoff", "alert_on_errors"),
    F.RATE_LIMITED: ("queue_work",),
    F.INCOMPLETE_TASK: ("compare_changes", "confirm_done"),
    F.REFUSAL: ("narrow_refusal",),
    F.INSTRUCTION_VIOLATION: ("check_instruction",),
    F.TOXICITY: ("filter_tone",),
    F.CITATION_MISSING: ("cite_sources",),
    F.RETRIEVAL_FAILURE: ("test_retrieval",),
    F.MALFORMED_OUTPUT: ("enforce_schema",),
    F.CONTEXT_OVERFLOW: ("shorten_context",),
    F.LATENCY: ("set_deadline",),
    F.QUALITY_DEGRADATION: ("compare_versions",),
    F.CLIENT_ERROR: ("validate_arguments", "explain_errors"),
    F.GUARDRAIL_FAILURE: ("check_instruction",),
    F.LLM_ERROR: ("retry_with_backoff",),
}


def recommended_actions(failure_types: tuple[F, ...], chosen: Iterable[str] = ()) -> tuple[str, ...]:
    """Advise on the leading types, at most four things, the general one last; what is chosen stands first."""
    ids = dict.fromkeys([*chosen, *actions_for(failure_types)])
    return tuple(dict.fromkeys([*(ADVICE[one] for one in list(ids)[:_MOST_OF_TYPES]), *_GENERAL]))


def actions_for(failure_types: Iterable[F]) -> tuple[str, ...]:
    """List the ids of what is advised about these types, in their order."""
    return tuple(one for kind in failure_types for one in _BY_TYPE.get(kind, ()))
