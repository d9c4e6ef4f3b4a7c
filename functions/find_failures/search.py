"""The search for failing traces, and for healthy ones to hold them against, page by page."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import takewhile
from uuid import uuid4

from functions.find_failures.choice import Again, Choice
from functions.find_failures.where import Lateness, where_to_look
from shared.domain.canonical import digest
from shared.domain.incidents import POLL_ID, Incident, IncidentKind, IncidentState
from shared.domain.searches import Search
from shared.logs import logger
from shared.messages import AlertRaised, TraceFound
from shared.ports import Clock, Monitors, Outgoing, TraceQuery, TraceSource
from shared.repositories.captures import Captures, HealthyCaptures
from shared.repositories.incidents import Incidents
from shared.repositories.searches import KnownSearch, Searches
from shared.topology import Topic

# How long one message searches before it has another one go on: far less than any function's time.
_TURN = timedelta(seconds=25)
# An incident of which nothing was heard for so long is searched no more.
_FOLLOWED = timedelta(days=7)
_POLL = Incident(id=POLL_ID, kind=IncidentKind.POLL, title="scheduled search")

Pages = Iterator[list[Outgoing]]


@dataclass(frozen=True)
class FailureSearch:
    """Searches for what alerts, ticks of the schedule and backfills are about."""

    incidents: Incidents
    searches: Searches
    traces: TraceSource
    monitors: Monitors | None
    captures: Captures
    healthy: HealthyCaptures
    clock: Clock
    late: Lateness
    polls: bool

    def run(self, message: AlertRaised) -> Pages:
        """Yield what to fetch, a page at a time; each is published before the next is searched.

        At a tick of the schedule every open incident is asked for again, and
        all there is is searched for what no monitor has seen.
        """
        if message.incident_id != POLL_ID:
            yield from self._search(self.incidents.get(message.incident_id))
            return
        yield [_asked_for(incident) for incident in self._followed()]
        if self.polls:
            yield from self._search(_POLL)

    def _followed(self) -> Iterator[Incident]:
        """List the open incidents of which was heard lately."""
        oldest = self.clock() - _FOLLOWED
        opened = self.incidents.in_state(IncidentState.OPEN)
        return takewhile(lambda one: one.until is not None and one.until >= oldest, opened)

    def _search(self, incident: Incident) -> Pages:
        """Search from where an earlier delivery got to, and note after every page how far this one did.

        Where another delivery does the same search meanwhile, it is left to that one.
        """
        started = self.clock()
        known = self.searches.get(incident.id)
        query, search = self._under_way(incident, known.search)
        again = Again(
            always=incident.kind is IncidentKind.BACKFILL,
            delay=self.late.delay,
            searched_until=search.searched_until,
            now=started,
        )
        choice = Choice(self.captures, self.healthy, again)
        while True:
            page = self.traces.search(query, cursor=search.cursor)
            yield [_found(hit.trace_id, incident) for hit in choice.worth_fetching(page.hits)]
            search = search.advanced_to(page.cursor)
            noted = self._note(search, known)
            if noted is None or not noted.search.cursor:
                break
            known = noted
            if self.clock() - started > _TURN:
                yield [_asked_for(incident)]
                break
        self._tell(incident, search)

    def _under_way(self, incident: Incident, before: Search) -> tuple[TraceQuery, Search]:
        """Go on with the search of this very order, or begin one."""
        watched = self.monitors.watched(incident.alert_id) if self.monitors and incident.alert_id else None
        order = digest(incident.model_dump_json(), length=16)
        query = where_to_look(
            incident, watched, searched_until=before.searched_until, now=self.clock(), late=self.late
        )
        search = before.model_copy(update={"order": order, "holder": uuid4().hex})
        if before.cursor and before.order == order:
            return query.model_copy(update={"since": before.since, "until": before.until}), search
        return query, search.model_copy(update={"since": query.since, "until": query.until, "cursor": None})

    def _note(self, search: Search, known: KnownSearch) -> KnownSearch | None:
        """Write how far a search has come; None where another one of the same order has."""
        while (noted := self.searches.save(search, known)) is None:
            known = self.searches.get(search.id)
            if known.search.order == search.order:
                return None
        return noted

    def _tell(self, incident: Incident, search: Search) -> None:
        behind = search.behind(self.clock())
        logger("find_failures").info(
            "searched",
            extra={
                "incident_id": incident.id,
                "kind": incident.kind.value,
                "done": not search.cursor,
                "lag_seconds": None if behind is None else round(behind.total_seconds()),
            },
        )


def _found(trace_id: str, incident: Incident) -> Outgoing:
    return Outgoing(Topic.FAILURES, TraceFound(trace_id=trace_id, incident_id=incident.id))


def _asked_for(incident: Incident) -> Outgoing:
    return Outgoing(Topic.ALERTS, AlertRaised(incident_id=incident.id))
