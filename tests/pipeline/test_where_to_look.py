"""Where an incident is searched: as its monitor is defined, as its alerts say, and for how long."""

from datetime import timedelta

import pytest

from functions.local.trace_run import deliver_all
from shared.domain.incidents import Incident, IncidentKind, IncidentState
from shared.wiring import Wiring, wire_embedded
from tests.pipeline.datadog_edge import (
    HOUR,
    NOW,
    Edge,
    captured,
    failing,
    order,
    passing,
)
from tests.unit.build import root, step, verdict


def parts_only_incident(parts: Wiring) -> Incident:
    [incident] = parts.incidents.in_state(IncidentState.OPEN)
    return incident


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

    # What it was late for may have been evaluated only since.
    edge.has("at the end", *passing(), at=edge.now - timedelta(minutes=10))
    edge.now += HOUR
    edge.has("at the end", *failing(), at=edge.now - timedelta(minutes=70))
    edge.tick(parts)
    assert "at the end" in captured(parts)

    edge.now += timedelta(hours=3)
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


def test_an_alert_that_says_more_than_the_first_is_searched_for_all_it_says(edge: Edge) -> None:
    off = edge.parts.settings.model_copy(update={"poll_datadog": False})
    parts = wire_embedded(off, clock=lambda: edge.now)
    edge.has("earlier", *failing(), at=NOW - timedelta(hours=26))
    edge.has("of another", *failing(ml_app="other"), at=NOW - timedelta(hours=10))
    edge.alert(parts, scope="ml_app:shop-assistant")
    assert captured(parts) == set()

    # The alert that came first by its own time came last.
    before = str(int((NOW - timedelta(hours=4)).timestamp() * 1000))
    edge.alert(parts, scope="ml_app:shop-assistant", date_ms=before)
    assert captured(parts) == {"earlier"}
    edge.now += HOUR
    edge.alert(parts, scope="ml_app:other")
    assert captured(parts) == {"earlier", "of another"}


def test_a_monitor_that_can_be_read_only_later_is_followed_as_far_back_as_it_looks(edge: Edge) -> None:
    edge.has("two days ago", *failing(), at=NOW - timedelta(hours=45))
    edge.stand_in.monitors[7] = {
        "id": 7,
        "type": "llm-observability alert",
        "query": 'llm-observability("@ml_app:shop-assistant @status:error").rollup("count").last("2d") > 1',
    }
    edge.stand_in.knobs.permissions = frozenset({"llm_observability_read"})
    edge.alert()
    assert captured(edge.parts) == set()

    edge.stand_in.knobs.permissions = frozenset({"llm_observability_read", "monitors_read"})
    edge.now += timedelta(minutes=15)
    edge.tick()

    assert captured(edge.parts) == {"two days ago"}


def test_a_scope_that_reads_like_personal_data_narrows_nothing(edge: Edge) -> None:
    edge.has("here", *failing(tags=("version:2.0.0.1",)))

    incident = edge.alert(scope="ml_app:shop-assistant,version:2.0.0.1")

    assert (incident.ml_app, incident.version) == ("shop-assistant", None)
    assert captured(edge.parts) == {"here"}


@pytest.mark.parametrize("ahead", [timedelta(days=1), timedelta(days=365 * 7000)])
def test_an_alert_ahead_of_the_clock_hides_nothing(edge: Edge, ahead: timedelta) -> None:
    off = edge.parts.settings.model_copy(update={"poll_datadog": False})
    parts = wire_embedded(off, clock=lambda: edge.now)
    edge.alert(parts, date_ms=str(int((edge.now + ahead).timestamp() * 1000)))
    edge.now += HOUR * 2
    edge.has("later", *failing(), at=edge.now - HOUR)

    edge.tick(parts)

    if ahead < timedelta(days=7):
        assert captured(parts) == {"later"}
    assert parts.searches.get(parts_only_incident(parts).id).search.searched_until <= edge.now  # type: ignore[operator]


@pytest.mark.parametrize("query", ["*", "@ml_app:shop-assistant", "env:prod AND @event_type:span"])
def test_a_monitor_that_watches_everything_asks_no_more_than_no_monitor(edge: Edge, query: str) -> None:
    edge.has("t", *failing(tags=("env:prod",)))
    edge.alert(scope="ml_app:shop-assistant,env:prod")
    usual = len(edge.searches())
    edge.stand_in.monitors[7] = {
        "id": 7,
        "type": "llm-observability alert",
        "query": f'llm-observability("{query}").rollup("count").last("1h") > 1',
    }
    edge.exchanges.clear()

    edge.alert(edge.store("watched"), scope="ml_app:shop-assistant,env:prod")

    assert len(edge.searches()) == usual


def test_a_query_that_only_monitors_know_costs_no_search(edge: Edge) -> None:
    edge.has("t", *failing())
    edge.stand_in.monitors[7] = {
        "id": 7,
        "type": "llm-observability alert",
        "query": 'llm-observability("@ml_app:shop-assistant @duration:[5 TO").rollup("count").last("1h") > 1',
    }

    edge.alert()

    assert (captured(edge.parts), edge.parts.dead_letters.count()) == ({"t"}, 0)


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
