"""A store of every backend; stand-ins for Datadog and for Google's models, and what talks to them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.local.datadog.fields import Syntax
from functions.local.datadog.server import Exchange, StandIn, serving
from functions.local.datadog.spans import BOTH, SpanStore
from shared.cloud.datadog_client import DatadogClient
from shared.cloud.datadog_traces import DatadogTraces, Pace
from shared.domain.signals import SignalRules
from shared.domain.spans import Span
from shared.ports import Documents, TraceHit, TraceQuery
from tests.contract.backends import BACKENDS, EMBEDDED, Backend
from tests.contract.google_models import GoogleModelsStandIn, serving_models
from tests.contract.google_types import hold_answers
from tests.contract.openapi import hold

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)


@pytest.fixture(params=BACKENDS)
def documents(request: pytest.FixtureRequest, tmp_path: Path) -> Documents:
    backend: Backend = request.param
    project = "" if backend is EMBEDDED else request.getfixturevalue("emulated_project")
    return backend.documents(tmp_path, project)


class Datadog:
    """The stand-in, its clock, and a trace source that asks it."""

    def __init__(self, stand_in: StandIn) -> None:
        self.stand_in = stand_in
        self.now = NOW
        self.slept: list[float] = []
        self.exchanges: list[Exchange] = []
        # What is not as described of an answer that is documented otherwise, or wrong on purpose.
        self.wrong_on_purpose: str | None = None

    @property
    def client(self) -> DatadogClient:
        return DatadogClient(
            api_key=self.stand_in.api_key,
            app_key=self.stand_in.app_key,
            site="datadoghq.com",
            host=self.stand_in.url,
        )

    def traces(self, rules: SignalRules | None = None, **pace: Any) -> DatadogTraces:
        return DatadogTraces(
            self.client,
            rules or SignalRules(),
            clock=lambda: self.now,
            sleep=self.sleep,
            lookback=timedelta(hours=48),
            pace=Pace(**pace),
        )

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)

    def knows(self, syntax: Syntax) -> None:
        """Let the stand-in know only one of the syntaxes for evaluations."""
        self.stand_in.store = SpanStore(frozenset({syntax}))

    def has(self, *spans: Span, at: datetime | None = None) -> None:
        """Give it spans that started at a moment, and one after the other in their order."""
        start = int((at or self.now - timedelta(hours=1)).timestamp()) * 10**9
        self.stand_in.store.add(span.model_copy(update={"start_ns": start + span.start_ns}) for span in spans)


@pytest.fixture
def datadog() -> Iterator[Datadog]:
    """A stand-in whose every request and answer is held to its description."""
    stand_in = StandIn(store=SpanStore(BOTH))
    talk = Datadog(stand_in)
    stand_in.clock = lambda: talk.now
    stand_in.observe = talk.exchanges.append
    with serving(stand_in):
        yield talk
    hold(talk.exchanges, but=talk.wrong_on_purpose)


@pytest.fixture
def google() -> Iterator[GoogleModelsStandIn]:
    """A stand-in that must be asked nothing wrong, and whose every answer is held to the library's types."""
    with serving_models(GoogleModelsStandIn()) as stand_in:
        yield stand_in
    assert stand_in.faults == []
    hold_answers(stand_in.answered)


def all_hits(traces: DatadogTraces, query: TraceQuery | None = None) -> dict[str, TraceHit]:
    """Search to the end; of a trace that comes up again, what makes it a failure counts."""
    hits: dict[str, TraceHit] = {}
    cursor: str | None = None
    while True:
        page = traces.search(query or TraceQuery(), cursor=cursor)
        for hit in page.hits:
            if hit.failing or hit.trace_id not in hits:
                hits[hit.trace_id] = hit
        if (cursor := page.cursor) is None:
            return hits
