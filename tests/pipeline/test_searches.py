"""Searches that are killed, long, overtaken or told again; what is fetched of what they find."""

from datetime import timedelta

from functions.local.trace_run import deliver_all
from shared.domain.control_group import control_group_rank
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
from tests.unit.build import root, step, verdict


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


def test_what_a_search_sees_only_in_part_is_not_fetched_again_for_it(edge: Edge) -> None:
    # A verdict that no root has, and that nobody has told of: only a whole trace shows it.
    edge.has("t", root(status="error"), step("a", evaluations={"our_own_word": verdict("fail")}))
    edge.alert()
    fetched = []
    for _ in range(6):
        edge.exchanges.clear()
        edge.now += timedelta(minutes=5)
        edge.tick()
        fetched += edge.fetched()

    assert fetched == []


def test_a_new_incident_does_not_fetch_again_what_has_settled(edge: Edge) -> None:
    for number in range(5):
        edge.has(f"t{number}", *failing(), at=NOW - HOUR * 3)
    edge.alert()
    assert len(edge.fetched()) == 5
    edge.exchanges.clear()

    for cycle in ("second", "third"):
        edge.now += timedelta(minutes=5)
        edge.alert(cycle_key=cycle)

    assert edge.fetched() == []


def test_renewals_do_not_keep_a_long_search_at_its_beginning(edge: Edge) -> None:
    names = edge.has_a_failure_an_hour()
    incident = edge.told()
    found: set[str] = set()
    for turn in range(3):
        pages = search_of(edge.parts)(AlertRaised(incident_id=incident.id))
        found |= published(next(pages))
        edge.now += timedelta(seconds=30)
        # It notes its page, and ends.
        found |= set().union(*map(published, pages))
        edge.told(transition="Renotify", event_id=str(turn))

    assert found == names


def test_an_alert_that_comes_while_its_incident_is_searched_is_not_lost(edge: Edge) -> None:
    edge.has_a_failure_an_hour()
    incident = edge.told()
    under_way = search_of(edge.parts)(AlertRaised(incident_id=incident.id))
    next(under_way)
    edge.now += timedelta(minutes=10)
    edge.told(transition="Renotify")
    # Its own search meets the other one, and leaves it to that.
    other = search_of(edge.parts)(AlertRaised(incident_id=incident.id))
    next(other)
    rest = list(under_way)
    list(other)

    assert order(incident.id) in rest[-1]


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
    first = published(next(under_way))
    next(under_way)
    edge.has("new", *failing(), at=NOW + HOUR)
    edge.now += HOUR * 2
    edge.told(transition="Renotify")

    renewed = list(search_of(edge.parts)(AlertRaised(incident_id=incident.id)))
    assert order(incident.id) in renewed[-1]
    more = list(search_of(edge.parts)(AlertRaised(incident_id=incident.id)))

    assert first.union(*map(published, [*renewed, *more])) == {"new", *names}
    assert order(incident.id) not in more[-1]


def test_healthy_traces_are_fetched_for_the_control_group_alone(edge: Edge) -> None:
    for number in range(250):
        edge.has(f"t{number}", *passing())
    edge.alert()
    kept = kept_healthy(edge.parts)
    assert (len(set(edge.fetched())), len(kept)) == (200, 200)
    for number in range(250, 300):
        edge.has(f"t{number}", *passing())
    edge.exchanges.clear()
    edge.now += timedelta(minutes=15)

    edge.tick()

    assert 0 < len(set(edge.fetched())) < 50
    assert len(kept_healthy(edge.parts)) == 200
    assert kept_healthy(edge.parts) == lowest([f"t{number}" for number in range(300)])


def test_a_cited_capture_does_not_open_a_full_control_group(edge: Edge) -> None:
    names = [f"t{number}" for number in range(230)]
    for name in names:
        edge.has(name, *passing())
    edge.alert()
    last = max(kept_healthy(edge.parts), key=lambda name: control_group_rank(name, evaluated=True))
    assert edge.parts.healthy.cite(last, "sg-1")
    for number in range(230, 240):
        edge.has(f"t{number}", *passing())
        names.append(f"t{number}")
    edge.now += timedelta(minutes=15)
    edge.tick()
    assert kept_healthy(edge.parts) == lowest(names) | {last}
    edge.exchanges.clear()

    edge.now += timedelta(minutes=15)
    edge.tick()

    assert edge.fetched() == []


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
