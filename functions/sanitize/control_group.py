"""Brings the control groups of an application up to what one more of its traces tells."""

from collections.abc import Iterator

from shared.domain.captures import Capture
from shared.domain.control_group import KEPT, Application, Candidate, Roster
from shared.domain.spans import Trace
from shared.messages import TraceFound
from shared.ports import Outgoing
from shared.repositories.captures import HealthyCaptures
from shared.repositories.control_groups import Change, ControlGroups
from shared.topology import Topic


def keep_control_group(
    trace: Trace, capture: Capture, healthy: HealthyCaptures, groups: ControlGroups
) -> Iterator[list[Outgoing]]:
    """Yield the traces that have a place only now, then remove the captures that have none, or are too old.

    Which those are does not depend on the order in which traces come: all are
    held against the newest trace of their application and environment.
    """
    newest = groups.newest(trace.ml_app, trace.env, capture.started_at)

    def told(roster: Roster) -> Roster:
        if not capture.healthy:
            return roster.after(newest=newest, failed=capture.trace_id)
        passed = Candidate(capture.trace_id, capture.started_at, evaluated=capture.evaluated)
        return roster.after(newest=newest, passed=[passed])

    last_rank: str | None = None
    for change in groups.changes(Application(trace.ml_app, trace.env, trace.version), told):
        yield _waited(change, healthy, besides=capture.trace_id)
        last_rank = change.after.last_rank
    aged = healthy.aged(capture.ml_app, capture.env, newest - KEPT)
    for version in sorted({known.head.version for known in aged if known.head} - {trace.version}):
        for change in groups.changes(
            Application(trace.ml_app, trace.env, version), lambda one: one.after(newest=newest)
        ):
            yield _waited(change, healthy)
    for known in aged:
        healthy.drop(known)
    if last_rank is not None:
        healthy.trim(capture.ml_app, capture.env, capture.version, last_rank)


def _waited(change: Change, healthy: HealthyCaptures, besides: str = "") -> list[Outgoing]:
    names = healthy.lacking(name for name in change.newcomers if name != besides)
    return [Outgoing(Topic.FAILURES, TraceFound(trace_id=name, waited=True)) for name in names]
