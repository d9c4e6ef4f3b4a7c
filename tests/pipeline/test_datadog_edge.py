"""Failures found in Datadog: by webhook, poll and backfill alike, and again for what comes late."""

from datetime import timedelta
from pathlib import Path

import pytest

from functions.local.trace_run import deliver_all
from shared.domain.incidents import POLL_ID, Incident, IncidentKind, IncidentState
from shared.wiring import wire_embedded
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
)
from tests.pipeline.end_state import assert_whole
from tests.unit.build import root, step, verdict


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
