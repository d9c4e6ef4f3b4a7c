"""A store, a stand-in for Datadog that it asks, and one clock for both."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from functions.find_failures.search import FailureSearch, Pages
from functions.local.datadog.server import Exchange, StandIn
from functions.local.delivery import Delivery, entry_points
from functions.local.host import queue_of
from functions.local.trace_run import deliver_all
from functions.receive_alert.alert import parse_alert, take
from shared import wiring
from shared.domain.captures import CaptureHead
from shared.domain.incidents import TICK_ID, Incident, IncidentKind
from shared.domain.spans import Span
from shared.messages import AlertRaised, TraceFound
from shared.ports import Outgoing
from shared.settings import Settings
from shared.topology import Topic
from shared.wiring import Wiring, wire_embedded
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
        # Tests clear their own list; what holds exchanges to their description sees them all.
        seen_by_all = stand_in.observe

        def observe(exchange: Exchange) -> None:
            seen_by_all(exchange)
            self.exchanges.append(exchange)

        stand_in.observe = observe
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
        parts.publisher.publish([order(TICK_ID)])
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


def search_of(parts: Wiring, *, polls: bool = True) -> Callable[[AlertRaised], Pages]:
    """Hand out the search itself, to be taken a page at a time."""
    return replace(FailureSearch.of(parts), polls=polls).run


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


def backfilled(parts: Wiring, since: datetime, until: datetime) -> None:
    incident = Incident(id="in-backfill", kind=IncidentKind.BACKFILL, since=since, until=until)
    parts.incidents.open_or_renew(incident)
    parts.publisher.publish([order(incident.id)])
