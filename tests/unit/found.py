"""What a rule finds in a capture, and a check that it quotes what stands there."""

from functools import partial

from functions.extract.findings import Finding, findings_of
from shared.domain.captures import Capture
from shared.domain.conversation import leaf_texts


def found(rule: str, capture: Capture) -> Finding | None:
    """Ask the rules as the stage does, and pick what one of them says."""
    told = [finding for finding in findings_of(capture) if finding.rule == rule]
    assert len(told) <= 1
    assert all(is_quoted(finding, capture) for finding in told)
    return told[0] if told else None


def the(finding: Finding | None) -> Finding:
    """Take a finding that has to be there."""
    assert finding is not None
    return finding


def is_quoted(finding: Finding, capture: Capture) -> bool:
    """Say whether a quote stands word for word in the blamed step or in the cause."""
    spans = [capture.span(name) for name in (finding.span_id, finding.cause_span_id) if name]
    texts = [text for span in spans if span for text in leaf_texts(span.model_dump(mode="json"))]
    return bool(finding.quote) and any(finding.quote in text for text in texts)


alternating_calls = partial(found, "alternating_calls")
claimed_success = partial(found, "claimed_success")
contradicted_value = partial(found, "contradicted_value")
invented_argument = partial(found, "invented_argument")
judged_step = partial(found, "judged_step")
leaked_prompt = partial(found, "leaked_prompt")
malformed_output = partial(found, "malformed_output")
mismatched_arguments = partial(found, "mismatched_arguments")
obeyed_instruction = partial(found, "obeyed_instruction")
refusal = partial(found, "refusal")
repeated_call = partial(found, "repeated_call")
truncated_output = partial(found, "truncated_output")
unavailable_item = partial(found, "unavailable_item")
unrecovered_error = partial(found, "unrecovered_error")
