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


class ModelCall(Model):
    """The record of one call, whether it gave an answer or not."""

    id: str
    at: Instant
    ml_app: str
    purpose: str
    model: str
    prompt: str
    input_tokens: int
    output_tokens: int
    seconds: float
    cost_usd: float
    trouble: Trouble | None = None
