"""The one list of ways to fail, from the first signal to the last artifact."""

import re
from enum import StrEnum

TAXONOMY_VERSION = "1"


class FailureType(StrEnum):
    """A way in which an LLM application fails; the order is that of precedence among signals."""

    PROMPT_INJECTION = "prompt_injection"
    PII_LEAK = "pii_leak"
    TOXICITY = "toxicity"
    GUARDRAIL_FAILURE = "guardrail_failure"
    UNWANTED_ACTION = "unwanted_action"
    RUNAWAY_LOOP = "runaway_loop"
    HALLUCINATION = "hallucination"
    STALE_DATA = "stale_data"
    WRONG_TOOL = "wrong_tool"
    WRONG_ARGUMENTS = "wrong_arguments"
    INSTRUCTION_VIOLATION = "instruction_violation"
    CITATION_MISSING = "citation_missing"
    RETRIEVAL_FAILURE = "retrieval_failure"
    MALFORMED_OUTPUT = "malformed_output"
    CONTEXT_OVERFLOW = "context_overflow"
    RATE_LIMITED = "rate_limited"
    INFRASTRUCTURE_ERROR = "infrastructure_error"
    CLIENT_ERROR = "client_error"
    LLM_ERROR = "llm_error"
    REFUSAL = "refusal"
    INCOMPLETE_TASK = "incomplete_task"
    QUALITY_DEGRADATION = "quality_degradation"
    LATENCY = "latency"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    """How bad a failure is for the person it happened to."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


_PRECEDENCE = {kind: rank for rank, kind in enumerate(FailureType)}
_SEVERITY_RANK = {severity: rank for rank, severity in enumerate(Severity)}

_SEVERITIES = {
    FailureType.PROMPT_INJECTION: Severity.CRITICAL,
    FailureType.PII_LEAK: Severity.CRITICAL,
    FailureType.GUARDRAIL_FAILURE: Severity.CRITICAL,
    FailureType.RUNAWAY_LOOP: Severity.CRITICAL,
    FailureType.UNWANTED_ACTION: Severity.HIGH,
    FailureType.TOXICITY: Severity.HIGH,
    FailureType.HALLUCINATION: Severity.HIGH,
    FailureType.WRONG_TOOL: Severity.HIGH,
    FailureType.WRONG_ARGUMENTS: Severity.HIGH,
    FailureType.STALE_DATA: Severity.HIGH,
    FailureType.INFRASTRUCTURE_ERROR: Severity.HIGH,
    FailureType.LATENCY: Severity.LOW,
}

_LABELS = {
    "hallucination": FailureType.HALLUCINATION,
    "faithfulness": FailureType.HALLUCINATION,
    "groundedness": FailureType.HALLUCINATION,
    "prompt_injection": FailureType.PROMPT_INJECTION,
    "jailbreak": FailureType.PROMPT_INJECTION,
    "toxicity": FailureType.TOXICITY,
    "input_toxicity": FailureType.TOXICITY,
    "output_toxicity": FailureType.TOXICITY,
    "failure_to_answer": FailureType.REFUSAL,
    "refusal": FailureType.REFUSAL,
    "language_mismatch": FailureType.INSTRUCTION_VIOLATION,
    "topic_relevancy": FailureType.INSTRUCTION_VIOLATION,
    "instruction_following": FailureType.INSTRUCTION_VIOLATION,
    "tool_selection": FailureType.WRONG_TOOL,
    "tool_argument_correctness": FailureType.WRONG_ARGUMENTS,
    "goal_completeness": FailureType.INCOMPLETE_TASK,
    "sensitive_data": FailureType.PII_LEAK,
    "pii": FailureType.PII_LEAK,
    "citation": FailureType.CITATION_MISSING,
    "context_relevance": FailureType.RETRIEVAL_FAILURE,
    "guardrail": FailureType.GUARDRAIL_FAILURE,
    "guardrails": FailureType.GUARDRAIL_FAILURE,
    "guardrail_failed": FailureType.GUARDRAIL_FAILURE,
    "guardrails_failed": FailureType.GUARDRAIL_FAILURE,
    "json_validity": FailureType.MALFORMED_OUTPUT,
}
# A team that calls an evaluation as the taxonomy calls a failure means that failure.
_NAMES = {kind.value: kind for kind in FailureType if kind is not FailureType.UNKNOWN}


def by_precedence(kinds: set[FailureType]) -> tuple[FailureType, ...]:
    """Order types by how much they explain; the first leads."""
    return tuple(sorted(kinds, key=_PRECEDENCE.__getitem__))


def label_name(label: str) -> str:
    """Bring the spellings of an evaluation's label together."""
    return re.sub(r"[-_. ]+", "_", label.strip().lower())


def type_of_label(label: str, own_labels: dict[str, FailureType]) -> FailureType:
    """Map an evaluation's label to a type; a team's own mapping wins over Datadog's usual names and ours."""
    name = label_name(label)
    known = _LABELS.get(name) or _NAMES.get(name, FailureType.QUALITY_DEGRADATION)
    return own_labels.get(label) or own_labels.get(name) or known


def phrase(kind: FailureType) -> str:
    """Spell a type as the beginning of a title."""
    words = kind.value.replace("_", " ").capitalize()
    return words.replace("Pii", "PII").replace("Llm", "LLM")


def severity_of(kind: FailureType) -> Severity:
    """Say how bad a type is unless a signal says otherwise."""
    return _SEVERITIES.get(kind, Severity.MEDIUM)


def worst(severities: list[Severity]) -> Severity:
    """Pick the worst of several severities; medium where there is none."""
    return max(severities, key=_SEVERITY_RANK.__getitem__, default=Severity.MEDIUM)


def severity_rank(severity: Severity) -> int:
    """Order severities: 0 is low, 3 is critical."""
    return _SEVERITY_RANK[severity]
