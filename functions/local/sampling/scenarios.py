"""Which ways to fail can be shown, in the order in which they are."""

from functions.local.sampling import actions, answers, faults, safety
from functions.local.sampling.story import Scenario
from shared.domain.taxonomy import FailureType

SCENARIOS: dict[FailureType, Scenario] = {
    FailureType.HALLUCINATION: answers.hallucination,
    FailureType.WRONG_TOOL: actions.wrong_tool,
    FailureType.PROMPT_INJECTION: safety.prompt_injection,
    FailureType.RUNAWAY_LOOP: actions.runaway_loop,
    FailureType.PII_LEAK: safety.pii_leak,
    FailureType.INFRASTRUCTURE_ERROR: faults.infrastructure_error,
    FailureType.UNWANTED_ACTION: actions.unwanted_action,
    FailureType.WRONG_ARGUMENTS: actions.wrong_arguments,
    FailureType.INCOMPLETE_TASK: actions.incomplete_task,
    FailureType.STALE_DATA: answers.stale_data,
    FailureType.RETRIEVAL_FAILURE: answers.retrieval_failure,
    FailureType.CITATION_MISSING: answers.citation_missing,
    FailureType.INSTRUCTION_VIOLATION: answers.instruction_violation,
    FailureType.TOXICITY: safety.toxicity,
    FailureType.GUARDRAIL_FAILURE: safety.guardrail_failure,
    FailureType.MALFORMED_OUTPUT: answers.malformed_output,
    FailureType.REFUSAL: answers.refusal,
    FailureType.QUALITY_DEGRADATION: answers.quality_degradation,
    FailureType.RATE_LIMITED: faults.rate_limited,
    FailureType.CONTEXT_OVERFLOW: faults.context_overflow,
    FailureType.CLIENT_ERROR: faults.client_error,
    FailureType.LLM_ERROR: faults.llm_error,
    FailureType.LATENCY: faults.latency,
}
