"""Where to look for the failures of an incident."""

from datetime import datetime, timedelta
from typing import NamedTuple

from shared.domain.incidents import Incident, IncidentKind, IncidentState
from shared.ports import TraceQuery, Watched


class Lateness(NamedTuple):
    """How far a search goes back: before an alert, and for evaluations that come late."""

    lookback: timedelta
    delay: timedelta


def where_to_look(
    incident: Incident,
    watched: Watched | None,
    *,
    searched_until: datetime | None,
    now: datetime,
    late: Lateness,
) -> TraceQuery:
    """Say which traces to search: as the monitor is defined, else as the alert says.

    What was searched before is looked at again only as far back as evaluations
    may come late; at the close of an incident once more as a whole.
    """
    since, until = _window(incident, watched, searched_until, now, late)
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
    incident: Incident,
    watched: Watched | None,
    searched_until: datetime | None,
    now: datetime,
    late: Lateness,
) -> tuple[datetime | None, datetime | None]:
    if incident.kind is IncidentKind.BACKFILL:
        return incident.since, incident.until
    since = incident.since
    if incident.kind is IncidentKind.POLL:
        since = now - late.lookback
    elif since is not None and watched is not None:
        since -= max(watched.window + late.delay - late.lookback, timedelta(0))
    if incident.state is IncidentState.CLOSED or searched_until is None:
        return since, incident.until or now
    again = searched_until - late.delay
    if incident.kind is IncidentKind.MONITOR and since is not None:
        again = max(again, since)
    return again, max(now, searched_until)
