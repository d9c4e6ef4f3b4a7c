"""The ways to extract that are held beside each other: by rules, by a model, by both."""

from collections.abc import Callable, Mapping

from functions.extract.narrative.checks import checked
from functions.extract.narrative.merging import with_narrative
from functions.extract.narrative.prompt import narrative_prompt
from functions.extract.narrative.question import question_of
from shared.cloud.gemini import GeminiModel
from shared.domain.captures import Capture
from shared.domain.model_calls import ModelPrice, Usage
from shared.domain.narratives import Narrative
from shared.domain.patterns import FailurePattern
from shared.domain.taxonomy import FailureType
from shared.ports import TextModel
from shared.settings import Settings

Arm = Callable[[Capture], FailurePattern]


def arms_of(settings: Settings, by_rules: Mapping[str, FailurePattern]) -> dict[str, Arm]:
    """Name every arm; `by_rules` has what the rules say of each trace once the queues have drained."""

    def rules(capture: Capture) -> FailurePattern:
        return by_rules[capture.trace_id]

    return {"rules": rules, **asking_arms(settings, rules)}


def asking_arms(settings: Settings, rules: Arm) -> dict[str, Arm]:
    """Name the arms that ask a model: `model`, which is shown nothing of the rules, and `both`.

    An arm says in its pattern's extractor what a call cost and took, and raises
    ModelTroubleError where no answer came of it.
    """
    model = GeminiModel(settings.project, settings.vertex_ai_location, settings.gemini_model)
    return arms_asking(model, settings.model_price, rules)


def arms_asking(model: TextModel, price: ModelPrice, rules: Arm) -> dict[str, Arm]:
    """Let any model be asked."""

    def both(capture: Capture) -> FailurePattern:
        by_rules = rules(capture)
        narrative, usage = _told(model, capture, by_rules)
        return with_narrative(by_rules, narrative, capture, usage=usage, cost_usd=price.cost_of(usage))

    def alone(capture: Capture) -> FailurePattern:
        unaided = _unaided(rules(capture), capture)
        narrative, usage = _told(model, capture, unaided)
        told = with_narrative(unaided, narrative, capture, usage=usage, cost_usd=price.cost_of(usage))
        own = {
            "failure_types": narrative.failure_types or unaided.failure_types,
            "failing_span_id": narrative.failing_span_id or unaided.failing_span_id,
            "cause_span_id": narrative.cause_span_id,
            "confidence": narrative.confidence,
        }
        return told.model_copy(update=own)

    return {"model": alone, "both": both}


def _told(model: TextModel, capture: Capture, pattern: FailurePattern) -> tuple[Narrative, Usage]:
    prompt = narrative_prompt()
    answer = model.answer(question_of(capture, pattern, prompt).request)
    narrative = checked(answer.text, capture, pattern, prompt=prompt, model=model.name)
    return narrative, answer.usage


def _unaided(pattern: FailurePattern, capture: Capture) -> FailurePattern:
    """Take from a pattern what the rules have found."""
    nothing = {
        "failure_types": (FailureType.UNKNOWN,),
        "evidence": (),
        "root_causes": (),
        "failing_span_id": capture.trace.root.span_id,
        "cause_span_id": None,
    }
    return pattern.model_copy(update=nothing)
