"""What Datadog may answer, and what is made of it: a wait, a kind of error, and what to do about it."""

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import ModuleType
from typing import Any

import pytest

from functions.local.datadog.knobs import Refusal
from shared.cloud import datadog_client
from shared.cloud.datadog_client import DatadogClient
from shared.cloud.datadog_failures import DatadogRefusedError, DatadogUnavailableError
from shared.cloud.datadog_traces import DatadogTraces
from shared.errors import NotFoundError, UnavailableError
from shared.ports import TraceQuery
from tests.contract.conftest import Datadog, all_hits
from tests.import_sets import loaded_by
from tests.unit.build import TRACE_ID, root, step

SECRET = "jane.roe@leaky-nest.org"


def test_a_cursor_that_comes_again_is_an_error(datadog: Datadog) -> None:
    datadog.stand_in.knobs.page_size = 1
    datadog.stand_in.knobs.repeats_cursor = True
    datadog.has(root(status="error"), step("a"), step("b"))

    with pytest.raises(UnavailableError, match="same cursor twice"):
        datadog.traces().fetch(TRACE_ID)


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
    # Some of its services answer with texts where objects are described.
    datadog.wrong_on_purpose = None if objects else "/errors/0: no object"
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


@pytest.mark.parametrize("raw", [b"<html>" + SECRET.encode(), b"[1]", b"\xff\xfe", b"[" * 100_000])
@pytest.mark.parametrize("status", [200, 502])
def test_what_is_no_json_object_is_no_answer(datadog: Datadog, status: int, raw: bytes) -> None:
    datadog.wrong_on_purpose = " 200 : null"
    datadog.stand_in.knobs.refuse(Refusal(status, raw=raw))

    with pytest.raises(DatadogUnavailableError) as raised:
        datadog.traces().fetch(TRACE_ID)

    assert SECRET not in str(raised.value)


def test_one_client_serves_all_threads(datadog: Datadog, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    make = datadog_client._client

    def counting(host: str, keys: dict[str, str]) -> Any:
        made.append(1)
        return make(host, keys)

    monkeypatch.setattr(datadog_client, "_client", counting)
    datadog.has(root())
    traces = datadog.traces()

    with ThreadPoolExecutor(8) as threads:
        fetched = list(threads.map(lambda _: traces.fetch(TRACE_ID), range(24)))

    assert (len(made), len(fetched)) == (1, 24)


def test_the_library_is_loaded_by_the_first_call() -> None:
    modules = ("client", "failures", "query", "traces")
    code = "".join(f"import shared.cloud.datadog_{module}\n" for module in modules)

    assert loaded_by(code, {}) == {"pydantic"}


def test_the_class_is_found_under_its_former_name(monkeypatch: pytest.MonkeyPatch) -> None:
    package = "datadog_api_client.v2.api"
    former = ModuleType(f"{package}.llm_observability_api")
    vars(former)["LLMObservabilityApi"] = "the former class"
    monkeypatch.setitem(sys.modules, f"{package}.agent_observability_api", None)
    monkeypatch.setitem(sys.modules, former.__name__, former)

    assert datadog_client._spans_api() == "the former class"


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


def test_a_key_that_is_not_valid_is_told(datadog: Datadog) -> None:
    datadog.wrong_on_purpose = " 200 : null"
    datadog.stand_in.knobs.refuse(Refusal(200, raw=b'{"valid": false}'))

    with pytest.raises(DatadogRefusedError, match="DATADOG_API_KEY"):
        datadog.client.validate()


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
