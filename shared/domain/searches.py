"""How far an incident was searched."""

from datetime import datetime, timedelta
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
        done = {"searched_until": _later(self.searched_until, self.until)} if cursor is None else {}
        return self.model_copy(update={"cursor": cursor, **done})

    @property
    def is_done(self) -> bool:
        """Say whether all was searched that was asked for, and nothing is under way."""
        return self.cursor is None and self.searched_until is not None

    def behind(self, now: datetime) -> timedelta | None:
        """Say how long ago the moment is up to which all was searched; None where nothing was yet."""
        return now - self.searched_until if self.searched_until else None


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one and other else one or other
