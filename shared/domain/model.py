"""The base of every record."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer


def _spelled(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


# A moment whose JSON sorts as it does: with a fraction or without, its text has one length.
Instant = Annotated[datetime, PlainSerializer(_spelled, return_type=str, when_used="json")]


class Model(BaseModel):
    """A frozen record that refuses unknown fields and never prints the values it rejects."""

    # A function is ready sooner when it builds only the models that it meets.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)
