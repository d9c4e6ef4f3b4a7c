"""Which of the traces that a search found are worth fetching."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from shared.domain.captures import CaptureHead
from shared.domain.control_group import Application, Candidate, Roster
from shared.ports import TraceHit
from shared.repositories.captures import Captures, HealthyCaptures
from shared.repositories.control_groups import ControlGroups, hour_of, place_of


class Again(NamedTuple):
    """When a trace is fetched again though it looks as it did.

    Once, when no evaluation and no span of it comes any more; or `always`, where somebody asks for it.
    """

    always: bool
    delay: timedelta
    now: datetime

    def is_due(self, hit: TraceHit, head: CaptureHead) -> bool:
        """Say whether a trace that looks as it did is due."""
        return self.always or (not head.settled and hit.started_at + self.delay <= self.now)


class Wanted(NamedTuple):
    """A trace to fetch; one that `waited` was found before, and has a place only now."""

    trace_id: str
    look: str = ""
    waited: bool = False


@dataclass(frozen=True)
class Choice:
    """Chooses from the pages of one search.

    Every failing trace, and every one whose verdict changed, unless it was
    captured as it looks now; of the healthy ones the members of the control
    group of their application, which does not depend on their order.
    """

    captures: Captures
    healthy: HealthyCaptures
    groups: ControlGroups
    again: Again

    def rounds(self, hits: Iterable[TraceHit]) -> Iterator[list[Wanted]]:
        """Yield what to fetch of a page; who is in a control group is stored after what that comes to."""
        found = list(hits)
        known = self.captures.heads_of(hit.trace_id for hit in found)
        passed = [hit for hit in found if not hit.failing and hit.trace_id not in known]
        others = (hit for hit in found if hit.failing or hit.trace_id in known)
        yield [_wanted(hit) for hit in others if self._is_news(hit, known.get(hit.trace_id))]
        ageing = {hit.trace_id for hit in self._ageing(passed)}
        for application, theirs in sorted(_by_application(passed).items()):
            yield from self._members(application, theirs, ageing)

    def _ageing(self, hits: list[TraceHit]) -> Iterator[TraceHit]:
        """Name the traces by which others age: sanitize, which sees to that, must see them."""
        latest: dict[tuple[str, str], TraceHit] = {}
        for hit in sorted(hits, key=lambda one: (one.started_at, one.trace_id)):
            latest[hit.ml_app, hit.env] = hit
        for application, hit in sorted(latest.items()):
            newest = self.groups.newest(*application)
            # As sanitize sees it: a trace of the future ages nobody more than one of now.
            if newest is None or hour_of(min(hit.started_at, self.again.now)) > newest:
                yield hit

    def _members(
        self, application: Application, hits: list[TraceHit], ageing: set[str]
    ) -> Iterator[list[Wanted]]:
        passed = [Candidate.of(hit.trace_id, hit.started_at, evaluated=hit.evaluated) for hit in hits]

        def told(roster: Roster) -> Roster:
            newest = self.groups.newest(application.ml_app, application.env)
            latest = hour_of(max(one.started_at for one in passed))
            return roster.after(newest=newest or latest, passed=passed)

        for change in self.groups.changes(place_of(application), told):
            members = {one.trace_id for one in change.after.members}
            drawn = [hit for hit in hits if hit.trace_id in members | ageing]
            known = self.healthy.heads_of(hit.trace_id for hit in drawn)
            news = [_wanted(hit) for hit in drawn if self._is_news(hit, known.get(hit.trace_id))]
            others = set(change.newcomers).difference(hit.trace_id for hit in drawn)
            yield news + [Wanted(one, waited=True) for one in self.healthy.lacking(others)]

    def _is_news(self, hit: TraceHit, head: CaptureHead | None) -> bool:
        return head is None or head.look != hit.look or self.again.is_due(hit, head)


def _wanted(hit: TraceHit) -> Wanted:
    return Wanted(hit.trace_id, hit.look)


def _by_application(hits: Iterable[TraceHit]) -> dict[Application, list[TraceHit]]:
    told: dict[Application, list[TraceHit]] = defaultdict(list)
    for hit in hits:
        told[Application(hit.ml_app, hit.env, hit.version)].append(hit)
    return told
