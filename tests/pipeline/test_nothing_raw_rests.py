"""No unsanitized text rests: not in the store, not in the queue, not in the logs."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from functions.local.demo import alert_payload
from functions.local.host import hosting
from shared.wiring import Wiring
from tests.conftest import SAMPLES
from tests.pipeline.at_rest import all_of
from tests.pipeline.command import evalforge

CANARY = "canary@leaky-nest.org"
RAW = re.compile(r"leaky-nest")


def planted(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield copies of a span with the canary in one string after another, keys included."""
    match value:
        case str():
            yield path, f"{value} {CANARY}"
        case dict():
            for key, inner in value.items():
                for where, changed in planted(inner, (*path, key)):
                    yield where, {**value, key: changed}
            yield (*path, "a key"), {**value, f"{CANARY} key": "x"}
        case list():
            for at, inner in enumerate(value):
                for where, changed in planted(inner, (*path, str(at))):
                    yield where, [*value[:at], changed, *value[at + 1 :]]


SPAN: dict[str, Any] = {
    "span_id": "2",
    "trace_id": "t",
    "parent_id": "1",
    "name": "pay",
    "span_kind": "tool",
    "status": "error",
    "start_ns": 1,
    "duration": 5,
    "ml_app": "bot",
    "env": "prod",
    "version": "1",
    "input": {"value": '{"order": "A 1"}'},
    "output": {
        "value": "Error: refused",
        "messages": [
            {"role": "assistant", "content": "no", "tool_calls": [{"name": "pay", "arguments": {"a": "b"}}]}
        ],
    },
    "metadata": {"note": "n", "http": {"headers": [{"name": "cookie", "value": "c=1"}, ["accept", "text"]]}},
    "metrics": {"label": "m"},
    "tags": ["service:s", "bare", "user.name:Jane", "PII:x", "user_hash:not-one-of-ours"],
    "evaluation": {
        "tone": {
            "value": "rude",
            "assessment": "fail",
            "reasoning": "r",
            "eval_metric_type": "c",
            "tags": ["k:v"],
        }
    },
    "error": {"message": "m", "type": "T", "stack": "s"},
    "session_id": "s-1",
}


def test_a_canary_in_any_string_of_a_span_rests_nowhere(tmp_path: Path) -> None:
    places = list(planted(SPAN))
    assert len(places) > 40
    spans = []
    for number, (where, span) in enumerate(places):
        unique = span if "trace_id" in where else {**span, "trace_id": f"t{number}"}
        spans.append({**unique, "evaluation": span["evaluation"] if number % 2 else {}})
    path, store = tmp_path / "planted.jsonl", tmp_path / "store.db"
    path.write_text("\n".join(map(json.dumps, spans)))
    ended = evalforge("run", path, "--json", "--store", store, EVALFORGE_LOG_LEVEL="DEBUG")
    assert ended.json["captures"] == len(places)
    assert ended.json["dead_letters"] == 0
    at_rest = all_of(store)
    assert "EMAIL_1" in at_rest
    for told in (at_rest, ended.out, ended.err):
        assert not RAW.search(told), told[max(0, told.find("leaky-nest") - 200) :][:400]


def test_a_canary_in_any_field_of_an_alert_rests_nowhere(parts: Wiring, capfd: Any) -> None:
    headers = {"traceparent": CANARY}
    with hosting(parts) as address:
        for number, (_, payload) in enumerate(planted(alert_payload())):
            unique = {**payload, "cycle_key": f"{payload['cycle_key']}-{number}"}
            answer = httpx.post(f"{address}/receive_alert", json=unique, headers=headers)
            assert answer.status_code in (200, 202)
            assert not RAW.search(answer.text)
    assert not RAW.search(all_of(parts.settings.evalforge_store))
    told = capfd.readouterr()
    assert not RAW.search(told.out + told.err)


def test_names_that_fields_tell_are_gone_from_free_text_too(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    assert evalforge("run", SAMPLES, "--store", store).code == 0
    at_rest = all_of(store)
    spans = [json.loads(line)["attributes"] for line in SAMPLES.read_text().splitlines()]
    people = {span["metadata"]["user"]["name"] for span in spans if "user" in span["metadata"]}
    assert len(people) > 5
    assert not [person for person in people if person in at_rest]


def test_what_a_user_writes_hides_no_failure_and_moves_it_to_no_other_application(tmp_path: Path) -> None:
    span = {
        "trace_id": "t",
        "span_id": "1",
        "name": "get_order",
        "ml_app": "bot",
        "span_kind": "llm",
        "tags": ["hallucination:true", "env:prod"],
        "input": {"value": '{"token": "true", "address": "prod", "street": "get_order"}'},
    }
    path, store = tmp_path / "hostile.jsonl", tmp_path / "store.db"
    path.write_text(json.dumps(span))
    report = evalforge("run", path, "--json", "--store", store).json
    assert [(one["ml_app"], one["env"], one["failure_type"]) for one in report["suggestions"]] == [
        ("bot", "prod", "hallucination")
    ]
