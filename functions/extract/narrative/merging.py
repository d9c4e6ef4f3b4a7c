"""Joins what rules say of a capture with a checked narrative of it, or of another one of its group.

Signature, group, severity and the leading type are the rules' alone: they are
the same whether a model was asked or not. Types that a model adds stand behind
the rules', in the order of precedence, each with a quote.
"""

from functions.extract.advice import recommended_actions
from functions.extract.narrative.sentences import named_in, names_of
from functions.extract.signature import is_by_rule
from shared.domain.captures import Capture
from shared.domain.model_calls import Usage
from shared.domain.narratives import Narrative, NarrativeCause
from shared.domain.patterns import FailurePattern, RootCause, TypeEvidence
from shared.domain.taxonomy import FailureType, by_precedence, phrase

MOST_CAUSES = 3
SURE = 0.95
# How much of what is missing to being sure an agreement gives, and a contradiction leaves.
_BY_AGREEMENT = 0.5
_AFTER_CONTRADICTION = 0.85
SPOKEN_TO = "the capture speaks to whoever reads it, so nothing is said in the model's words"
_BY_MODEL = "the model names it and quotes the step"


def with_narrative(
    pattern: FailurePattern,
    narrative: Narrative,
    capture: Capture,
    *,
    usage: Usage | None = None,
    cost_usd: float = 0.0,
) -> FailurePattern:
    """Tell a capture's failure with a narrative; `pattern` is what rules say of that capture.

    Of another capture's narrative only the sentences and the advice are taken,
    and of the sentences those whose names stand in this one too: steps, quotes,
    types and confidence remain what the rules find here.
    """
    own = narrative.capture_hash == capture.content_hash
    kinds = _kinds(pattern, narrative) if own else pattern.failure_types
    told = _causes_here(pattern, narrative, capture) if not own else _causes(narrative)
    title, trigger = (_said_here(text, capture) for text in (narrative.title, narrative.trigger))
    return pattern.model_copy(
        update={
            "title": f"{phrase(pattern.leading_type)}: {title}" if title and told else pattern.title,
            "trigger": trigger or pattern.trigger,
            "failure_types": kinds,
            "evidence": _evidence(pattern, narrative, kinds) if own else pattern.evidence,
            "root_causes": _joined(told, pattern.root_causes),
            "recommended_actions": recommended_actions(kinds, narrative.actions),
            **(_of_this_capture(pattern, narrative) if own else {}),
            "extractor": pattern.extractor.model_copy(
                update=_extractor(narrative, usage or Usage(), cost_usd, own=own)
            ),
        }
    )


def _of_this_capture(pattern: FailurePattern, narrative: Narrative) -> dict[str, object]:
    confidence, reason = _confidence(pattern, narrative)
    # A step that a rule names stays; what signals alone guess, a quote outweighs.
    failing = None if is_by_rule(pattern.signature) else narrative.failing_span_id
    return {
        "failing_span_id": failing or pattern.failing_span_id,
        "cause_span_id": pattern.cause_span_id or narrative.cause_span_id,
        "confidence": confidence,
        "confidence_reason": reason,
        "disagreements": narrative.disagreements,
    }


def _kinds(pattern: FailurePattern, narrative: Narrative) -> tuple[FailureType, ...]:
    added = {one.failure_type for one in narrative.evidence} - {*pattern.failure_types}
    return (*pattern.failure_types, *by_precedence(added))


def _evidence(
    pattern: FailurePattern, narrative: Narrative, kinds: tuple[FailureType, ...]
) -> tuple[TypeEvidence, ...]:
    told = [TypeEvidence(reason=_BY_MODEL, **one.model_dump()) for one in narrative.evidence]
    return tuple(sorted([*pattern.evidence, *told], key=lambda one: kinds.index(one.failure_type)))


def _causes(narrative: Narrative) -> list[RootCause]:
    return [
        RootCause(cause=one.cause, failure_type=one.failure_type, span_id=one.span_id, evidence=one.quote)
        for one in narrative.causes
    ]


def _causes_here(pattern: FailurePattern, narrative: Narrative, capture: Capture) -> list[RootCause]:
    """Give each cause the step and the quote that the rules find here for its type, or leave it out."""
    names = names_of(capture)
    return [
        found.model_copy(update={"cause": one.cause})
        for one in narrative.causes
        if (found := _found_here(pattern, one)) and named_in(one.cause) <= names
    ]


def _found_here(pattern: FailurePattern, cause: NarrativeCause) -> RootCause | None:
    return next((one for one in pattern.root_causes if one.failure_type is cause.failure_type), None)


def _said_here(sentence: str, capture: Capture) -> str:
    return sentence if named_in(sentence) <= names_of(capture) else ""


def _joined(told: list[RootCause], by_rules: tuple[RootCause, ...]) -> tuple[RootCause, ...]:
    """Put the model's causes first, and always keep one place for what rules alone have found."""
    seen = {(one.failure_type, one.span_id) for one in told}
    others = [one for one in by_rules if (one.failure_type, one.span_id) not in seen]
    return (*told[: MOST_CAUSES - min(len(others), 1)], *others)[:MOST_CAUSES]


def _confidence(pattern: FailurePattern, narrative: Narrative) -> tuple[float, str]:
    """Raise what both say, and lower what they contradict each other in; neither where it was spoken to."""
    told = [pattern.confidence_reason]
    confidence = pattern.confidence
    if narrative.spoken_to:
        return confidence, f"{pattern.confidence_reason}; {SPOKEN_TO}"
    if narrative.disagreements:
        confidence *= _AFTER_CONTRADICTION ** len(narrative.disagreements)
        told += narrative.disagreements
    elif _agrees(pattern, narrative):
        confidence += max(0.0, SURE - confidence) * _BY_AGREEMENT * narrative.confidence
        told.append("the model, with a quote, agrees on type and step")
        told.append(narrative.confidence_reason)
    if narrative.dropped:
        told.append(f"{sum(narrative.dropped.values())} things that the model said did not pass the checks")
    return round(confidence, 4), "; ".join(one for one in told if one)


def _agrees(pattern: FailurePattern, narrative: Narrative) -> bool:
    quoted = any(one.failure_type is pattern.leading_type for one in narrative.evidence)
    return quoted and (
        narrative.failing_span_id == pattern.failing_span_id or not is_by_rule(pattern.signature)
    )


def _extractor(narrative: Narrative, usage: Usage, cost_usd: float, *, own: bool) -> dict[str, object]:
    return {
        "kind": "model",
        "model": narrative.model,
        "prompt": narrative.prompt,
        "prompt_hash": narrative.prompt_hash,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cost_usd": cost_usd,
        "latency_ms": round(usage.seconds * 1000),
        "upgrade_pending": False,
        "reason": SPOKEN_TO if own and narrative.spoken_to else "",
    }
