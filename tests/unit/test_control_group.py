"""Who is in a control group is the same for any order in which traces come."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import control_group
from shared.domain.control_group import KEPT, Candidate, Roster, control_group_rank

START = datetime(2026, 11, 1, tzinfo=UTC)
FEW = 5


@pytest.fixture(autouse=True, scope="module")
def small_groups() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(control_group, "SIZE", FEW)
        patch.setattr(control_group, "_RESERVE", FEW)
        yield


def candidate(number: int, hours: int, *, evaluated: bool = True) -> Candidate:
    return Candidate.of(f"t{number}", START + timedelta(hours=hours), evaluated=evaluated)


def told(found: list[Candidate], at_once: int = 1) -> Roster:
    """Tell a roster of traces as they come, so many at once."""
    roster, newest = Roster(), START
    for at in range(0, len(found), at_once):
        some = found[at : at + at_once]
        newest = max(newest, *(one.started_at for one in some))
        roster = roster.after(newest=newest, passed=some)
    return roster


def members(found: list[Candidate]) -> list[str]:
    """Say who is in the group by its definition."""
    newest = max((START, *(one.started_at for one in found)))
    within = [one for one in found if one.started_at >= newest - KEPT]
    return [one.trace_id for one in sorted(within, key=lambda one: one.rank)[:FEW]]


TRACES = st.lists(st.tuples(st.integers(0, 24 * 70), st.booleans()), max_size=60).map(
    lambda drawn: [candidate(number, hours, evaluated=judged) for number, (hours, judged) in enumerate(drawn)]
)


@given(traces=TRACES, seed=st.integers(), at_once=st.integers(1, 20))
def test_the_members_are_the_lowest_of_the_last_thirty_days_for_any_order(
    traces: list[Candidate], seed: int, at_once: int
) -> None:
    random.Random(seed).shuffle(traces)
    roster = told(traces, at_once)
    assert [one.trace_id for one in roster.members] == members(traces)
    assert roster == told(sorted(traces), at_once=len(traces) or 1)
    assert roster.after(newest=max((START, *(one.started_at for one in traces))), passed=traces) == roster


@given(traces=TRACES)
def test_whoever_will_have_a_place_later_is_remembered(traces: list[Candidate]) -> None:
    roster, newest = told(traces), max((START, *(one.started_at for one in traces)))
    for days in range(31):
        later = newest + timedelta(days=days)
        within = [one for one in traces if one.started_at >= later - KEPT]
        lowest = sorted(within, key=lambda one: one.rank)[:FEW]
        assert list(roster.after(newest=later).members) == lowest


def test_nobody_is_remembered_who_never_will_be() -> None:
    many = told([candidate(number, number % 700) for number in range(5000)], at_once=100)
    assert FEW * 2 <= len(many.candidates) < FEW * 20


def test_one_that_has_failed_makes_room() -> None:
    # All of one moment: whoever waits is forgotten soonest.
    found = [candidate(number, 0) for number in range(FEW * 4)]
    full = told(found)
    assert full.last_rank == full.members[-1].rank
    for failed in range(FEW):
        full = full.after(newest=START, failed=full.members[0].trace_id)
        left = sorted(found, key=lambda one: one.rank)[failed + 1 :]
        assert list(full.members) == left[:FEW]


def test_what_any_search_has_seen_of_a_trace_counts() -> None:
    parts = [
        candidate(1, 5, evaluated=False),
        candidate(1, 3, evaluated=True),
        candidate(1, 4, evaluated=False),
    ]
    assert told(parts).candidates == (candidate(1, 3, evaluated=True),)
    assert told(parts[::-1]) == told(parts)


def test_those_that_were_judged_come_first() -> None:
    assert control_group_rank("z", evaluated=True) < control_group_rank("a", evaluated=False)
    assert told([candidate(1, 0)]).last_rank is None
