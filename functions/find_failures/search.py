"""The search for failing traces, and for healthy ones to hold them against."""

from collections import defaultdict
from collections.abc import Iterator

from shared.domain.captures import control_group_rank
from shared.domain.incidents import Incident
from shared.messages import AlertRaised, TraceFound
from shared.ports import Outgoing, TraceHit, TraceQuery, TraceSource
from shared.repositories.captures import Captures
from shared.repositories.incidents import Incidents
from shared.topology import CONTROL_GROUP_SIZE, Topic


def search_failures(
    message: AlertRaised, *, incidents: Incidents, traces: TraceSource, captures: Captures
) -> Iterator[Outgoing]:
    """Yield every failing trace of an incident's scope, then the control group of each application.

    A trace that is captured and looks healthy now is yielded as well: its verdict may have come late.
    """
    incident = incidents.get(message.incident_id)
    healthy: dict[tuple[str, str, str], list[TraceHit]] = defaultdict(list)
    for hit in _hits(traces, _query(incident)):
        if hit.failing or captures.known(hit.trace_id).exists:
            yield _found(hit, incident)
        else:
            healthy[hit.ml_app, hit.env, hit.version].append(hit)
    for key in sorted(healthy):
        for hit in control_group(healthy[key]):
            yield _found(hit, incident)


def control_group(hits: list[TraceHit]) -> list[TraceHit]:
    """Draw the healthy traces to keep: those that were judged before those that nobody flagged, by hash."""
    drawn = sorted(hits, key=lambda hit: control_group_rank(hit.trace_id, evaluated=hit.evaluated))
    return drawn[:CONTROL_GROUP_SIZE]


def _query(incident: Incident) -> TraceQuery:
    return TraceQuery(
        since=incident.since,
        until=incident.until,
        ml_app=incident.ml_app,
        env=incident.env,
        source=incident.source,
    )


def _hits(traces: TraceSource, query: TraceQuery) -> Iterator[TraceHit]:
    cursor: str | None = None
    while True:
        page = traces.search(query, cursor=cursor)
        yield from page.hits
        if (cursor := page.cursor) is None:
            return


def _found(hit: TraceHit, incident: Incident) -> Outgoing:
    return Outgoing(Topic.FAILURES, TraceFound(trace_id=hit.trace_id, incident_id=incident.id))
