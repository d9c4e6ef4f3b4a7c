"""Asks a model for a failure's narrative: once for each group, within the budgets, and never in the way."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from functions.extract.narrative.checks import checked
from functions.extract.narrative.directives import speaks_to_the_reader
from functions.extract.narrative.merging import SPOKEN_TO, with_narrative
from functions.extract.narrative.prompt import Prompt, narrative_prompt
from functions.extract.narrative.question import question_of
from shared.domain.canonical import digest
from shared.domain.captures import Capture
from shared.domain.model_calls import Budgets, ModelCall, ModelPrice, Trouble, Usage
from shared.domain.patterns import FailurePattern
from shared.errors import ModelTroubleError, UnavailableError
from shared.logs import logger
from shared.ports import Clock, TextModel
from shared.repositories.narratives import KnownEntry, Narratives, Put, Told
from shared.repositories.spend import Spend, added
from shared.wiring import Wiring

_PURPOSE = "extract"
BUDGET_SPENT = "the budget of the day is spent"
# A call ends by itself before; what is written after it has a little room.
LEASE = timedelta(seconds=45)
_WAIT_SECONDS, _LONGEST_POLL = 40.0, 0.5
# Trouble that passes by itself, and trouble that somebody has to mend or another capture may not have.
_SOON, _LATER = timedelta(minutes=1), timedelta(hours=1)
_LONGEST_WAIT = 86_400.0
_PASSING = frozenset({Trouble.RATE_LIMITED, Trouble.UNAVAILABLE, Trouble.DEADLINE})
_TO_MEND = frozenset({Trouble.MODEL_GONE, Trouble.DENIED, Trouble.REFUSED})


@dataclass(frozen=True)
class Narrator:
    """Tells failures in a model's checked words; where there is no model, or no answer, the rules' stay."""

    model: TextModel
    prompt: Prompt
    price: ModelPrice
    budgets: Budgets
    narratives: Narratives
    spend: Spend
    clock: Clock
    sleep: Callable[[float], None] = field(default=time.sleep)

    def has_told(self, pattern: FailurePattern) -> bool:
        """Say whether a stored pattern was told by this model and prompt."""
        extractor = pattern.extractor
        told = (extractor.model, extractor.prompt_hash) == (self.model.name, self.prompt.hash)
        return told and not extractor.upgrade_pending

    def tell(self, pattern: FailurePattern, capture: Capture, *, attempt: str = "") -> FailurePattern:
        """Tell a pattern with its group's narrative, asked for if nobody has; else mark it for an upgrade.

        `attempt` is the failed call that this capture was put off by before: who
        comes again after that very call asks anew, unless the service said when.

        Raises:
            UnavailableError: somebody else is asking, and has not come to an end in time.
        """
        wait, waited = 0.02, 0.0
        speaks = speaks_to_the_reader(capture)
        while True:
            known, now = self._known(pattern), self.clock()
            if known.entry.told:
                return _with(known.entry.told, pattern, capture)
            if speaks:
                # What it says must not reach a model, nor keep the others of its group from being told.
                return _by_rules(pattern, SPOKEN_TO)
            put = known.entry.put_off
            if put and now < put.again_at and (put.as_told or put.call_id != attempt):
                return _put_off(pattern, put.trouble.value, put.call_id)
            until = known.entry.asked_until
            # One that ends later than any lease does was taken before the clock was set back.
            if until is None or not now < until <= now + LEASE:
                if self._is_spent(pattern.ml_app, now):
                    return _put_off(pattern, BUDGET_SPENT, attempt)
                if leased := self.narratives.lease(known, now + LEASE):
                    return self._ask(leased, pattern, capture)
                continue
            if waited >= _WAIT_SECONDS:
                raise UnavailableError("somebody else is asking for the narrative of this group")
            self.sleep(wait)
            waited += wait
            wait = min(2 * wait, _LONGEST_POLL)

    def _known(self, pattern: FailurePattern) -> KnownEntry:
        return self.narratives.get(pattern.group_id, model=self.model.name, prompt_hash=self.prompt.hash)

    def _ask(self, leased: KnownEntry, pattern: FailurePattern, capture: Capture) -> FailurePattern:
        asked = self.clock()
        call = ModelCall(
            id=digest(leased.name, leased.version or "", asked.isoformat(), length=16),
            at=asked,
            ml_app=pattern.ml_app,
            purpose=_PURPOSE,
            model=self.model.name,
            prompt=self.prompt.id,
        )
        try:
            answer = self.model.answer(question_of(capture, pattern, self.prompt).request)
        except ModelTroubleError as error:
            return self._troubled(leased, pattern, self._priced(call, error.usage), error)
        call = self._priced(call, answer.usage)
        try:
            narrative = checked(answer.text, capture, pattern, prompt=self.prompt, model=self.model.name)
        except ModelTroubleError as error:
            return self._troubled(leased, pattern, call, error)
        told = Told(narrative=narrative, call=call)
        self.spend.record(call)
        if not self.narratives.tell(leased, told):
            # The lease had ended, and somebody else has asked: a group has one narrative.
            told = self._known(pattern).entry.told or told
        return _with(told, pattern, capture)

    def _troubled(
        self, leased: KnownEntry, pattern: FailurePattern, call: ModelCall, error: ModelTroubleError
    ) -> FailurePattern:
        """Keep what the call cost, put the question off, and let the rules' pattern stand meanwhile."""
        self.spend.record(call.model_copy(update={"trouble": error.trouble}))
        wait = _SOON if error.trouble in _PASSING else _LATER
        if as_told := error.retry_after is not None:
            wait = timedelta(seconds=min(error.retry_after or 0.0, _LONGEST_WAIT))
        again_at = self.clock() + wait
        put = Put(call_id=call.id, trouble=error.trouble, again_at=again_at, as_told=as_told)
        self.narratives.put_off(leased, put)
        if error.trouble in _TO_MEND:
            logger("extract").error("no narratives until it is mended: %s", error)
        return _put_off(pattern, error.trouble.value, call.id)

    def _priced(self, call: ModelCall, usage: Usage) -> ModelCall:
        return call.took(usage, self.price)

    def _is_spent(self, ml_app: str, now: datetime) -> bool:
        """Say whether a budget of the day is used up; calls in flight are not counted, and may pass it."""
        totals = self.spend.of_day(now)
        own = added([one for one in totals if one.ml_app == ml_app])
        return self.budgets.are_spent(added(totals).cost_usd, own.cost_usd, ml_app)


def _with(told: Told, pattern: FailurePattern, capture: Capture) -> FailurePattern:
    """Tell a pattern; what the call took stands with the capture that it was made for."""
    call = told.call
    if told.narrative.capture_hash != capture.content_hash:
        return with_narrative(pattern, told.narrative, capture)
    usage = Usage(call.input_tokens, call.output_tokens, call.seconds)
    return with_narrative(pattern, told.narrative, capture, usage=usage, cost_usd=call.cost_usd)


def _by_rules(pattern: FailurePattern, reason: str) -> FailurePattern:
    return pattern.model_copy(update={"extractor": pattern.extractor.model_copy(update={"reason": reason})})


def _put_off(pattern: FailurePattern, reason: str, attempt: str) -> FailurePattern:
    waiting = {"upgrade_pending": True, "reason": reason, "attempt": attempt}
    return pattern.model_copy(update={"extractor": pattern.extractor.model_copy(update=waiting)})


def narrator_of(parts: Wiring) -> Narrator | None:
    """Take from the wiring what asking takes; None where no model is asked."""
    if (model := parts.model) is None:
        return None
    return Narrator(
        model=model,
        prompt=narrative_prompt(),
        price=parts.settings.model_price,
        budgets=parts.settings.model_budgets,
        narratives=parts.narratives,
        spend=parts.spend,
        clock=parts.clock,
    )
