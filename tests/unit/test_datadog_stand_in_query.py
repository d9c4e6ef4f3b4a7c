"""The stand-in's reading of Datadog's search syntax."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.local.datadog.fields import fields_of
from functions.local.datadog.query import QueryError, parse
from functions.local.datadog.spans import BOTH
from tests.properties import examples

SPAN: dict[str, Any] = {
    "span_id": "s1",
    "trace_id": "t1",
    "parent_id": "undefined",
    "name": "chat",
    "span_kind": "llm",
    "status": "error",
    "start_ns": 1,
    "duration": 6e9,
    "ml_app": "support-bot",
    "model_name": "gpt-4o",
    "error": {"type": "Timeout"},
    "input": {"value": "Where is my PARCEL?"},
    "output": {"messages": [{"role": "assistant", "content": 'It is "on its way"'}]},
    "metadata": {"http": {"status_code": 503}, "temperature": 0, "ok": False},
    "metrics": {"total_tokens": 20.0},
    "tags": ["env:prod", "service:bot", "session_id:abc", "http.status_code:500", "monitor"],
    "evaluation": {
        "hallucination": {
            "value": "hallucination found",
            "assessment": "fail",
            "tags": ["source:other"],
            "reasoning": "made up",
        },
        "our judge": {"value": 0.4, "assessment": "pass"},
    },
}
FIELDS = fields_of(SPAN, BOTH)
HOLDS = [
    "*",
    "",
    "@status:error",
    "env:prod",
    "@ml_app:support-bot",
    '@ml_app:"support-bot"',
    "@ml_app:support*",
    "@ml_app:s?pport-bot",
    "@meta.span.kind:llm",
    "@meta.model_name:gpt-4o",
    "@meta.error.type:Timeout",
    "@session_id:abc",
    "@parent_id:undefined",
    "@event_type:span",
    "@duration:>5s",
    "@duration:[5s TO 7s]",
    "@duration:[* TO 7000ms]",
    "@metrics.total_tokens:20",
    "@metrics.total_tokens:>=20",
    "@metrics.total_tokens:[10 TO 20]",
    "@meta.metadata.http.status_code:>=500",
    "@metadata.http.status_code:5*",
    "@meta.metadata.ok:false",
    "http.status_code:(4* OR 5*)",
    "monitor:*",
    '@evaluation.hallucination.value:"hallucination found"',
    "@evaluation.hallucination.assessment:fail",
    '@evaluation.hallucination.tags:"source:other"',
    r"@evaluation.our\ judge.value:<0.5",
    '@evaluations.hallucination:"hallucination found"',
    '@evaluations.custom.hallucination:"hallucination found"',
    "@evaluation_assessments.hallucination:fail",
    '@evaluation_reasoning.hallucination:"made up"',
    '"where is my parcel"',
    "parcel",
    "@status:error env:prod",
    "@status:error AND env:prod",
    "@status:ok OR env:prod",
    "@status:ok OR env:staging OR service:bot",
    "-@status:ok",
    "NOT @status:ok",
    "-(@status:ok OR env:staging)",
    "(@status:ok OR @status:error) -env:staging",
    "@status:(ok OR error)",
    "@status:(error -ok)",
    "env:prod @status:ok OR @status:error",
]
HOLDS_NOT = [
    "@status:ok",
    "status:error",
    "@env:prod",
    "-@status:error",
    "@status:error AND env:staging",
    "@duration:<5s",
    "@duration:[7s TO *]",
    "@metrics.total_tokens:21",
    "@nothing:*",
    "@evaluation.toxicity.assessment:fail",
    "@evaluation.hallucination.assessment:pass",
    r"@evaluation.our\ judge.assessment:fail",
    "@meta.metadata.http.status_code:[400 TO 499]",
    '"another parcel"',
    "@ml_app:upport-bot",
    '@ml_app:"support*"',
]


@pytest.mark.parametrize("query", HOLDS)
def test_a_query_holds(query: str) -> None:
    assert parse(query)(FIELDS)


@pytest.mark.parametrize("query", HOLDS_NOT)
def test_a_query_does_not_hold(query: str) -> None:
    assert not parse(query)(FIELDS)


@pytest.mark.parametrize(
    "query",
    [
        "(",
        ")",
        "@a:",
        "@a:(b",
        "@a:b)",
        "AND",
        "@a:b OR",
        "OR @a:b",
        '"open',
        "@a:>x",
        "@a:[1 TO x]",
        "@a:@b:c",
    ],
)
def test_what_is_no_query_is_refused(query: str) -> None:
    with pytest.raises(QueryError):
        parse(query)


@examples(300)
@given(st.text(alphabet='@a:()"\\ -*>[]<TOANDR1.', max_size=30))
def test_any_text_is_a_query_or_refused(text: str) -> None:
    with suppress(QueryError):
        parse(text)(FIELDS)
