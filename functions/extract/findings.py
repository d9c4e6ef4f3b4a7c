"""The rules in their order: the finding that explains the others first."""

from collections.abc import Callable

from functions.extract.error_types import type_of_error
from functions.extract.rules.answers import contradicted_value, unavailable_item
from functions.extract.rules.arguments import invented_argument
from functions.extract.rules.calls import alternating_calls, repeated_call
from functions.extract.rules.claims import claimed_success
from functions.extract.rules.errors import unrecovered_error
from functions.extract.rules.finding import Finding, error_template
from functions.extract.rules.injection import leaked_prompt, obeyed_instruction
from functions.extract.rules.outputs import (
    malformed_output,
    mismatched_arguments,
    refusal,
    truncated_output,
)
from functions.extract.rules.verdicts import judged_step
from functions.extract.rules.view import CaptureView
from shared.domain.captures import Capture

__all__ = ["RULES", "Finding", "Rule", "error_template", "findings_of", "type_of_error"]

Rule = Callable[[CaptureView], Finding | None]

RULES: tuple[Rule, ...] = (
    obeyed_instruction,
    leaked_prompt,
    alternating_calls,
    repeated_call,
    claimed_success,
    unavailable_item,
    contradicted_value,
    invented_argument,
    mismatched_arguments,
    unrecovered_error,
    truncated_output,
    malformed_output,
    refusal,
    judged_step,
)


def findings_of(capture: Capture) -> tuple[Finding, ...]:
    """Ask every rule, in the order in which a finding explains the others."""
    view = CaptureView(capture)
    return tuple(finding for rule in RULES if (finding := rule(view)) is not None)
