"""From a model's answer to a narrative: what cannot be read is refused, what does not pass is left out.

docs/decisions/2026-11-28-what-a-model-may-say.md says why each check is there.
"""

from collections import Counter

from pydantic import JsonValue, ValidationError

from functions.extract.advice import ADVICE, actions_for
from functions.extract.narrative.answer import NO_STEP, REASONS, Told
from functions.extract.narrative.directives import speaks_to_the_reader, texts_of
from functions.extract.narrative.prompt import Prompt
from functions.extract.narrative.sentences import copied_from, fault_of, names_of, tidied
from functions.extract.narrative.steps import ids_by_alias
from functions.extract.signature import is_by_rule
from shared.domain.captures import Capture
from shared.domain.conversation import leaf_texts
from shared.domain.model_calls import Trouble
from shared.domain.narratives import NamedStep, Narrative, NarrativeCause
from shared.domain.patterns import FailurePattern
from shared.domain.spans import Span
from shared.domain.taxonomy import FailureType
from shared.errors import ModelTroubleError

LONGEST_ANSWER = 50_000
SHORTEST_QUOTE, LONGEST_QUOTE = 8, 400
# What is left of the model's confidence for each thing that did not pass.
_AFTER_DROP = 0.8
_NOT_JSON = ("json_invalid", "string_unicode")
_KINDS = {kind.value: kind for kind in FailureType}


def checked(text: str, capture: Capture, pattern: FailurePattern, *, prompt: Prompt, model: str) -> Narrative:
    """Check the text of an answer against the capture that it was asked of.

    Raises ModelTroubleError where the text is no JSON, or has another form than
    the one that was asked for. Whatever else does not pass is left out and counted.
    """
    told = _read(text)
    checks = _Checks(told, capture, pattern)
    # In this order, for each asks what the ones before have left.
    evidence = checks.evidence()
    trigger = checks.trigger()
    kinds = checks.kinds()
    causes = checks.causes()
    title = checks.title(causes)
    actions = checks.actions()
    failing, cause = checks.step(told.failing_span), checks.step(told.cause_span)
    reason = REASONS.get(told.confidence_reason) or checks.drop("reason")
    return Narrative(
        prompt=prompt.id,
        prompt_hash=prompt.hash,
        model=model,
        capture_hash=capture.content_hash,
        title=title,
        trigger=trigger,
        causes=causes,
        evidence=tuple(one for one in evidence if one.failure_type in kinds),
        actions=actions,
        failure_types=kinds,
        failing_span_id=failing,
        cause_span_id=cause,
        confidence=round(told.confidence * _AFTER_DROP ** checks.dropped.total(), 4),
        confidence_reason=reason,
        spoken_to=checks.spoken_to,
        dropped=dict(sorted(checks.dropped.items())),
        disagreements=() if checks.spoken_to else _disagreements(pattern, kinds, failing),
    )


def is_quote(quote: str, span: Span) -> bool:
    """Say whether a quote stands word for word in a step; a few letters would stand in any."""
    if not quote.strip() or len(quote) > LONGEST_QUOTE:
        return False
    texts = leaf_texts([span.input, span.output, span.metadata, span.extra, _judged(span)])
    return any(quote == text or (len(quote.strip()) >= SHORTEST_QUOTE and quote in text) for text in texts)


class _Checks:
    """The checks of one answer, and how often which of them failed."""

    def __init__(self, told: Told, capture: Capture, pattern: FailurePattern) -> None:
        self.dropped: Counter[str] = Counter()
        self.spoken_to = speaks_to_the_reader(capture)
        self._told = told
        self._capture = capture
        self._pattern = pattern
        self._steps = ids_by_alias(capture)
        self._names = names_of(capture)
        sentences = [told.title, told.trigger.sentence, *(one.cause for one in told.root_causes)]
        self._copied = copied_from(texts_of(capture), [tidied(one) for one in sentences])
        self._evidence: dict[int, NamedStep] = {}
        self._blamed = {one for one in (pattern.failing_span_id, pattern.cause_span_id) if one}
        self._quoted: set[str] = set()
        self._kinds: tuple[FailureType, ...] = ()

    def drop(self, kind: str) -> str:
        """Count that something did not pass; nothing stands in its place."""
        self.dropped[kind] += 1
        return ""

    def evidence(self) -> tuple[NamedStep, ...]:
        """Keep of each cause its type, step and quote, where the quote stands in the step."""
        for at, cause in enumerate(self._told.root_causes):
            kind = _KINDS.get(cause.failure_type)
            span_id = self._quoted_step(cause.span, cause.quote)
            if kind is None:
                self.drop("type")
            elif span_id:
                self._evidence[at] = NamedStep(failure_type=kind, span_id=span_id, quote=cause.quote)
        return tuple(dict.fromkeys(self._evidence.values()))

    def trigger(self) -> str:
        """Keep what set the failure off, where its quote stands in its step."""
        told = self._told.trigger
        return self._sentence(told.sentence) if self._quoted_step(told.span, told.quote) else ""

    def kinds(self) -> tuple[FailureType, ...]:
        """Keep the types that the rules name too, or that a quote speaks for.

        Where the capture speaks to its reader, a quote may be there for this:
        then only what that itself may be counts beside what the rules say.
        """
        quoted = {one.failure_type for one in self._evidence.values()}
        allowed = quoted & {FailureType.PROMPT_INJECTION} if self.spoken_to else quoted
        allowed |= {*self._pattern.failure_types}
        kept: dict[FailureType, None] = {}
        for name in self._told.failure_types:
            kind = _KINDS.get(name)
            if kind in allowed:
                kept[kind] = None
            else:
                self.drop("type" if kind is None else "unquoted_type")
        self._kinds = tuple(kept)
        return self._kinds

    def causes(self) -> tuple[NarrativeCause, ...]:
        """Keep the causes whose quote and type stand, and whose sentence may be said."""
        standing = [
            (self._told.root_causes[at].cause, one)
            for at, one in self._evidence.items()
            if one.failure_type in self._kinds
        ]
        for _ in range(len(self._evidence) - len(standing)):
            self.drop("unnamed_type")
        return tuple(
            NarrativeCause(cause=said, **one.model_dump())
            for cause, one in standing
            if (said := self._sentence(cause))
        )

    def title(self, causes: tuple[NarrativeCause, ...]) -> str:
        """Keep the title where a cause stands below it: alone it would be nobody's to check."""
        return self._sentence(self._told.title) if causes else self.drop("unquoted_title")

    def actions(self) -> tuple[str, ...]:
        """Keep the chosen advice that is about a type that the failure has."""
        fitting = actions_for((*self._pattern.failure_types, *self._kinds))
        chosen = dict.fromkeys(self._told.recommended_actions)
        kept = tuple(one for one in chosen if one in fitting)
        for one in chosen.keys() - {*kept}:
            self.drop("action" if one in ADVICE else "unknown_action")
        return kept

    def step(self, alias: str) -> str | None:
        """Keep a blamed step that a standing quote is of, or that the rules blame too."""
        if alias == NO_STEP:
            return None
        span_id = self._steps.get(alias)
        if span_id not in (self._blamed if self.spoken_to else self._blamed | self._quoted):
            self.drop("step" if span_id is None else "unquoted_step")
            return None
        return span_id

    def _sentence(self, text: str) -> str:
        """Keep a sentence that may be said; none where the capture speaks to its reader."""
        said = tidied(text)
        if not said:
            return ""
        if self.spoken_to:
            return self.drop("spoken_to")
        if said in self._copied:
            return self.drop("copied")
        fault = fault_of(said, self._names)
        return self.drop(f"sentence_{fault}") if fault else said

    def _quoted_step(self, alias: str, quote: str) -> str | None:
        span_id = self._steps.get(alias)
        span = self._capture.span(span_id) if span_id else None
        if span is None:
            self.drop("step")
        elif not is_quote(quote, span):
            self.drop("quote")
        else:
            self._quoted.add(span.span_id)
            return span.span_id
        return None


def _read(text: str) -> Told:
    if len(text) > LONGEST_ANSWER:
        raise ModelTroubleError("the answer is longer than any good one", Trouble.WRONG_SCHEMA)
    try:
        return Told.model_validate_json(text)
    except ValidationError as error:
        not_json = any(one["type"] in _NOT_JSON for one in error.errors(include_input=False))
    # Outside of the handler, so that no traceback carries what the model wrote.
    if not_json:
        raise ModelTroubleError("the answer is no JSON", Trouble.NOT_JSON)
    raise ModelTroubleError("the answer has another form than was asked for", Trouble.WRONG_SCHEMA)


def _judged(span: Span) -> list[JsonValue]:
    return [told.reasoning for told in span.evaluations.values() if told.reasoning]


def _disagreements(
    pattern: FailurePattern, kinds: tuple[FailureType, ...], failing: str | None
) -> tuple[str, ...]:
    told: list[str] = []
    if kinds and kinds[0] is not pattern.leading_type:
        told.append(f"the model puts {kinds[0].value} first, the rules {pattern.leading_type.value}")
    if failing and failing != pattern.failing_span_id and is_by_rule(pattern.signature):
        told.append("the model blames another step than the rules")
    return tuple(told)
