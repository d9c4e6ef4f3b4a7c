"""How far an incident was searched."""

from datetime import datetime, timedelta
from typing import NamedTuple, Self

from shared.domain.model import Instant, Model


class Asked(NamedTuple):
    """What a search looks for, in short: the scope that the incident names, and what its monitor watches."""

    scope: str = ""
    watched: str = ""

    def is_within(self, other: Self) -> bool:
        """Say whether whoever has searched for the other has searched for this."""
        return self.scope == other.scope and self.watched in ("", other.watched)


class Search(Model):
    """The search of one incident: what is under way, and what was searched before.

    A search is under way while it has a cursor: it looks from `since` to `until`
    for what it was `asked`, and is done by `holder` alone. All from
    `searched_since` to `searched_until` was looked through for what was `answered`.
    """

    id: str
    asked: Asked = Asked()
    since: Instant | None = None
    until: Instant | None = None
    cursor: str | None = None
    holder: str = ""
    answered: Asked = Asked()
    searched_since: Instant | None = None
    searched_until: Instant | None = None

    def advanced_to(self, cursor: str | None) -> Self:
        """Say that all before a cursor was searched; without one, all up to its end."""
        if cursor is not None:
            return self.model_copy(update={"cursor": cursor})
        goes_on = (
            self.asked.is_within(self.answered)
            and self.since is not None
            and self.searched_until is not None
            and self.since <= self.searched_until
        )
        return self.model_copy(
            update={
                "cursor": None,
                "holder": "",
                "answered": self.answered if goes_on else self.asked,
                "searched_since": earlier(self.searched_since, self.since) if goes_on else self.since,
                "searched_until": later(self.searched_until, self.until) if goes_on else self.until,
            }
        )

    @property
    def is_done(self) -> bool:
        """Say whether all was searched that was asked for, and nothing is under way."""
        return self.cursor is None and self.searched_until is not None

    def behind(self, now: datetime) -> timedelta | None:
        """Say how long ago the moment is up to which all was searched; None where nothing was yet."""
        return now - self.searched_until if self.searched_until else None


def earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """Take the earlier of two beginnings; none is before all."""
    return min(one, other) if one and other else None


def later(one: datetime | None, other: datetime | None) -> datetime | None:
    """Take the later of two ends; none is behind all."""
    return max(one, other) if one and other else None
