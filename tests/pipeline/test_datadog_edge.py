"""Failures found in Datadog: by webhook, poll and backfill alike, and again for what comes late."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from shared import logs
from shared.domain.incidents import POLL_ID, TICK_ID
from shared.messages import AlertRaised
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
    passing,
    search_of,
)
from tests.pipeline.end_state import assert_whole
from tests.unit.build import root


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


def test_citations_go_over_with_a_capture_and_come_back(edge: Edge) -> None:
    edge.has("founder", root(status="error"))
    edge.has("cited", *passing())
    edge.alert()
    [suggestion] = [one.id for one in edge.parts.suggestions.all()]
    assert edge.parts.healthy.cite("cited", suggestion)
    for kind in (failing, passing, failing):
        edge.now += timedelta(minutes=5)
        edge.has("cited", *kind(metadata={"told": str(edge.now)}), at=NOW - HOUR)
        edge.tick()

    assert "cited" in captured(edge.parts)
    assert [one.kind for one in edge.parts.suggestions.events(suggestion)] == ["reference_failed"] * 2


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


def test_a_poll_says_how_far_it_is_behind(edge: Edge, capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    for hours in range(24):
        edge.has(f"t{hours}", *failing(), at=NOW - HOUR * hours - HOUR / 2)
    pages = search_of(edge.parts)(AlertRaised(incident_id=POLL_ID))
    next(pages)
    edge.now += timedelta(seconds=30)
    assert order(POLL_ID) in [one for page in pages for one in page]
    [*_] = search_of(edge.parts)(AlertRaised(incident_id=POLL_ID))
    edge.now += timedelta(hours=5)
    behind = search_of(edge.parts)(AlertRaised(incident_id=POLL_ID))
    next(behind)
    edge.now += timedelta(minutes=5)
    list(behind)

    told = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    searched = [(one["done"], one.get("lag_seconds")) for one in told if one["message"] == "searched"]
    # Never to an end yet; to its end, half a minute after it began; hours behind, and to be gone on with.
    assert searched == [(False, None), (True, 30), (False, 5 * 3600 + 30 + 5 * 60)]


def test_polls_do_not_ask_for_open_incidents_and_those_that_cannot_be_closed_are_left_to_polls(
    edge: Edge,
) -> None:
    cycle = edge.told(scope="ml_app:shop-assistant")
    default = edge.told(alert_id="", cycle_key="", id="5")
    asked = {one for page in search_of(edge.parts)(AlertRaised(incident_id=TICK_ID)) for one in page}
    assert asked == {order(POLL_ID), order(cycle.id)}

    unpolled = search_of(edge.parts, polls=False)
    assert {one for page in unpolled(AlertRaised(incident_id=TICK_ID)) for one in page} == {
        order(default.id),
        order(cycle.id),
    }

    polled = [one for page in search_of(edge.parts)(AlertRaised(incident_id=POLL_ID)) for one in page]
    assert polled == []


def test_where_polling_is_off_a_tick_searches_open_incidents_alone(edge: Edge) -> None:
    off = edge.parts.settings.model_copy(update={"poll_datadog": False})
    parts = wire_embedded(off, clock=lambda: edge.now)
    edge.tick(parts)
    assert edge.searches() == []
    edge.alert(parts, scope="ml_app:shop-assistant")
    edge.exchanges.clear()

    edge.tick(parts)

    assert {"@ml_app:shop-assistant" in one["query"] for one in edge.searches()} == {True}


def test_a_refusal_is_kept_with_the_permission_that_is_missing(edge: Edge) -> None:
    edge.stand_in.knobs.permissions = frozenset()

    edge.alert()

    [letter] = edge.parts.dead_letters.all()
    assert letter.stage == "find_failures"
    assert "llm_observability_read" in letter.reason
