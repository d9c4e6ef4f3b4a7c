"""Brings the control groups of an application up to what one more of its traces tells."""

from collections.abc import Callable, Iterator
from datetime import datetime

from shared.domain.captures import Capture
from shared.domain.control_group import KEPT, Application, Candidate, Roster
from shared.messages import TraceFound
from shared.ports import Outgoing
from shared.repositories.captures import HealthyCaptures
from shared.repositories.control_groups import Change, ControlGroups, place_among, place_of
from shared.topology import Topic


def keep_control_group(
    application: Application,
    capture: Capture,
    healthy: HealthyCaptures,
    groups: ControlGroups,
    now: datetime,
) -> Iterator[list[Outgoing]]:
    """Yield the traces that have a place only now, then remove the captures that have none, or are too old.

    Which those are does not depend on the order in which traces come: all are
    held against the newest trace of their application and environment, one that
    claims to be of the future left aside.
    """
    ml_app, env, _ = application
    newest = groups.seen(ml_app, env, min(capture.started_at, now))
    place = place_of(application)

    def latest() -> datetime:
        return groups.newest(ml_app, env) or newest

    def told(roster: Roster) -> Roster:
        if not capture.healthy:
            return roster.after(newest=latest(), failed=capture.trace_id)
        passed = Candidate.of(capture.trace_id, capture.started_at, evaluated=capture.evaluated)
        return roster.after(newest=latest(), passed=[passed])

    for change in groups.changes(place, told):
        yield _waited(change, healthy, besides=capture.trace_id)
    for aged in healthy.aged(capture.ml_app, capture.env, newest - KEPT):
        rosters = {known.head.roster for known in aged if known.head and known.head.roster}
        for roster in sorted(rosters):
            there = place_among(ml_app, env, roster)
            for change in groups.changes(there, lambda one: one.after(newest=newest)):
                yield _waited(change, healthy)
        for known in aged:
            healthy.drop(known)
    if capture.healthy:
        yield _trimmed(capture, healthy, lambda: groups.roster(place).after(newest=latest()))


def _trimmed(capture: Capture, healthy: HealthyCaptures, roster: Callable[[], Roster]) -> list[Outgoing]:
    """Remove what ranks beyond the last member, and fetch again what has become one meanwhile."""
    if (beyond := roster().last_rank) is None:
        return []
    removed = healthy.trim(capture.ml_app, capture.env, capture.version, beyond)
    members = {one.trace_id for one in roster().members} if removed else set()
    return _found_before(sorted(members.intersection(removed)))


def _waited(change: Change, healthy: HealthyCaptures, besides: str = "") -> list[Outgoing]:
    return _found_before(healthy.lacking(name for name in change.newcomers if name != besides))


def _found_before(names: list[str]) -> list[Outgoing]:
    return [Outgoing(Topic.FAILURES, TraceFound(trace_id=name, waited=True)) for name in names]
