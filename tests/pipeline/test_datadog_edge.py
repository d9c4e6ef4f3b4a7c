"""Failures found in Datadog: by webhook, poll and backfill alike, resumed, and again for what comes late."""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.find_failures.search import FailureSearch, Pages
from functions.find_failures.where import Lateness
from functions.local.datadog.server import Exchange, StandIn, serving
from functions.local.delivery import Delivery, entry_points
from functions.local.host import queue_of
from functions.local.trace_run import deliver_all
from functions.receive_alert.alert import parse_alert, take
from shared import wiring
from shared.domain.captures import CaptureHead, control_group_rank
from shared.domain.incidents import POLL_ID, Incident, IncidentKind, IncidentState
from shared.domain.spans import Span
from shared.messages import AlertRaised, TraceFound
from shared.ports import Outgoing
from shared.settings import Settings
from shared.topology import Topic
from shared.wiring import Wiring, wire_embedded
from tests.contract.openapi import described, faults_of
from tests.pipeline.end_state import assert_whole
from tests.unit.build import root, step, verdict

SEARCH = "/api/v2/llm-obs/v1/spans/events/search"
NOW = datetime(2026, 11, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Edge:
    """A store, the stand-in that it asks, and a clock for both."""

    def __init__(self, folder: Path, stand_in: StandIn) -> None:
        self.stand_in = stand_in
        self.folder = folder
        self.now = NOW
        self.exchanges: list[Exchange] = []
        stand_in.clock = lambda: self.now
        stand_in.observe = self.exchanges.append
        self.parts = self.store("store")

    def store(self, name: str) -> Wiring:
        settings = Settings(
            evalforge_store=self.folder / f"{name}.db",
            evalforge_workers=2,
            datadog_api_key=self.stand_in.api_key,
            datadog_app_key=self.stand_in.app_key,
            datadog_api_url=self.stand_in.url,
            pii_salt="a salt that is long enough for this test",
        )
        return wire_embedded(settings, clock=lambda: self.now)

    def has(self, trace_id: str, *spans: Span, at: datetime | None = None) -> None:
        """Put a trace into Datadog, which started at a moment."""
        start = int((at or self.now - HOUR).timestamp()) * 10**9
        self.stand_in.store.add(
            span.model_copy(update={"trace_id": trace_id, "start_ns": start + span.start_ns})
            for span in spans
        )

    def has_a_failure_an_hour(self) -> set[str]:
        """Put a failing trace into each hour of the last day."""
        for hours in range(24):
            self.has(f"t{hours}", *failing(), at=NOW - HOUR * hours - HOUR / 2)
        return {f"t{hours}" for hours in range(24)}

    def told(self, parts: Wiring | None = None, **told: str) -> Incident:
        """Take an alert in, and leave its order in the queue."""
        parts = parts or self.parts
        moment = str(int(self.now.timestamp() * 1000))
        payload = {"alert_id": "7", "cycle_key": "c", "date_ms": moment, "transition": "Triggered", **told}
        alert = parse_alert(json.dumps(payload).encode(), lookback=parts.settings.lookback)
        take(alert, incidents=parts.incidents, publisher=parts.publisher)
        return alert

    def alert(self, parts: Wiring | None = None, **told: str) -> Incident:
        """Take an alert in, and let the chain do its work."""
        incident = self.told(parts, **told)
        deliver_all(parts or self.parts)
        return incident

    def tick(self, parts: Wiring | None = None) -> None:
        """Do what the schedule does, and let the chain do its work."""
        parts = parts or self.parts
        parts.publisher.publish([order(POLL_ID)])
        deliver_all(parts)

    def searches(self) -> list[dict[str, Any]]:
        """List what was searched for, but for the fetches of traces."""
        asked = [one.asked["data"]["attributes"]["filter"] for one in self.exchanges if one.path == SEARCH]
        return [one for one in asked if "trace_id" not in one]

    def fetched(self) -> list[str]:
        """List the traces that were fetched, in order."""
        asked = [one.asked["data"]["attributes"]["filter"] for one in self.exchanges if one.path == SEARCH]
        return [one["trace_id"] for one in asked if "trace_id" in one]


def order(incident_id: str) -> Outgoing:
    return Outgoing(Topic.ALERTS, AlertRaised(incident_id=incident_id))


def failing(**fields: Any) -> list[Span]:
    return [root(evaluations={"goal_completeness": verdict("fail")}, **fields), step("a")]


def passing(**fields: Any) -> list[Span]:
    return [root(evaluations={"goal_completeness": verdict("pass")}, **fields), step("a")]


def search_of(parts: Wiring) -> Callable[[AlertRaised], Pages]:
    """Hand out the search itself, to be taken a page at a time."""
    return FailureSearch(
        incidents=parts.incidents,
        searches=parts.searches,
        traces=parts.traces,
        monitors=parts.monitors,
        captures=parts.captures,
        healthy=parts.healthy,
        clock=parts.clock,
        late=Lateness(parts.settings.lookback, parts.settings.evaluation_delay),
        polls=True,
    ).run


def published(page: Iterable[Outgoing]) -> set[str]:
    return {one.message.trace_id for one in page if isinstance(one.message, TraceFound)}


def captured(parts: Wiring) -> set[str]:
    return {head.trace_id for head in parts.captures.heads()}


def kept_healthy(parts: Wiring) -> set[str]:
    return {head.trace_id for head in parts.healthy.heads()}


def heads(parts: Wiring) -> list[CaptureHead]:
    return [*parts.captures.heads(), *parts.healthy.heads()]


def find_and_sanitize(parts: Wiring) -> None:
    """Let those two functions work, and none of those behind them."""
    entries = entry_points()
    rest = {topic: lambda _event: None for topic in entries.keys() - {Topic.ALERTS, Topic.FAILURES}}
    with wiring.use(parts):
        Delivery(queue_of(parts), entries | rest).drain(workers=2)


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    stand_in = StandIn()
    with serving(stand_in):
        yield (edge := Edge(tmp_path, stand_in))
    if described():
        assert [fault for exchange in edge.exchanges for fault in faults_of(exchange)] == []


def backfilled(parts: Wiring, since: datetime, until: datetime) -> None:
    incident = Incident(id="in-backfill", kind=IncidentKind.BACKFILL, since=since, until=until)
    parts.incidents.open_or_renew(incident)
    parts.publisher.publish([order(incident.id)])


def test_recorded_runs_are_the_same_captures_whichever_way_they_are_found(edge: Edge, airline: Path) -> None:
    edge.stand_in.store.add_file(airline)
    webhook, poll, backfill, all_at_once = map(edge.store, ("webhook", "poll", "backfill", "all"))

    edge.told(webhook, scope="ml_app:airline-agent")
    poll.publisher.publish([order(POLL_ID)])
    backfilled(backfill, NOW - timedelta(days=1), NOW)
    edge.told(all_at_once, scope="ml_app:airline-agent")
    all_at_once.publisher.publish([order(POLL_ID)])
    backfilled(all_at_once, NOW - timedelta(days=1), NOW)
    for parts in (webhook, poll, backfill, all_at_once):
        find_and_sanitize(parts)

    assert (webhook.captures.count(), webhook.healthy.count(), webhook.dead_letters.count()) == (116, 84, 0)
    for other in (poll, backfill, all_at_once):
        assert heads(other) == heads(webhook)


def test_evaluations_an_hour_late_move_healthy_captures_over_and_what_cited_them_is_asked_again(
    edge: Edge,
) -> None:
    names = [f"t{number}" for number in range(20)]
    for name in names:
        edge.has(name, *failing())
    edge.has("founder", root(status="error"))
    late = set(names[:10])
    edge.stand_in.store.hold_evaluations(late)
    edge.alert()
    assert (captured(edge.parts), kept_healthy(edge.parts)) == ({*names[10:], "founder"}, late)
    cited = [suggestion.id for suggestion in edge.parts.suggestions.all()]
    for name, suggestion in zip(sorted(late), cited * 10, strict=False):
        assert edge.parts.healthy.cite(name, suggestion)

    edge.stand_in.store.hold_evaluations(())
    edge.now += HOUR
    edge.tick()

    assert (captured(edge.parts), kept_healthy(edge.parts)) == ({*names, "founder"}, set())
    events = [event for one in cited for event in edge.parts.suggestions.events(one)]
    assert [event.kind for event in events] == ["reference_failed"] * 10
    assert {event.detail.split()[0] for event in events} == late
    assert_whole(edge.parts)

    edge.now += HOUR
    edge.tick()
    assert len([event for one in cited for event in edge.parts.suggestions.events(one)]) == 10


def test_a_poll_looks_again_as_far_back_as_evaluations_come_late(edge: Edge) -> None:
    edge.tick()
    edge.now += timedelta(minutes=15)
    edge.exchanges.clear()

    edge.tick()

    [since] = {one["from"] for one in edge.searches()}
    assert since == "2026-11-02T23:00:00.000Z"
    assert {one["to"] for one in edge.searches()} == {"2026-11-03T01:15:00.000Z"}


def test_a_poll_that_fell_behind_catches_up(edge: Edge) -> None:
    edge.tick()
    for day in range(1, 5):
        edge.has(f"day {day}", *failing(), at=NOW + timedelta(days=day))
    edge.now += timedelta(days=5)

    edge.tick()

    assert captured(edge.parts) == {f"day {day}" for day in range(1, 5)}
    assert edge.parts.searches.get(POLL_ID).search.searched_until == edge.now


def test_where_polling_is_off_a_tick_searches_open_incidents_alone(edge: Edge) -> None:
    off = edge.parts.settings.model_copy(update={"poll_datadog": False})
    parts = wire_embedded(off, clock=lambda: edge.now)
    edge.tick(parts)
    assert edge.searches() == []
    edge.alert(parts, scope="ml_app:shop-assistant")
    edge.exchanges.clear()

    edge.tick(parts)

    assert {"@ml_app:shop-assistant" in one["query"] for one in edge.searches()} == {True}


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


def test_an_incident_is_searched_as_its_monitor_is_defined(edge: Edge) -> None:
    edge.stand_in.monitors[7] = {
        "id": 7,
        "type": "llm-observability alert",
        "query": 'llm-observability("@ml_app:shop-assistant env:prod @evaluation.odd.value:bad")'
        '.rollup("count").last("2d") > 1',
    }
    edge.has("long before", *failing(tags=("env:prod",)), at=NOW - timedelta(hours=45))
    edge.has("elsewhere", *failing(tags=("env:staging",)))
    edge.has("other", *failing(ml_app="other", tags=("env:prod",)))

    edge.alert()

    assert captured(edge.parts) == {"long before"}
    assert any("odd" in one["query"] for one in edge.searches())


@pytest.mark.parametrize("refused", ["no monitor", "no permission", "another kind"])
def test_where_the_monitor_cannot_be_read_the_alert_says_where_to_look(edge: Edge, refused: str) -> None:
    if refused == "no permission":
        edge.stand_in.knobs.permissions = frozenset({"llm_observability_read"})
    if refused == "another kind":
        edge.stand_in.monitors[7] = {"id": 7, "type": "metric alert", "query": "avg(last_5m):avg:up{*} < 1"}
    edge.has("here", *failing(tags=("env:prod", "version:2")))
    edge.has("another version", *failing(tags=("env:prod", "version:1")))
    edge.has("elsewhere", *failing(tags=("env:staging", "version:2")))

    edge.alert(scope="ml_app:shop-assistant,env:prod,version:2")

    assert captured(edge.parts) == {"here"}
    assert edge.parts.dead_letters.count() == 0


def test_an_open_incident_is_searched_again_and_at_its_close_as_a_whole(edge: Edge) -> None:
    edge.has("first", *failing())
    opened = edge.alert(scope="ml_app:shop-assistant")
    edge.has("later", *failing(), at=NOW + timedelta(hours=5))
    edge.now += timedelta(hours=6)
    off = edge.parts.settings.model_copy(update={"poll_datadog": False})
    parts = wire_embedded(off, clock=lambda: edge.now)

    edge.tick(parts)
    assert captured(parts) == {"first", "later"}

    # It came three hours after the trace: no overlap reaches back so far.
    edge.has("late verdict", *failing(), at=NOW - timedelta(hours=3))
    edge.now += HOUR
    edge.tick(parts)
    assert "late verdict" not in captured(parts)
    edge.alert(parts, scope="ml_app:shop-assistant", transition="Recovered")
    assert parts.incidents.get(opened.id).state is IncidentState.CLOSED
    assert captured(parts) == {"first", "later", "late verdict"}

    edge.exchanges.clear()
    edge.tick(parts)
    assert edge.searches() == []


def test_an_incident_of_which_nothing_was_heard_for_long_is_left_alone(edge: Edge) -> None:
    edge.alert()
    off = edge.parts.settings.model_copy(update={"poll_datadog": False})
    parts = wire_embedded(off, clock=lambda: edge.now)
    edge.now += timedelta(days=8)
    edge.exchanges.clear()

    edge.tick(parts)

    assert edge.searches() == []


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


def test_a_refusal_is_kept_with_the_permission_that_is_missing(edge: Edge) -> None:
    edge.stand_in.knobs.permissions = frozenset()

    edge.alert()

    [letter] = edge.parts.dead_letters.all()
    assert letter.stage == "find_failures"
    assert "llm_observability_read" in letter.reason


def test_a_query_narrows_a_backfill_to_traces_of_which_any_span_matches(edge: Edge) -> None:
    edge.has("by step", root(evaluations={"g": verdict("fail")}), step("a", name="checkout"))
    edge.has("other", root(evaluations={"g": verdict("fail")}), step("a", name="browse"))
    incident = Incident(
        id="in-q", kind=IncidentKind.BACKFILL, since=NOW - HOUR * 3, until=NOW, query="@name:checkout"
    )
    edge.parts.incidents.open_or_renew(incident)
    edge.parts.publisher.publish([order(incident.id)])

    deliver_all(edge.parts)

    assert captured(edge.parts) == {"by step"}


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


def lowest(names: list[str]) -> set[str]:
    return set(sorted(names, key=lambda name: control_group_rank(name, evaluated=True))[:200])
