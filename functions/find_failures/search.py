"""The search for failing traces, and for healthy ones to hold them against, page by page."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice, takewhile
from typing import Self
from uuid import uuid4

from functions.find_failures.choice import Again, Choice, Wanted
from functions.find_failures.where import Lateness, asked_of, where_to_look
from shared.domain.incidents import POLL_ID, TICK_ID, Incident, IncidentKind, IncidentState
from shared.domain.searches import Search, earlier
from shared.logs import logger
from shared.messages import AlertRaised, TraceFound
from shared.ports import Clock, Monitors, Outgoing, TraceQuery, TraceSource
from shared.repositories.captures import Captures, HealthyCaptures
from shared.repositories.control_groups import ControlGroups
from shared.repositories.incidents import Incidents
from shared.repositories.searches import KnownSearch, Searches
from shared.topology import Topic
from shared.wiring import Wiring

# How long one message searches before it has another one go on: far less than any function's time.
_TURN = timedelta(seconds=25)
# An incident of which nothing was heard for so long is searched no more.
_FOLLOWED = timedelta(days=7)
_MOST_FOLLOWED = 500
# Ticks come every quarter of an hour, and may be late.
_TICKS = timedelta(hours=1)
_POLL = Incident(id=POLL_ID, kind=IncidentKind.POLL, title="scheduled search")

Pages = Generator[list[Outgoing]]


@dataclass(frozen=True)
class FailureSearch:
    """Searches for what alerts, ticks of the schedule and backfills are about."""

    incidents: Incidents
    searches: Searches
    traces: TraceSource
    monitors: Monitors | None
    captures: Captures
    healthy: HealthyCaptures
    groups: ControlGroups
    clock: Clock
    late: Lateness
    polls: bool

    @classmethod
    def of(cls, parts: Wiring) -> Self:
        """Take from the wiring what a search works with."""
        return cls(
            incidents=parts.incidents,
            searches=parts.searches,
            traces=parts.traces,
            monitors=parts.monitors,
            captures=parts.captures,
            healthy=parts.healthy,
            groups=parts.control_groups,
            clock=parts.clock,
            late=Lateness(parts.settings.lookback, parts.settings.evaluation_delay),
            polls=parts.settings.poll_datadog,
        )

    def run(self, message: AlertRaised) -> Pages:
        """Yield what to fetch, a page at a time; each is published before the next is searched.

        A tick of the schedule searches nothing itself: it asks for what is followed.
        """
        if message.incident_id == TICK_ID:
            yield [_asked_for(incident) for incident in self._followed()]
        else:
            polling = message.incident_id == POLL_ID
            yield from self._search(_POLL if polling else self.incidents.get(message.incident_id))

    def _followed(self) -> Iterator[Incident]:
        """List what is searched by the clock: all there is, and incidents that still gather failures.

        Open ones are followed until nothing was heard of them for long; closed
        ones until their last evaluations are in. One that no alert can close
        adds nothing to a poll.
        """
        now = self.clock()
        if self.polls:
            yield _POLL
        closed_after = now - self.late.delay - _TICKS
        opened = self._since(IncidentState.OPEN, now - _FOLLOWED)
        followed = chain(opened, self._since(IncidentState.CLOSED, closed_after))
        yield from (one for one in followed if one.alert_id or not self.polls)

    def _since(self, state: IncidentState, oldest: datetime) -> Iterator[Incident]:
        found = islice(self.incidents.in_state(state), _MOST_FOLLOWED)
        return takewhile(lambda one: one.until is not None and one.until >= oldest, found)

    def _search(self, incident: Incident) -> Pages:
        """Search from where an earlier delivery got to, and note after every page how far this one did.

        Where another delivery does the same search meanwhile, it is left to that one.
        """
        started = self.clock()
        known = self.searches.get(incident.id)
        query, search = self._under_way(incident, known.search, started)
        again = Again(always=incident.kind is IncidentKind.BACKFILL, delay=self.late.delay, now=started)
        choice = Choice(self.captures, self.healthy, self.groups, again)
        going_on = True
        while going_on:
            page = self.traces.search(query, cursor=search.cursor)
            for wanted in choice.rounds(page.hits):
                yield [_found(one, incident) for one in wanted]
            search = search.advanced_to(page.cursor)
            if (noted := self._note(search, known)) is None:
                return
            known, going_on = noted, page.cursor is not None
            if going_on and self.clock() - started > _TURN:
                yield [_asked_for(incident)]
                going_on = False
        if not search.cursor and self._asks_for_more(incident, search, started):
            yield [_asked_for(incident)]
        self._tell(incident, search)

    def _under_way(self, incident: Incident, before: Search, now: datetime) -> tuple[TraceQuery, Search]:
        """Go on with a search that is under way, or begin one."""
        watched = self.monitors.watched(incident.alert_id) if self.monitors and incident.alert_id else None
        query = where_to_look(incident, watched, before, now=now, late=self.late)
        asked = asked_of(incident, watched)
        goes_on = (
            before.cursor is not None
            and asked.is_within(before.asked)
            and earlier(before.since, query.since) == before.since
        )
        holding = before.model_copy(update={"holder": uuid4().hex})
        if goes_on:
            return query.model_copy(update={"since": before.since, "until": before.until}), holding
        begun = {"asked": asked, "since": query.since, "until": query.until, "cursor": None}
        return query, holding.model_copy(update=begun)

    def _note(self, search: Search, known: KnownSearch) -> KnownSearch | None:
        """Write how far a search has come; None where another one that looks for no less has."""
        while (noted := self.searches.save(search, known)) is None:
            known = self.searches.get(search.id)
            other = known.search
            if search.asked.is_within(other.asked) and earlier(other.since, search.since) == other.since:
                return None
        return noted

    def _asks_for_more(self, incident: Incident, search: Search, started: datetime) -> bool:
        """Say whether an alert came while this search went on, which may have been left to it."""
        if incident.kind is not IncidentKind.MONITOR:
            return False
        reaches_on = search.until is not None and min(incident.until or started, started) > search.until
        return reaches_on or self.incidents.get(incident.id) != incident

    def _tell(self, incident: Incident, search: Search) -> None:
        told: dict[str, object] = {"incident_id": incident.id, "done": search.cursor is None}
        if incident.kind is IncidentKind.POLL and (behind := search.behind(self.clock())) is not None:
            told["lag_seconds"] = round(behind.total_seconds())
        logger("find_failures").info("searched", extra=told)


def _found(one: Wanted, incident: Incident) -> Outgoing:
    return Outgoing(Topic.FAILURES, TraceFound(incident_id=incident.id, **one._asdict()))


def _asked_for(incident: Incident) -> Outgoing:
    return Outgoing(Topic.ALERTS, AlertRaised(incident_id=incident.id))
