"""What one monitor cycle, poll or backfill is about."""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

from shared.domain.model import Instant, Model


class IncidentKind(StrEnum):
    """Who asked to look for failures."""

    MONITOR = "monitor"
    POLL = "poll"
    BACKFILL = "backfill"


class IncidentState(StrEnum):
    """Where an incident is in its life; one that is noted was never opened."""

    NOTED = "noted"
    OPEN = "open"
    CLOSED = "closed"


# At one time, closing is the last word.
_ORDER = tuple(IncidentState)
# Datadog's words for what became of a monitor; any other is noted.
_STATE_OF = {
    "triggered": IncidentState.OPEN,
    "re-triggered": IncidentState.OPEN,
    "warn": IncidentState.OPEN,
    "re-warn": IncidentState.OPEN,
    "renotify": IncidentState.OPEN,
    "recovered": IncidentState.CLOSED,
    "no data": IncidentState.NOTED,
    "re-no data": IncidentState.NOTED,
    # An alert that does not say is looked into.
    "": IncidentState.OPEN,
}
TRANSITIONS = frozenset(filter(None, _STATE_OF))
_FOLDED = {"since", "until", "state", "decided_at", "noted"}
# No monitor has as many words; whoever sends more of them fills no document.
_MOST_NOTED = 20
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


# The search of all there is, and the tick of the schedule that asks for it; neither is stored.
POLL_ID = "poll"
TICK_ID = "tick"


def state_after(transition: str) -> IncidentState:
    """Say what an alert with this transition makes of its incident."""
    return _STATE_OF.get(transition.strip().lower(), IncidentState.NOTED)


class Incident(Model):
    """Where and when to look for failures; its text is redacted.

    `query` is a backfill's, in Datadog's own words.

    What is said of it is what its newest alert says; `state` is what the newest
    of those made of it that open or close, at `decided_at`. `noted` are the
    transitions of the others.
    """

    id: str
    kind: IncidentKind
    title: str = ""
    transition: str = ""
    since: Instant | None = None
    until: Instant | None = None
    ml_app: str | None = None
    env: str | None = None
    version: str | None = None
    query: str | None = None
    scope: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    priority: str = ""
    link: str = ""
    source: str | None = None
    alert_id: str = ""
    test: bool = False
    state: IncidentState = IncidentState.NOTED
    decided_at: Instant | None = None
    noted: tuple[str, ...] = ()

    def renewed_by(self, other: Self) -> Self:
        """Fold what two alerts tell into one, the same in whichever order and however often they come."""
        newest = max(self, other, key=_recency)
        decided = max(self, other, key=_decision)
        return newest.model_copy(
            update={
                "since": _unless_open(min, self.since, other.since),
                "until": _unless_open(max, self.until, other.until),
                "state": decided.state,
                "decided_at": decided.decided_at,
                "noted": tuple(sorted({*self.noted, *other.noted})[:_MOST_NOTED]),
            }
        )


def _recency(incident: Incident) -> tuple[datetime, int, str]:
    """Order alerts by their own time, and those of one time by what they do, then by what they say."""
    rank = _ORDER.index(state_after(incident.transition))
    return incident.until or _LAST, rank, incident.model_dump_json(exclude=_FOLDED)


def _decision(incident: Incident) -> tuple[datetime, int]:
    return incident.decided_at or _FIRST, _ORDER.index(incident.state)


def _unless_open(
    outer: Callable[[datetime, datetime], datetime], one: datetime | None, other: datetime | None
) -> datetime | None:
    """Take the outer one of two bounds; a side that has none has no end."""
    return outer(one, other) if one and other else None
