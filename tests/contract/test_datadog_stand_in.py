"""The stand-in for Datadog: both span operations, intakes and monitors, as the API is described."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.conftest import NOW, Datadog, all_hits
from tests.unit.build import ROOT_ID, TRACE_ID, root, step

SPANS = "/api/v2/llm-obs/v1/spans/events"
INTAKE = "/api/intake/llm-obs/v1/trace/spans"
EVALUATIONS = "/api/intake/llm-obs/v2/eval-metric"
START = int((NOW - timedelta(minutes=5)).timestamp()) * 10**9


def keys(datadog: Datadog) -> dict[str, str]:
    return {
        "DD-API-KEY": datadog.stand_in.api_key,
        "DD-APPLICATION-KEY": datadog.stand_in.app_key,
    }


def get(datadog: Datadog, path: str, **arguments: Any) -> httpx.Response:
    return httpx.get(datadog.stand_in.url + path, params=arguments, headers=keys(datadog))


def post(datadog: Datadog, path: str, body: Any, **headers: str) -> httpx.Response:
    return httpx.post(datadog.stand_in.url + path, json=body, headers={**keys(datadog), **headers})


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [span["id"] for span in answer.json()["data"]]


def searched(**attributes: Any) -> dict[str, Any]:
    return {"data": {"type": "spans", "attributes": attributes}}


def test_both_operations_find_the_same(datadog: Datadog) -> None:
    datadog.has(root(), step("a", status="error"), step("b"), at=NOW - timedelta(minutes=5))
    listed = get(datadog, SPANS, **{"filter[query]": "@status:error", "page[limit]": 5})
    found = post(datadog, f"{SPANS}/search", searched(filter={"query": "@status:error"}))

    assert ids(listed) == ids(found) == ["a"]
    assert ids(get(datadog, SPANS, **{"filter[span_kind]": "task"})) == ["b", "a"]
    assert ids(get(datadog, SPANS, sort="timestamp", **{"filter[trace_id]": TRACE_ID})) == [ROOT_ID, "a", "b"]


def test_beside_a_query_the_other_filters_are_ignored(datadog: Datadog) -> None:
    datadog.has(root(), at=NOW - timedelta(minutes=5))
    filters = {"query": "@status:ok", "ml_app": "another", "trace_id": "another"}

    assert ids(post(datadog, f"{SPANS}/search", searched(filter=filters))) == [ROOT_ID]
    assert ids(post(datadog, f"{SPANS}/search", searched(filter={"ml_app": "another"}))) == []


def test_without_times_only_the_last_15_minutes_are_searched(datadog: Datadog) -> None:
    datadog.has(root(), at=NOW - timedelta(minutes=20))
    early = f"{int((NOW - timedelta(hours=1)).timestamp() * 1000)}"

    assert ids(get(datadog, SPANS)) == []
    for since in ("now-1h", "now-3600s", "2026-11-03T11:00:00Z", early):
        assert ids(get(datadog, SPANS, **{"filter[from]": since})) == [ROOT_ID], since


def test_without_a_limit_a_page_has_ten_spans(datadog: Datadog) -> None:
    datadog.has(*(step(f"s{number}") for number in range(25)), at=NOW - timedelta(minutes=5))
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = get(datadog, SPANS, **cursor)
        seen += ids(answer)
        assert len(ids(answer)) <= 10
        if (after := answer.json()["meta"]["page"].get("after")) is None:
            break
        cursor = {"page[cursor]": after}

    assert len(seen) == len(set(seen)) == 25


@pytest.mark.parametrize("content", ["application/json", "application/vnd.api+json"])
def test_either_documented_content_type_is_taken(datadog: Datadog, content: str) -> None:
    assert ids(post(datadog, f"{SPANS}/search", searched(), **{"Content-Type": content})) == []


@pytest.mark.parametrize(
    "attributes",
    [
        {"filter": {"query": "("}},
        {"filter": {"from": "yesterday"}},
        {"page": {"limit": 6000}},
        {"page": {"cursor": "x"}},
        {"sort": "name"},
    ],
)
def test_a_request_that_is_none_is_refused(datadog: Datadog, attributes: Any) -> None:
    answer = post(datadog, f"{SPANS}/search", searched(**attributes))

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["source"]["pointer"].startswith("/data/attributes/")


def test_spans_come_in_by_either_intake(datadog: Datadog) -> None:
    span: dict[str, Any] = {"trace_id": "t", "span_id": "s", "parent_id": "undefined", "name": "chat"}
    span |= {"start_ns": START, "duration": 5, "status": "error", "meta": {"kind": "llm"}}
    by_http = {"ml_app": "bot", "tags": ["env:prod"], "spans": [span]}
    traced = {**span, "span_id": "s2", "tags": ["ml_app:bot"], "metrics": {}, "_dd": {}}
    event = {"_dd.stage": "raw", "_dd.tracer_version": "4.16.0", "event_type": "span", "spans": [traced]}

    sent = post(datadog, INTAKE, {"data": {"type": "span", "attributes": by_http}})
    also = post(datadog, "/api/v2/llmobs", [event])

    assert (sent.status_code, sent.content, also.status_code) == (202, b"", 202)
    assert sorted(ids(get(datadog, SPANS, **{"filter[ml_app]": "bot"}))) == ["s", "s2"]
    assert post(datadog, INTAKE, {"data": {"type": "span", "attributes": {}}}).status_code == 400


def metric(**fields: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "join_on": {"span": {"span_id": ROOT_ID, "trace_id": TRACE_ID}},
        "ml_app": "shop-assistant",
    }
    told |= {"timestamp_ms": START // 10**6, "label": "goal_completeness", "assessment": "fail"}
    if "metric_type" not in fields:
        told |= {"metric_type": "categorical", "categorical_value": "incomplete"}
    told |= fields
    return {"data": {"type": "evaluation_metric", "attributes": {"metrics": [told]}}}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"join_on": {"tag": {"key": "turn", "value": "7"}}},
        {"metric_type": "score", "score_value": 0.1},
        {"metric_type": "boolean", "boolean_value": False},
    ],
)
def test_an_evaluation_makes_a_failure_of_its_trace(datadog: Datadog, fields: dict[str, Any]) -> None:
    datadog.has(root(tags=("turn:7",)), step("a"))
    assert [hit.failing for hit in all_hits(datadog.traces()).values()] == [False]

    answer = post(datadog, EVALUATIONS, metric(**fields))

    assert answer.json()["data"]["attributes"]["metrics"][0]["id"]
    assert [hit.failing for hit in all_hits(datadog.traces()).values()] == [True]


@pytest.mark.parametrize(
    "fields",
    [
        {"label": "a.b"},
        {"assessment": "bad"},
        {"categorical_value": None},
        {"join_on": {}},
        {"join_on": {"span": {"span_id": "x", "trace_id": "y"}}},
        {"join_on": {"tag": {"key": "env", "value": "prod"}}},
    ],
)
def test_an_evaluation_that_is_none_is_refused(datadog: Datadog, fields: dict[str, Any]) -> None:
    datadog.has(root(), step("a", tags=("env:prod",)))

    assert post(datadog, EVALUATIONS, metric(**fields)).status_code == 400


def test_intakes_ask_for_one_key_and_searches_for_two(datadog: Datadog) -> None:
    one = {"DD-API-KEY": datadog.stand_in.api_key}
    search = {"data": {"type": "spans", "attributes": {}}}
    asked = {
        path: httpx.post(datadog.stand_in.url + path, json=body, headers=one).status_code
        for path, body in {INTAKE: {}, EVALUATIONS: {}, f"{SPANS}/search": search}.items()
    }

    assert asked == {INTAKE: 400, EVALUATIONS: 400, f"{SPANS}/search": 401}
    assert httpx.get(datadog.stand_in.url + "/api/v1/validate").status_code == 403


def test_a_monitor_that_was_made_is_there(datadog: Datadog) -> None:
    query = 'llm-observability("@status:error").rollup("count").last("15m") > 5'
    made = post(datadog, "/api/v1/monitor", {"type": "llm-observability alert", "query": query, "name": "n"})

    assert datadog.client.monitor(made.json()["id"])["query"] == query
    assert post(datadog, "/api/v1/monitor", {"type": "llm-observability alert"}).status_code == 400


def test_any_file_can_be_served(datadog: Datadog, tmp_path: Path) -> None:
    path = tmp_path / "traces.json"
    path.write_text('[[{"trace_id": "t", "span_id": "s", "input": "hi", "output": [1], "start_ns": 5}]]')

    assert len(datadog.stand_in.store.add_file(path).traces) == 1
