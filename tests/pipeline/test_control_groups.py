"""Who is in a control group, once all is done, whatever came first."""

import random
from datetime import timedelta
from itertools import chain

import pytest

from functions.find_failures.choice import Again, Choice
from functions.find_failures.search import FailureSearch
from functions.local.datadog.spans import SpanStore
from functions.local.trace_run import deliver_all
from functions.sanitize.capture import Sanitizer
from shared.domain import control_group
from shared.domain.control_group import KEPT, control_group_rank
from shared.domain.incidents import Incident, IncidentKind
from shared.domain.signals import SignalRules
from shared.domain.spans import Span, Trace
from shared.embedded.documents import SqliteDocuments
from shared.messages import TraceFound
from shared.ports import Outgoing, TraceHit, Write
from shared.repositories.captures import HealthyCaptures
from shared.repositories.control_groups import ControlGroups
from shared.topology import CONTROL_GROUPS, Topic
from tests.pipeline.datadog_edge import (
    HOUR,
    NOW,
    Edge,
    backfilled,
    captured,
    failing,
    find_and_sanitize,
    heads,
    kept_healthy,
    order,
    passing,
)
from tests.pipeline.end_state import assert_whole

FEW = 5


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_group, "SIZE", FEW)
    monkeypatch.setattr(control_group, "_RESERVE", FEW)


def ranked(number: int) -> list[str]:
    """Name so many traces, the lowest rank first."""
    return by_rank([f"t{one}" for one in range(number)])


def by_rank(names: list[str]) -> list[str]:
    return sorted(names, key=lambda one: control_group_rank(one, evaluated=True))


def of_version(version: str, *, healthy: bool = True) -> list[Span]:
    return (passing if healthy else failing)(tags=("env:prod", f"version:{version}"))


def searched(edge: Edge, days: int) -> None:
    backfilled(edge.parts, edge.now - timedelta(days=days), edge.now)
    deliver_all(edge.parts)


# A version of four parts looks like an address, and is stored as a hash.
@pytest.mark.parametrize("version", ["1", "1.2.3.4"])
@pytest.mark.parametrize("healthy", [True, False])
def test_whoever_a_full_group_of_older_traces_has_refused_comes_in_when_those_have_aged(
    edge: Edge, *, version: str, healthy: bool
) -> None:
    names = ranked(30)
    older, later = names[:20], names[20:24]
    for name in older:
        edge.has(name, *of_version(version), at=NOW - KEPT)
    for name in later:
        edge.has(name, *of_version(version), at=NOW - timedelta(days=1))
    searched(edge, 31)
    assert kept_healthy(edge.parts) == set(older[:FEW])

    # What counts is how new a trace is, whatever it is of and however it went.
    edge.now += timedelta(days=1)
    edge.has("new", *of_version("2", healthy=healthy), at=edge.now - HOUR)
    edge.tick()

    assert kept_healthy(edge.parts) == {*later, *(["new"] if healthy else [])}
    assert_whole(edge.parts)


def test_a_trace_that_has_no_place_ages_the_others_all_the_same(edge: Edge) -> None:
    names = ranked(30)
    for name in names[20:23]:
        edge.has(name, *of_version("1"), at=NOW - KEPT)
    for name in names[:FEW]:
        edge.has(name, *of_version("2"), at=NOW - timedelta(days=1))
    searched(edge, 31)
    assert kept_healthy(edge.parts) == {*names[20:23], *names[:FEW]}

    edge.now += timedelta(days=1)
    edge.has(names[29], *of_version("2"), at=edge.now - HOUR)
    edge.tick()

    assert kept_healthy(edge.parts) == set(names[:FEW])


def test_a_healthy_trace_that_has_failed_leaves_its_place_to_the_next(edge: Edge) -> None:
    names = ranked(30)
    edge.has(names[20], *passing(), at=NOW - timedelta(hours=60))
    for name in names[:FEW]:
        edge.has(name, *passing(), at=NOW - HOUR)
    searched(edge, 3)
    assert kept_healthy(edge.parts) == set(names[:FEW])

    # Nothing is searched: who comes next is known.
    edge.has(names[0], *failing(metadata={"told": "late"}), at=NOW - HOUR)
    edge.parts.publisher.publish([Outgoing(Topic.FAILURES, TraceFound(trace_id=names[0], look="late"))])
    deliver_all(edge.parts)

    assert captured(edge.parts) == {names[0]}
    assert kept_healthy(edge.parts) == {*names[1:FEW], names[20]}
    [waited] = [head for head in heads(edge.parts) if head.trace_id == names[20]]
    edge.exchanges.clear()
    edge.tick()
    assert waited.look
    assert names[20] not in edge.fetched()


def test_one_that_waited_and_has_gone_is_no_error(edge: Edge) -> None:
    edge.parts.publisher.publish([Outgoing(Topic.FAILURES, TraceFound(trace_id="gone", waited=True))])
    deliver_all(edge.parts)
    assert (edge.parts.dead_letters.count(), kept_healthy(edge.parts)) == (0, set())


def test_a_storm_does_not_write_to_one_document_with_every_trace(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Write] = []
    commit = SqliteDocuments.commit

    def recording(self: SqliteDocuments, *writes: Write) -> bool:
        written.extend(one for one in writes if one.collection.startswith(CONTROL_GROUPS))
        return commit(self, *writes)

    monkeypatch.setattr(SqliteDocuments, "commit", recording)
    for number in range(40):
        edge.has(f"f{number}", *failing(), at=NOW - HOUR + timedelta(seconds=number))
    edge.alert()
    assert len(captured(edge.parts)) == 40
    # Two threads may both find nothing there, and one of them writes in vain.
    assert 1 <= len(written) <= 2


@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_the_same_for_any_order(edge: Edge, seed: int) -> None:
    drawn = random.Random(seed)
    told = [
        (f"t{one}", drawn.choice("12"), drawn.random() < 0.75, timedelta(hours=24 * drawn.randrange(70)))
        for one in range(45)
    ]
    youngest = min(age for *_, age in told)
    expected: set[str] = set()
    for version in "12":
        passed = [
            name for name, of, healthy, age in told if of == version and healthy and age <= youngest + KEPT
        ]
        expected |= set(by_rank(passed)[:FEW])
    backwards = sorted(told, key=lambda one: one[3])
    for at, some in enumerate((backwards, backwards[::-1], drawn.sample(told, len(told)))):
        parts = edge.store(f"store{at}")
        edge.stand_in.store = SpanStore()
        for first in range(0, len(some), 15):
            for name, version, healthy, age in some[first : first + 15]:
                edge.has(name, *of_version(version, healthy=healthy), at=NOW - age - HOUR)
            everything = Incident(
                id=f"in-{first}", kind=IncidentKind.BACKFILL, since=NOW - timedelta(days=75), until=NOW
            )
            parts.incidents.open_or_renew(everything)
            parts.publisher.publish([order(everything.id)])
            find_and_sanitize(parts)
        assert kept_healthy(parts) == expected


def overtaken(
    edge: Edge, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, *, by: str, trace: str
) -> None:
    """Sanitize a trace, and another one from end to end when the first comes to a step; then work all off."""
    step, once = getattr(owner, name), [by]
    told: list[Outgoing] = []

    def overtaking(*arguments: object) -> object:
        result = step(*arguments)
        while once:
            told.extend(chain(*Sanitizer.of(edge.parts).run(TraceFound(trace_id=once.pop()))))
        return result

    monkeypatch.setattr(owner, name, overtaking)
    told.extend(chain(*Sanitizer.of(edge.parts).run(TraceFound(trace_id=trace))))
    edge.parts.publisher.publish(told)
    deliver_all(edge.parts)


def test_one_that_falls_out_while_another_fails_is_in_again(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    newcomer, failed, *others = ranked(FEW + 1)
    for name in (failed, *others):
        edge.has(name, *passing(), at=NOW - HOUR)
    edge.alert()
    edge.has(newcomer, *passing(), at=NOW - HOUR)
    edge.has(failed, *failing(metadata={"told": "late"}), at=NOW - HOUR)

    overtaken(edge, monkeypatch, HealthyCaptures, "aged", by=failed, trace=newcomer)

    assert kept_healthy(edge.parts) == {newcomer, *others}


def test_one_that_ages_while_it_is_taken_in_pushes_nobody_out(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, *others = ranked(FEW + 1)
    for name in others:
        edge.has(name, *passing(), at=NOW - HOUR)
    edge.alert()
    edge.has(older, *passing(), at=NOW - timedelta(days=20))
    edge.now = NOW + timedelta(days=15)
    edge.has("newest", *failing(), at=edge.now - HOUR)

    overtaken(edge, monkeypatch, ControlGroups, "newest", by="newest", trace=older)

    assert kept_healthy(edge.parts) == set(others)


def test_a_trace_of_the_future_ages_nobody(edge: Edge) -> None:
    names = ranked(FEW + 20)
    for name in names[:FEW]:
        edge.has(name, *passing(), at=NOW - HOUR)
    edge.alert()
    hit = TraceHit.of(Trace.of("x", of_version("1.2.0")), SignalRules())
    future = hit._replace(trace_id=names[-1], started_at=NOW + KEPT * 2)
    search = FailureSearch.of(edge.parts)
    choice = Choice(
        search.captures, search.healthy, search.groups, Again(always=False, delay=HOUR, now=edge.now)
    )
    edge.parts.control_groups.seen("shop-assistant", "prod", edge.now)

    assert not any(choice.rounds([future]))
    assert kept_healthy(edge.parts) == set(names[:FEW])
