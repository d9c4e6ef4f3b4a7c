"""The signature: what is stable in a failure, from the capture alone."""

import re

from functions.extract.rules.finding import Finding
from shared.domain.canonical import digest
from shared.domain.captures import Capture
from shared.domain.conversation import tool_calls, user_turns
from shared.domain.courses import is_reading
from shared.domain.patterns import Signature
from shared.domain.taxonomy import FailureType
from shared.redaction.pseudonyms import ANY_PSEUDONYM

SIGNATURE_VERSION = "2"
_WORD = re.compile(r"[^\W\d_]{2,}")
_VARIABLE = re.compile(rf"{ANY_PSEUDONYM.pattern}|\b(?=\w*\d)\w+\b")


def signature_of(
    capture: Capture, failure_types: tuple[FailureType, ...], findings: tuple[Finding, ...]
) -> Signature:
    """Name a failure by its leading type, and the rule that explains it.

    Where no rule explains it, by what the run changed and what was asked: a
    group never changes, so it must not join what only looks alike. Groups of
    one problem find each other by similarity afterwards.
    """
    parts = [f"type:{failure_types[0]}"]
    if findings:
        parts.append(f"rule:{findings[0].rule}:{findings[0].stable}")
    else:
        parts += sorted({f"signal:{signal.source}" for signal in capture.signals})
        parts.append("changed:" + ",".join(changing_tools(capture)))
        parts.append("asked:" + _request(capture))
    return Signature(version=SIGNATURE_VERSION, parts=tuple(parts))


def is_by_rule(signature: Signature) -> bool:
    """Say whether a rule explains the failure: then it names the step, which signals alone only guess."""
    return any(part.startswith("rule:") for part in signature.parts)


def _request(capture: Capture) -> str:
    """Hash the words of the opening request: no numbers, no placeholders, no casing."""
    asked = next(iter(user_turns(capture.trace)), "")
    return digest(" ".join(_WORD.findall(_VARIABLE.sub(" ", asked).lower())), length=12)


def changing_tools(capture: Capture) -> list[str]:
    """List the tools that changed something and succeeded, each once, in order of name."""
    calls = tool_calls(capture.trace)
    return sorted({call.name for call in calls if not call.failed and not is_reading(call.name)})
