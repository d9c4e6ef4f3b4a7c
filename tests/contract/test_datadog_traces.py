"""Datadog as a trace source, held to what trace files give of the same spans."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.local.datadog.fields import Syntax
from shared.cloud.datadog_traces import DatadogTraces
from shared.domain.signals import SignalRules
from shared.domain.spans import Span, Trace
from shared.domain.taxonomy import FailureType
from shared.errors import TraceNotFoundError, TraceSourceError, UnavailableError
from shared.ports import TraceHit, TraceQuery
from shared.wiring import Wiring
from tests.conftest import SAMPLES
from tests.contract.conftest import NOW, Datadog, all_hits
from tests.unit.build import ROOT_ID, TRACE_ID, record, root, step, verdict

SECRET = "jane.roe@leaky-nest.org"


def of(trace_id: str, *spans: Span) -> list[Span]:
    return [span.model_copy(update={"trace_id": trace_id}) for span in spans]


def failing(datadog: Datadog, rules: SignalRules | None = None, **pace: Any) -> set[str]:
    return {hit.trace_id for hit in all_hits(datadog.traces(rules, **pace)).values() if hit.failing}


def is_served_as_trace_files_give_it(
    datadog: Datadog, path: Path, parts: Wiring, **pace: Any
) -> list[TraceHit]:
    parts.traces.register(path)  # type: ignore[attr-defined]
    datadog.stand_in.store.add_file(path)
    from_file = parts.traces.search(TraceQuery()).hits
    traces = datadog.traces(**pace)

    hits = all_hits(traces, TraceQuery(since=datadog.now - timedelta(days=30)))

    assert hits == {hit.trace_id: hit for hit in from_file}
    assert [trace_id for trace_id in hits if traces.fetch(trace_id) != parts.traces.fetch(trace_id)] == []
    return from_file


def test_recorded_runs_are_found_and_fetched_as_trace_files_give_them(
    datadog: Datadog, airline: Path, parts: Wiring
) -> None:
    hits = is_served_as_trace_files_give_it(datadog, airline, parts, window=timedelta(days=2))

    assert (len(hits), sum(hit.failing for hit in hits)) == (200, 116)


def test_samples_are_found_and_fetched_as_trace_files_give_them(datadog: Datadog, parts: Wiring) -> None:
    datadog.now += timedelta(days=25)

    assert is_served_as_trace_files_give_it(datadog, SAMPLES, parts, window=timedelta(days=30))


def test_evaluations_that_come_late_make_failures_of_healthy_traces(datadog: Datadog) -> None:
    for number in range(20):
        datadog.has(*of(f"t{number}", root(evaluations={"goal_completeness": verdict("fail")})))
    late = {f"t{number}" for number in range(10)}
    datadog.stand_in.store.hold_evaluations(late)
    assert failing(datadog) == {f"t{number}" for number in range(10, 20)}

    datadog.stand_in.store.hold_evaluations(())

    assert failing(datadog) == {f"t{number}" for number in range(20)}


@pytest.mark.parametrize("page_size", [1, 2, 3])
def test_pages_are_read_to_the_end(datadog: Datadog, page_size: int) -> None:
    datadog.stand_in.knobs.page_size = page_size
    for number in range(5):
        datadog.has(*of(f"t{number}", root(status="error"), step("a", status="error"), step("b")))

    traces = datadog.traces()

    assert failing(datadog) == {f"t{number}" for number in range(5)}
    assert [span.span_id for span in traces.fetch("t3").spans] == [ROOT_ID, "a", "b"]


def test_an_end_that_is_told_as_null_is_an_end(datadog: Datadog) -> None:
    datadog.wrong_on_purpose = "/meta/page: null"
    datadog.stand_in.knobs.page_is_null = True
    datadog.has(root(status="error"))

    assert failing(datadog) == {TRACE_ID}


def test_another_process_goes_on_where_a_search_has_come_to(datadog: Datadog) -> None:
    for hours in range(8):
        datadog.has(*of(f"t{hours}", root()), at=NOW - timedelta(hours=2 + 4 * hours))
    page = datadog.traces().search(TraceQuery())
    seen = [hit.trace_id for hit in page.hits]
    datadog.now += timedelta(minutes=7)
    while page.cursor:
        page = datadog.traces().search(TraceQuery(), cursor=page.cursor)
        seen += [hit.trace_id for hit in page.hits]

    assert seen == [f"t{hours}" for hours in reversed(range(8))]


def test_a_search_that_runs_out_of_time_goes_on_with_less(datadog: Datadog) -> None:
    for number in range(30):
        at = NOW - timedelta(minutes=5 + 10 * number)
        datadog.has(*of(f"t{number}", root(status="error" if number % 3 else "ok")), at=at)
    recent = TraceQuery(since=NOW - timedelta(hours=6))
    whole = all_hits(datadog.traces(), recent)
    datadog.stand_in.knobs.longest_window = timedelta(minutes=40)

    assert all_hits(datadog.traces(window=timedelta(hours=8)), recent) == whole
    assert len(whole) == 30


def test_a_step_that_failed_in_a_run_that_passed_is_no_failure(datadog: Datadog) -> None:
    passed = root(evaluations={"goal_completeness": verdict("pass")})
    datadog.has(*of("mended", passed, step("a", status="error")))
    datadog.has(*of("failed", root(), step("a", status="error")))
    # This step is found in a later window than its root.
    late = step("a", status="error", start_ns=5 * 3600 * 10**9)
    datadog.has(*of("long", passed, late), at=NOW - timedelta(hours=10))

    hits = all_hits(datadog.traces(window=timedelta(hours=2)))

    assert {hit.trace_id: hit.failing for hit in hits.values()} == {
        "mended": False,
        "failed": True,
        "long": False,
    }


@pytest.mark.parametrize("syntax", Syntax)
@pytest.mark.parametrize("label", ["hallucination", "our judge's view", "Goal-Score"])
def test_evaluations_of_steps_are_found_in_either_syntax(
    datadog: Datadog, syntax: Syntax, label: str
) -> None:
    datadog.knows(syntax)
    datadog.has(*of("bad", root(), step("a", evaluations={label: verdict("fail", 3)})))
    datadog.has(*of("good", root(), step("a", evaluations={label: verdict("pass", 4)})))
    rules = SignalRules(labels={label: FailureType.HALLUCINATION})

    hits = all_hits(datadog.traces(rules))

    assert {hit.trace_id for hit in hits.values() if hit.failing} == {"bad"}
    if syntax is Syntax.CURRENT:
        assert {hit.trace_id for hit in hits.values() if hit.evaluated} == {"bad", "good"}


def test_a_label_that_nobody_mapped_counts_where_it_failed(datadog: Datadog) -> None:
    datadog.has(*of("on the root", root(evaluations={"our_own": verdict("fail")})))
    datadog.has(*of("on a step", root(), step("a", evaluations={"our_own": verdict("fail")})))
    datadog.has(*of("passed", root(evaluations={"our_own": verdict("pass")})))

    assert failing(datadog) == {"on the root", "on a step"}


def test_evaluations_of_our_own_flag_nothing(datadog: Datadog) -> None:
    datadog.has(root())
    join = {"span": {"span_id": ROOT_ID, "trace_id": TRACE_ID}}
    metric = {"join_on": join, "label": "incident_regression", "metric_type": "categorical"}
    metric |= {"categorical_value": "fail", "assessment": "fail", "tags": ["source:evalforge"]}
    send(datadog, "/api/intake/llm-obs/v2/eval-metric", metric)

    [hit] = all_hits(datadog.traces()).values()

    assert (hit.failing, hit.evaluated) == (False, False)


def send(datadog: Datadog, path: str, metric: dict[str, Any]) -> None:
    metric = {"ml_app": "shop-assistant", "timestamp_ms": int(NOW.timestamp() * 1000), **metric}
    body = {"data": {"type": "evaluation_metric", "attributes": {"metrics": [metric]}}}
    answer = httpx.post(
        datadog.stand_in.url + path, json=body, headers={"DD-API-KEY": datadog.stand_in.api_key}
    )
    assert answer.status_code == 202, answer.text


def test_a_search_keeps_to_its_scope(datadog: Datadog) -> None:
    datadog.has(*of("prod", root(status="error")))
    datadog.has(*of("staging", root(status="error", tags=("env:staging",))))
    datadog.has(*of("other", root(status="error", ml_app='a "quoted" (app)')))
    datadog.has(*of("old", root(status="error")), at=NOW - timedelta(hours=40))
    traces = datadog.traces()

    assert set(all_hits(traces, TraceQuery(env="staging"))) == {"staging"}
    assert set(all_hits(traces, TraceQuery(ml_app='a "quoted" (app)'))) == {"other"}
    assert set(all_hits(traces, TraceQuery(env="prod", since=NOW - timedelta(hours=2)))) == {"prod", "other"}
    assert "old" not in all_hits(traces, TraceQuery(since=NOW - timedelta(hours=30)))
    assert set(all_hits(traces, TraceQuery(until=NOW - timedelta(hours=30)))) == {"old"}
    assert all_hits(traces, TraceQuery(since=NOW, until=NOW - timedelta(hours=1))) == {}


def test_what_datadog_has_not_is_not_found(datadog: Datadog) -> None:
    with pytest.raises(TraceNotFoundError, match="expired"):
        datadog.traces().fetch("nowhere")
    with pytest.raises(TraceSourceError, match="trace file"):
        datadog.traces().search(TraceQuery(source="abc"))
    with pytest.raises(TraceSourceError, match="cursor"):
        datadog.traces().search(TraceQuery(), cursor="of another kind")


def test_an_id_that_tells_of_a_person_goes_into_no_message(
    datadog: Datadog, caplog: pytest.LogCaptureFixture
) -> None:
    datadog.has(*of(SECRET, root(status="error")))
    datadog.has(root(status="error"))

    assert failing(datadog) == {TRACE_ID}
    assert SECRET not in caplog.text


class Told:
    """Answers every search with the same spans."""

    def __init__(self, *attributes: Any) -> None:
        data = [{"id": "1", "type": "span", "attributes": told} for told in attributes]
        self.answer: Any = {"data": data, "meta": {"status": "done", "page": {}}}

    def search(self, body: Any) -> Any:
        return self.answer


def telling(*attributes: Any) -> DatadogTraces:
    return DatadogTraces(
        Told(*attributes),
        SignalRules(),
        clock=lambda: NOW,
        sleep=lambda _: None,
        lookback=timedelta(hours=1),
    )


def test_a_span_that_cannot_be_read_does_not_make_a_trace_look_healthy() -> None:
    broken = record("broken", metadata=5)

    assert telling(record(), broken).search(TraceQuery()).hits == []
    assert [hit.failing for hit in telling(record(status="error"), broken).search(TraceQuery()).hits] == [
        True
    ]
    assert telling(record(), broken).fetch(TRACE_ID) == Trace.of(
        TRACE_ID, telling(record()).fetch(TRACE_ID).spans
    )
    with pytest.raises(TraceSourceError, match="can be read"):
        telling(broken).fetch(TRACE_ID)


def test_spans_of_another_trace_are_not_taken_for_this_one() -> None:
    with pytest.raises(UnavailableError, match="another trace"):
        telling(record(trace_id="other")).fetch(TRACE_ID)


def test_an_answer_without_spans_is_no_answer() -> None:
    source = Told()
    source.answer = {"data": "x"}
    traces = DatadogTraces(
        source, SignalRules(), clock=lambda: NOW, sleep=lambda _: None, lookback=timedelta(hours=1)
    )
    with pytest.raises(UnavailableError, match="list of spans"):
        traces.fetch(TRACE_ID)
