"""What is asked of a text model, what it answers, and what a call costs."""

from enum import StrEnum
from typing import Annotated, NamedTuple, Self

from pydantic import Field

from shared.domain.model import Instant, Model

_MILLION = 1_000_000
Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Trouble(StrEnum):
    """Why a model gave no answer that can be used; decided from status and type, never from its words."""

    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    DEADLINE = "deadline"
    BLOCKED = "blocked"
    EMPTY = "empty"
    CUT_OFF = "cut_off"
    NOT_JSON = "not_json"
    WRONG_SCHEMA = "wrong_schema"
    MODEL_GONE = "model_gone"
    DENIED = "denied"
    REFUSED = "refused"


class Usage(NamedTuple):
    """What a call took: tokens as the service counted them, and seconds on our clock."""

    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0


class ModelPrice(Model):
    """What a model costs, in US dollars for a million tokens; thinking counts as output."""

    input: Dollars
    output: Dollars

    def cost_of(self, usage: Usage) -> float:
        """Say what a call costs, in US dollars."""
        return (usage.input_tokens * self.input + usage.output_tokens * self.output) / _MILLION


class Budgets(Model):
    """How much models may cost on a day, in US dollars: in all, and for an application of its own."""

    usd_per_day: Dollars
    usd_per_day_by_app: dict[str, Dollars] = {}

    def are_spent(self, in_all: float, by_app: float, ml_app: str) -> bool:
        """Say whether nothing is left of either."""
        return in_all >= self.usd_per_day or by_app >= self.usd_per_day_by_app.get(ml_app, self.usd_per_day)


class ModelCall(Model):
    """The record of one call, whether it gave an answer or not."""

    id: str
    at: Instant
    ml_app: str
    purpose: str
    model: str
    prompt: str
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    cost_usd: float = 0.0
    trouble: Trouble | None = None

    def took(self, usage: Usage, price: ModelPrice, trouble: Trouble | None = None) -> Self:
        """Say what it took and cost, and why it gave no answer where it gave none."""
        cost = round(price.cost_of(usage), 9)
        return self.model_copy(update={**usage._asdict(), "cost_usd": cost, "trouble": trouble})
