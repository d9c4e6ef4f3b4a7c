"""What is asked of a text model, what it answers, and what a call costs."""

from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from shared.domain.model import Instant, Model

_MILLION = 1_000_000


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

    input: float = Field(ge=0)
    output: float = Field(ge=0)

    def cost_of(self, usage: Usage) -> float:
        """Say what a call costs, in US dollars."""
        return (usage.input_tokens * self.input + usage.output_tokens * self.output) / _MILLION


class Budgets(Model):
    """How much models may cost on a day, in US dollars: in all, and for an application of its own."""

    usd_per_day: float = Field(ge=0)
    usd_per_day_by_app: dict[str, float] = {}

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
