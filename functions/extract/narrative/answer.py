"""What a model is asked to answer: its fields, and the JSON schema that it is sent."""

from collections.abc import Sequence

from pydantic import Field, JsonValue

from shared.domain.model import Model
from shared.domain.taxonomy import FailureType

NO_STEP = "none"
MOST_CAUSES, MOST_TYPES, MOST_ACTIONS = 3, 5, 4
# A long list of choices makes a schema that services refuse.
_MOST_CHOICES = 100
_LONG = 2000
# Why a model is as sure as it is: our words, for what it would say of itself nobody can check.
REASONS = {
    "shown": "a step of the capture shows it",
    "inferred": "it follows from several steps together",
    "ambiguous": "other explanations fit as well",
    "too_little": "the capture holds too little to be sure",
}


class ToldCause(Model):
    """A root cause as a model tells it."""

    cause: str = Field(max_length=_LONG)
    failure_type: str = Field(max_length=_LONG)
    span: str = Field(max_length=_LONG)
    quote: str = Field(max_length=_LONG)


class ToldTrigger(Model):
    """What set the failure off, as a model tells it."""

    sentence: str = Field(max_length=_LONG)
    span: str = Field(max_length=_LONG)
    quote: str = Field(max_length=_LONG)


class Told(Model):
    """An answer as it came: of the right form, and nothing in it believed yet."""

    failure_types: tuple[str, ...] = Field(min_length=1, max_length=MOST_TYPES)
    failing_span: str = Field(max_length=_LONG)
    cause_span: str = Field(max_length=_LONG)
    title: str = Field(max_length=_LONG)
    trigger: ToldTrigger
    root_causes: tuple[ToldCause, ...] = Field(max_length=MOST_CAUSES)
    recommended_actions: tuple[str, ...] = Field(max_length=MOST_ACTIONS)
    confidence: float = Field(ge=0, le=1, strict=True, allow_inf_nan=False)
    confidence_reason: str = Field(max_length=_LONG)


def answer_schema(spans: Sequence[str], actions: Sequence[str]) -> dict[str, JsonValue]:
    """Spell the schema for a capture with these steps, and these actions to choose from.

    It says less than `Told` checks: bounds of lengths and numbers are what
    services refuse, or ignore.
    """
    kinds = _choice([kind.value for kind in FailureType])
    step = _choice(spans) if len(spans) <= _MOST_CHOICES else _TEXT
    some_step = _choice([*spans, NO_STEP]) if len(spans) <= _MOST_CHOICES else _TEXT
    cause = _object(cause=_TEXT, failure_type=kinds, span=step, quote=_TEXT)
    return _object(
        failure_types=_list(kinds, MOST_TYPES, least=1),
        failing_span=step,
        cause_span=some_step,
        root_causes=_list(cause, MOST_CAUSES),
        trigger=_object(sentence=_TEXT, span=step, quote=_TEXT),
        title=_TEXT,
        recommended_actions=_list(_choice(actions), MOST_ACTIONS),
        confidence={"type": "number"},
        confidence_reason=_choice(list(REASONS)),
    )


_TEXT: dict[str, JsonValue] = {"type": "string"}


def _choice(values: Sequence[str]) -> dict[str, JsonValue]:
    return {"type": "string", "enum": list(values)}


def _list(items: dict[str, JsonValue], most: int, least: int = 0) -> dict[str, JsonValue]:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def _object(**properties: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Spell an object that has all of these and nothing else."""
    return {
        "type": "object",
        "properties": {**properties},
        "required": list(properties),
        "additionalProperties": False,
    }
