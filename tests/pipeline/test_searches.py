"""Searches that are killed, long, overtaken or told again; what is fetched of what they find."""

from datetime import timedelta

from functions.local.trace_run import deliver_all
from shared.domain.captures import control_group_rank
from shared.messages import AlertRaised, TraceFound
from shared.ports import Outgoing
from tests.pipeline.datadog_edge import (
    HOUR,
    NOW,
    Edge,
    backfilled,
    captured,
    failing,
    kept_healthy,
    order,
    passing,
    published,
    search_of,
)
from tests.pipeline.end_state import assert_whole


def lowest(names: list[str]) -> set[str]:
    return set(sorted(names, key=lambda name: control_group_rank(name, evaluated=True))[:200])


def test_what_looks_as_it_was_captured_is_not_fetched_again_but_once_when_nothing_more_can_come(
    edge: Edge,
) -> None:
    for number in range(3):
        edge.has(f"f{number}", *failing())
        edge.has(f"h{number}", *passing())
    edge.alert()
    assert sorted(edge.fetched()) == ["f0", "f1", "f2", "h0", "h1", "h2"]
    # Two hours after they started their last evaluations are in.
    fetched = []
    for _ in range(12):
        edge.exchanges.clear()
        edge.now += timedelta(minutes=15)
        edge.tick()
        fetched.append(sorted(set(edge.fetched())))

    assert [names for names in fetched if names] == [["f0", "f1", "f2", "h0", "h1", "h2"]]
    assert_whole(edge.parts)


def test_a_backfill_fetches_again_whatever_was_captured(edge: Edge) -> None:
    edge.has("f", *failing())
    edge.alert()
    edge.exchanges.clear()

    backfilled(edge.parts, NOW - HOUR * 2, NOW)
    deliver_all(edge.parts)

    assert edge.fetched() == ["f"]


def test_a_search_that_was_killed_goes_on_where_it_was(edge: Edge) -> None:
    names = edge.has_a_failure_an_hour()
    incident = edge.told()
    pages = search_of(edge.parts)(AlertRaised(incident_id=incident.id))
    first = published(next(pages))
    second = published(next(pages))
    assert (first & second, bool(first and second)) == (set(), True)
    # The second page was found and never published.
    pages.close()
    edge.exchanges.clear()

    rest = [published(page) for page in search_of(edge.parts)(AlertRaised(incident_id=incident.id))]

    assert rest[0] == second
    assert first.isdisjoint(set().union(*rest))
    assert first.union(*rest) == names


def test_two_deliveries_of_one_search_do_not_both_do_it_all(edge: Edge) -> None:
    names = edge.has_a_failure_an_hour()
    incident = edge.told()
    one = search_of(edge.parts)(AlertRaised(incident_id=incident.id))
    found = published(next(one))
    other = list(search_of(edge.parts)(AlertRaised(incident_id=incident.id)))

    found |= set().union(*map(published, one))

    assert set().union(*map(published, other)) == names
    assert len(found) < len(names)


def test_a_long_search_has_another_message_go_on(edge: Edge) -> None:
    names = edge.has_a_failure_an_hour()
    incident = edge.told()
    turns = 0
    pages: list[list[Outgoing]] = []
    going_on = True
    while going_on:
        turns += 1
        told = []
        for page in search_of(edge.parts)(AlertRaised(incident_id=incident.id)):
            told.append(page)
            edge.now += timedelta(seconds=20)
        going_on = order(incident.id) in told[-1]
        pages += told

    assert turns == 2
    found = [one.message.trace_id for page in pages for one in page if isinstance(one.message, TraceFound)]
    assert sorted(found) == sorted(names)


def test_an_alert_that_widens_a_search_under_way_is_searched_whole(edge: Edge) -> None:
    names = edge.has_a_failure_an_hour()
    incident = edge.told()
    under_way = search_of(edge.parts)(AlertRaised(incident_id=incident.id))
    next(under_way)
    next(under_way)
    edge.has("new", *failing(), at=NOW + HOUR)
    edge.now += HOUR * 2
    edge.told(transition="Renotify")

    renewed = set().union(*map(published, search_of(edge.parts)(AlertRaised(incident_id=incident.id))))

    assert renewed == {"new", *names}


def test_healthy_traces_are_fetched_for_the_control_group_alone(edge: Edge) -> None:
    for number in range(250):
        edge.has(f"t{number}", *passing())
    edge.alert()
    kept = kept_healthy(edge.parts)
    assert (len(edge.fetched()), len(kept)) == (200, 200)
    for number in range(250, 300):
        edge.has(f"t{number}", *passing())
    edge.exchanges.clear()
    edge.now += timedelta(minutes=15)

    edge.tick()

    assert 0 < len(set(edge.fetched())) < 50
    assert len(kept_healthy(edge.parts)) == 200
    assert kept_healthy(edge.parts) == lowest([f"t{number}" for number in range(300)])


def test_the_control_group_ages_by_the_newest_trace_of_its_application(edge: Edge) -> None:
    edge.has("old", *passing(), at=NOW - timedelta(days=20))
    edge.has("cited", *passing(), at=NOW - timedelta(days=20))
    edge.has("of another", *passing(ml_app="other"), at=NOW - timedelta(days=20))
    backfilled(edge.parts, NOW - timedelta(days=25), NOW)
    deliver_all(edge.parts)
    assert edge.parts.healthy.cite("cited", "sg-1")
    assert kept_healthy(edge.parts) == {"old", "cited", "of another"}

    edge.now += timedelta(days=11)
    edge.has("new", *failing(), at=edge.now - HOUR)
    edge.tick()

    assert kept_healthy(edge.parts) == {"cited", "of another"}
    assert captured(edge.parts) == {"new"}
