"""Datadog as a trace source, held to what trace files give, and to what Datadog may answer."""

import threading
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.local.datadog.fields import Syntax
from functions.local.datadog.knobs import Refusal
from shared.cloud import datadog_client
from shared.cloud.datadog_client import DatadogClient
from shared.cloud.datadog_failures import DatadogRefusedError, DatadogUnavailableError
from shared.cloud.datadog_traces import DatadogTraces
from shared.domain.signals import SignalRules
from shared.domain.spans import Evaluation, Span, Trace
from shared.domain.taxonomy import FailureType
from shared.errors import NotFoundError, TraceNotFoundError, TraceSourceError, UnavailableError
from shared.ports import TraceQuery
from shared.wiring import Wiring
from tests.contract.conftest import NOW, Datadog, all_hits
from tests.contract.openapi import described
from tests.unit.build import ROOT_ID, TRACE_ID, record, root, step, verdict

SECRET = "jane.roe@leaky-nest.org"


def of(trace_id: str, *spans: Span) -> list[Span]:
    return [span.model_copy(update={"trace_id": trace_id}) for span in spans]


def failing(datadog: Datadog, rules: SignalRules | None = None, **pace: Any) -> set[str]:
    return {hit.trace_id for hit in all_hits(datadog.traces(rules, **pace)).values() if hit.failing}


def test_recorded_runs_are_found_and_fetched_as_trace_files_give_them(
    datadog: Datadog, airline: Path, parts: Wiring
) -> None:
    parts.traces.register(airline)  # type: ignore[attr-defined]
    datadog.stand_in.store.add_file(airline)
    from_file = {hit.trace_id: hit for hit in parts.traces.search(TraceQuery()).hits}
    traces = datadog.traces()

    hits = all_hits(traces)

    assert hits == from_file
    assert (len(hits), sum(hit.failing for hit in hits.values())) == (200, 116)
    assert [trace_id for trace_id in hits if traces.fetch(trace_id) != parts.traces.fetch(trace_id)] == []


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
    datadog.as_described = False
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


def test_a_cursor_that_comes_again_is_an_error(datadog: Datadog) -> None:
    datadog.stand_in.knobs.page_size = 1
    datadog.stand_in.knobs.repeats_cursor = True
    datadog.has(root(status="error"), step("a"), step("b"))

    with pytest.raises(UnavailableError, match="same cursor twice"):
        datadog.traces().fetch(TRACE_ID)


def test_a_search_that_runs_out_of_time_goes_on_with_less(datadog: Datadog) -> None:
    for number in range(30):
        at = NOW - timedelta(hours=1 + number)
        datadog.has(*of(f"t{number}", root(status="error" if number % 3 else "ok")), at=at)
    whole = all_hits(datadog.traces())
    datadog.stand_in.knobs.longest_window = timedelta(minutes=20)

    assert all_hits(datadog.traces(window=timedelta(hours=8))) == whole
    assert len(whole) == 30


def test_what_never_comes_to_an_end_is_tried_later(datadog: Datadog) -> None:
    datadog.has(root(status="error"))
    datadog.stand_in.knobs.always_times_out = True

    with pytest.raises(UnavailableError, match="single second"):
        datadog.traces().search(TraceQuery())
    with pytest.raises(UnavailableError, match="in time"):
        datadog.traces().fetch(TRACE_ID)


CALLS: dict[str, Callable[[DatadogTraces], object]] = {
    "search": lambda traces: traces.search(TraceQuery()),
    "fetch": lambda traces: traces.fetch(TRACE_ID),
}
each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
each_body = pytest.mark.parametrize("objects", [False, True], ids=["texts", "objects"])


@each_call
@each_body
def test_the_rate_limit_is_waited_for(
    datadog: Datadog, call: Callable[[DatadogTraces], object], objects: bool
) -> None:
    datadog.has(root())
    datadog.stand_in.knobs.refuse(Refusal(429, SECRET, reset="7", objects=objects), times=2)

    call(datadog.traces())

    assert datadog.slept == [7, 7]


@each_call
@each_body
def test_no_call_waits_longer_than_it_may(
    datadog: Datadog, call: Callable[[DatadogTraces], object], objects: bool
) -> None:
    datadog.stand_in.knobs.refuse(Refusal(429, SECRET, reset="9", objects=objects), times=9)

    with pytest.raises(DatadogUnavailableError) as raised:
        call(datadog.traces(patience_seconds=20))

    assert (datadog.slept, raised.value.retry_after) == ([9, 9], 9)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("reset", [None, "", "soon", "nan"])
def test_a_rate_limit_without_a_time_is_left_to_redelivery(datadog: Datadog, reset: str | None) -> None:
    datadog.stand_in.knobs.refuse(Refusal(429, reset=reset))

    with pytest.raises(DatadogUnavailableError):
        datadog.traces().search(TraceQuery())

    assert datadog.slept == []


def test_a_limit_that_is_over_at_once_is_not_asked_in_a_rush(datadog: Datadog) -> None:
    datadog.stand_in.knobs.refuse(Refusal(429, reset="0"), times=50)

    with pytest.raises(DatadogUnavailableError):
        datadog.traces(patience_seconds=10).search(TraceQuery())

    assert len(datadog.slept) == 10


@each_call
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_what_is_down_is_asked_again_later(
    datadog: Datadog, call: Callable[[DatadogTraces], object], status: int
) -> None:
    datadog.stand_in.knobs.refuse(Refusal(status, SECRET))

    with pytest.raises(DatadogUnavailableError, match=str(status)) as raised:
        call(datadog.traces())

    assert SECRET not in str(raised.value)
    assert len(datadog.exchanges) == 1, "the library does not try again by itself"


@each_call
@each_body
@pytest.mark.parametrize(
    ("status", "advice"),
    [(401, "DATADOG_API_KEY"), (403, "llm_observability_read"), (400, "does not take")],
)
def test_what_will_not_pass_is_told_with_what_to_do(
    datadog: Datadog,
    call: Callable[[DatadogTraces], object],
    objects: bool,
    status: int,
    advice: str,
) -> None:
    datadog.as_described = objects
    datadog.stand_in.knobs.refuse(Refusal(status, SECRET, objects=objects))

    with pytest.raises(DatadogRefusedError, match=advice) as raised:
        call(datadog.traces())

    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_missing_permission_and_a_wrong_key_are_told_apart(datadog: Datadog) -> None:
    datadog.stand_in.knobs.permissions = frozenset()
    with pytest.raises(DatadogRefusedError, match="llm_observability_read"):
        datadog.traces().search(TraceQuery())
    with pytest.raises(DatadogRefusedError, match="monitors_read"):
        datadog.client.monitor(1)
    wrong = DatadogClient(api_key="x", app_key="y", site="datadoghq.com", host=datadog.stand_in.url)
    with pytest.raises(DatadogRefusedError, match="DATADOG_API_KEY or DATADOG_APP_KEY"):
        wrong.search({"data": {"type": "spans", "attributes": {}}})


def test_a_bad_query_is_told_by_its_place(datadog: Datadog) -> None:
    body: Any = {"data": {"type": "spans", "attributes": {"filter": {"query": '@a:("' + SECRET}}}}

    with pytest.raises(DatadogRefusedError, match="/data/attributes/filter/query") as raised:
        datadog.client.search(body)

    assert SECRET not in str(raised.value)


def test_nothing_there_is_no_answer(datadog: Datadog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datadog_client, "READ_SECONDS", 0.2)
    datadog.stand_in.knobs.slow_seconds = 0.5
    with pytest.raises(DatadogUnavailableError, match="ReadTimeoutError"):
        datadog.traces().search(TraceQuery())
    nobody = DatadogClient(api_key="x", app_key="y", site="datadoghq.com", host="http://127.0.0.1:9")
    with pytest.raises(DatadogUnavailableError, match="did not answer"):
        nobody.search({"data": {"type": "spans", "attributes": {}}})


def test_the_keys_go_nowhere_else() -> None:
    asked: list[str] = []

    class Redirecting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(307)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")  # type: ignore[attr-defined]
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Redirecting) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            client = DatadogClient(
                api_key="x", app_key="y", site="datadoghq.com", host=f"http://127.0.0.1:{server.server_port}"
            )
            with pytest.raises((DatadogRefusedError, DatadogUnavailableError)):
                client.monitor(1)
        finally:
            server.shutdown()
            thread.join()

    assert asked == ["/api/v1/monitor/1"]


def test_times_are_always_told(datadog: Datadog) -> None:
    datadog.has(root(status="error"))
    all_hits(datadog.traces())
    datadog.traces().fetch(TRACE_ID)

    filters = [exchange.asked["data"]["attributes"]["filter"] for exchange in datadog.exchanges]

    assert filters
    assert all(told["from"].endswith("Z") and told["to"].endswith("Z") for told in filters)


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
    own = Evaluation(assessment="fail", tags=("source:evalforge",))
    datadog.stand_in.store.add([root(start_ns=int((NOW - timedelta(hours=1)).timestamp()) * 10**9)])
    join = {"span": {"span_id": ROOT_ID, "trace_id": TRACE_ID}}
    assert own.verdict == "fail"
    metric = {"join_on": join, "label": "incident_regression", "metric_type": "categorical"}
    metric |= {"categorical_value": "fail", "assessment": "fail", "tags": list(own.tags)}
    send(datadog, "/api/intake/llm-obs/v2/eval-metric", metric)

    [hit] = all_hits(datadog.traces()).values()

    assert (hit.failing, hit.evaluated) == (False, False)


def send(datadog: Datadog, path: str, metric: dict[str, Any]) -> None:
    metric = {"ml_app": "shop-assistant", "timestamp_ms": 1, **metric}
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


def test_monitors_are_read_and_checked(datadog: Datadog) -> None:
    definition: Any = {
        "type": "llm-observability alert",
        "name": "failing answers",
        "query": 'llm-observability("@status:error").rollup("count").last("15m") > 5',
    }
    datadog.stand_in.monitors[7] = {**definition, "id": 7, "options": {}}
    client = datadog.client

    client.validate()
    client.validate_monitor(definition)

    assert client.monitor(7)["query"] == definition["query"]
    with pytest.raises(NotFoundError, match="monitor"):
        client.monitor(8)
    with pytest.raises(DatadogRefusedError, match="check of a monitor"):
        client.validate_monitor({**definition, "query": "llm-observability(broken"})


def test_exchanges_are_held_to_the_description() -> None:
    if not described():
        pytest.skip(
            "the description of the API is not beside the project; name its folder in EVALFORGE_SHARED"
        )
    assert len(described()) == 2
