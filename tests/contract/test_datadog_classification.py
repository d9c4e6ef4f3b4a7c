"""What a search of Datadog says of a trace, against what the rules say of the whole of it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.local.datadog.knobs import Knobs
from functions.local.datadog.search import page_of, search_of_body
from functions.local.datadog.spans import SpanStore
from shared.cloud import datadog_traces
from shared.cloud.datadog_traces import DatadogTraces, Pace
from shared.domain.signals import SignalRules, signals_of, was_evaluated
from shared.domain.spans import Evaluation, Span, Trace
from tests.contract.conftest import NOW, all_hits
from tests.properties import examples
from tests.unit.build import ROOT_ID

RULES = SignalRules()
START = int((NOW - timedelta(hours=30)).timestamp()) * 10**9
HOUR = 3600 * 10**9

_evaluations = st.dictionaries(
    st.sampled_from(["goal_completeness", "hallucination", "toxicity", "guardrail", "quality_score"]),
    st.builds(
        Evaluation,
        value=st.sampled_from([0.1, 0.9, "hallucination found", "failed", "fine"]),
        assessment=st.sampled_from(["pass", "fail", None]),
        tags=st.sampled_from([(), ("source:evalforge",), ("team:a",)]),
    ),
    max_size=2,
)
_spans = st.builds(
    Span,
    span_id=st.just("replaced"),
    trace_id=st.just("replaced"),
    status=st.sampled_from(["ok", "ok", "error"]),
    start_ns=st.integers(0, 24).map(lambda hours: START + hours * HOUR),
    ml_app=st.just("bot"),
    metadata=st.sampled_from([{}, {}, {"http": {"status_code": 503}}, {"quality_score": 0.2}]),
    tags=st.sampled_from([("env:prod",), ("env:prod", "guardrail:failed")]),
    evaluations=_evaluations,
)
_traces = st.lists(st.tuples(_spans, st.lists(_spans, max_size=3)), min_size=1, max_size=6)


class InProcess:
    """The stand-in without its server."""

    def __init__(self, spans: list[Span], page_size: int = 5000) -> None:
        self.store = SpanStore()
        self.store.add(spans)
        self.knobs = Knobs(page_size=page_size)
        self.asked = 0

    def search(self, body: Any) -> Any:
        self.asked += 1
        return page_of(search_of_body(body, NOW), self.store, self.knobs, "http://stand-in/")

    def traces(self, **pace: Any) -> DatadogTraces:
        return DatadogTraces(
            self,
            RULES,
            clock=lambda: NOW,
            sleep=_never,
            lookback=timedelta(hours=48),
            pace=Pace(**pace),
        )


def _never(seconds: float) -> None:
    raise AssertionError("nothing has to be waited for")


def laid_out(drawn: list[tuple[Span, list[Span]]], *, rooted: bool = True) -> dict[str, Trace]:
    """Give the spans their ids, and a root to each trace, which starts first."""
    traces = {}
    for number, (top, below) in enumerate(drawn):
        name = f"t{number}"
        steps = [
            span.model_copy(
                update={
                    "span_id": f"s{at}",
                    "trace_id": name,
                    "parent_id": ROOT_ID,
                    "start_ns": max(span.start_ns, top.start_ns),
                }
            )
            for at, span in enumerate(below)
        ]
        parent = None if rooted else "gone"
        first = top.model_copy(update={"span_id": ROOT_ID, "trace_id": name, "parent_id": parent})
        told = [
            one.model_copy(
                update={
                    "evaluations": {
                        label: evaluation
                        for label, evaluation in one.evaluations.items()
                        if "source:evalforge" not in evaluation.tags
                    }
                }
            )
            for one in (first, *steps)
        ]
        traces[name] = Trace.of(name, told)
    return traces


def sent(drawn: list[tuple[Span, list[Span]]], *, rooted: bool = True) -> list[Span]:
    """List what the application and EvalForge itself sent of the same traces."""
    own = Evaluation(assessment="fail", tags=("source:evalforge",))
    return [
        span.model_copy(update={"evaluations": {**span.evaluations, "incident_regression": own}})
        for trace in laid_out(drawn, rooted=rooted).values()
        for span in trace.spans
    ]


@examples(40)
@given(_traces, st.sampled_from([1, 2, 5000]), st.sampled_from([5, 48]))
def test_a_search_says_what_the_rules_say_of_the_whole(
    drawn: list[tuple[Span, list[Span]]], page_size: int, window_hours: int
) -> None:
    source = InProcess(sent(drawn), page_size)

    hits = all_hits(source.traces(window=timedelta(hours=window_hours)))

    whole = laid_out(drawn)
    assert {name: hit.failing for name, hit in hits.items()} == {
        name: bool(signals_of(trace, RULES)) for name, trace in whole.items()
    }
    if window_hours == 48 and all(_is_judged(trace) for trace in whole.values()):
        assert {name: hit.evaluated for name, hit in hits.items()} == {
            name: was_evaluated(trace) for name, trace in whole.items()
        }


def _is_judged(trace: Trace) -> bool:
    """Say whether every evaluation came with a verdict: mere values of steps are not asked for."""
    return all(told.assessment for span in trace.spans for told in span.evaluations.values())


@examples(30)
@given(_traces)
def test_a_trace_without_its_root_is_found_when_it_failed(drawn: list[tuple[Span, list[Span]]]) -> None:
    hits = all_hits(InProcess(sent(drawn, rooted=False)).traces(window=timedelta(hours=48)))

    failed = {name for name, trace in laid_out(drawn, rooted=False).items() if signals_of(trace, RULES)}
    assert {name for name, hit in hits.items() if hit.failing} == failed


@pytest.mark.parametrize(
    "spread", [lambda number: number * HOUR, lambda _number: 0], ids=["spread", "at once"]
)
def test_no_window_holds_more_than_memory_should(
    monkeypatch: pytest.MonkeyPatch, spread: Callable[[int], int]
) -> None:
    spans = [
        Span(span_id="s", trace_id=f"t{number}", status="error", start_ns=START + spread(number))
        for number in range(20)
    ]
    monkeypatch.setattr(datadog_traces, "_MOST_SPANS", 6)
    source = InProcess(spans)

    hits = all_hits(source.traces(window=timedelta(hours=48)))

    assert len(hits) == 20
    assert all(hit.failing for hit in hits.values())
