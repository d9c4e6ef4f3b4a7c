"""Where to look for the failures of an incident."""

from datetime import datetime, timedelta
from typing import NamedTuple

from shared.domain.canonical import digest
from shared.domain.incidents import Incident, IncidentKind, IncidentState
from shared.domain.searches import Asked, Search, earlier
from shared.ports import TraceQuery, Watched


class Lateness(NamedTuple):
    """How far a search goes back: before an alert, and for evaluations that come late."""

    lookback: timedelta
    delay: timedelta


def asked_of(incident: Incident, watched: Watched | None) -> Asked:
    """Sum up what is looked for, so that it is noticed when that changes; closing asks for all once more."""
    scope = (incident.ml_app, incident.env, incident.version, incident.query, incident.source)
    told = [str(part) for part in (*scope, incident.state is IncidentState.CLOSED)]
    return Asked(
        scope=digest(*told, length=16),
        watched=digest(watched.query, str(watched.window), length=16) if watched else "",
    )


def where_to_look(
    incident: Incident, watched: Watched | None, search: Search, *, now: datetime, late: Lateness
) -> TraceQuery:
    """Say which traces to search: as the monitor is defined, else as the alert says.

    What was searched before is looked at again only as far back as evaluations
    may come late.
    """
    since, until = _window(incident, watched, search, now, late)
    return TraceQuery(
        since=since,
        until=until,
        ml_app=incident.ml_app or (watched.ml_app if watched else None),
        env=incident.env or (watched.env if watched else None),
        version=incident.version or (watched.version if watched else None),
        query=incident.query,
        watched=watched.query if watched else None,
        source=incident.source,
    )


def _window(
    incident: Incident, watched: Watched | None, search: Search, now: datetime, late: Lateness
) -> tuple[datetime | None, datetime | None]:
    if incident.kind is IncidentKind.BACKFILL:
        return incident.since, incident.until
    since = now - late.lookback if incident.kind is IncidentKind.POLL else incident.since
    # An alert's own time may be ahead of ours; nothing has happened there yet.
    until = min(incident.until or now, now)
    if watched is not None and since is not None:
        # A monitor that looks further back than alerts are given is followed that far.
        since -= max(watched.window + late.delay - late.lookback, timedelta(0))
    searched = search.searched_until
    known = searched is not None and asked_of(incident, watched).is_within(search.answered)
    if incident.kind is IncidentKind.MONITOR:
        known = known and earlier(search.searched_since, since) == search.searched_since
    if searched is None or not known:
        return since, until
    if incident.state is IncidentState.CLOSED:
        again = until - late.delay
    else:
        again, until = searched - late.delay, now
    if incident.kind is IncidentKind.MONITOR and since is not None:
        again = max(again, since)
    return again, until
