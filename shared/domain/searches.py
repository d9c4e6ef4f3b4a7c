"""How far an incident was searched."""

from datetime import datetime
from typing import Self

from shared.domain.model import Instant, Model


class Search(Model):
    """The search of one incident: what is under way, and up to when all was searched.

    A search is under way while it has a cursor: it looks from `since` to `until`,
    for what the incident asked at `order`, and is done by `holder` alone.
    """

    id: str
    order: str = ""
    since: Instant | None = None
    until: Instant | None = None
    cursor: str | None = None
    holder: str = ""
    searched_until: Instant | None = None

    def advanced_to(self, cursor: str | None) -> Self:
        """Say that all before a cursor was searched; without one, all up to its end."""
        if cursor is not None:
            return self.model_copy(update={"cursor": cursor})
        searched = _later(self.searched_until, self.until)
        return self.model_copy(update={"cursor": None, "holder": "", "searched_until": searched})


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one and other else one or other
