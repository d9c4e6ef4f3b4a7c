"""Queries for Datadog: what they find, read by the stand-in, against what the rules for signals say."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.local.datadog.fields import Syntax, fields_of
from functions.local.datadog.query import parse
from functions.local.datadog.spans import BOTH, attributes_of
from shared.cloud.datadog_query import (
    LONGEST_QUERY,
    USUAL_LABELS,
    MonitorQuery,
    absolute,
    all_of,
    failing_queries,
    in_scope,
    monitor_query,
    passing_queries,
    roots_of,
    scope_in,
    search_body,
)
from shared.domain import signals, taxonomy
from shared.domain.signals import SignalRules, signals_of
from shared.domain.spans import Evaluation, Span
from shared.domain.taxonomy import FailureType
from tests.properties import examples
from tests.unit.build import root, trace

RULES = SignalRules()


def matches(query: str, span: Span, syntaxes: frozenset[Syntax] = BOTH) -> bool:
    return parse(query)(fields_of(attributes_of(span), syntaxes))


def looks_failed(
    span: Span, rules: SignalRules = RULES, labels: tuple[str, ...] = (), syntaxes: frozenset[Syntax] = BOTH
) -> bool:
    return any(matches(query, span, syntaxes) for query in failing_queries(rules, labels))


def judged(label: str, value: Any = None, assessment: str | None = None, **fields: Any) -> Span:
    return root(evaluations={label: Evaluation(value=value, assessment=assessment, **fields)})


FLAGGED: dict[str, Span] = {
    "error": root(status="error"),
    "assessment": judged("goal_completeness", "incomplete", "fail"),
    "hallucination": judged("hallucination", "hallucination found"),
    "contradiction": judged("hallucination", "Contradiction"),
    "injection": judged("prompt_injection", "Jailbreak"),
    "injected": judged("prompt_injection", value=True),
    "toxic": judged("input_toxicity", "toxic"),
    "toxicity": judged("toxicity", 0.8),
    "quality": judged("quality_score", 0.2),
    "guardrail": judged("guardrail", "failed"),
    "guardrail failed": judged("guardrail_failed", value=True),
    "status in metadata": root(metadata={"http.status_code": 503}),
    "status below metadata": root(metadata={"http": {"status_code": 404}}),
    "status among metrics": root(metrics={"status_code": 429}),
    "status tag": root(tags=("http.status_code:500",)),
    "status beside": root(extra={"http.response.status_code": 502}),
    "quality in metadata": root(metadata={"quality_score": 0.3}),
    "quality among metrics": root(metrics={"llm_obs.quality_score": 0.1}),
    "guardrail tag": root(tags=("guardrail:failed",)),
    "guardrail failed tag": root(tags=("guardrails_failed:1",)),
    "guardrail in metadata": root(metadata={"guardrail": {"status": "fail"}}),
    "guardrail outcome": root(metadata={"guardrails.outcome": "failed"}),
    "told in a tag": root(tags=("hallucination:true",)),
    "told in metadata": root(metadata={"toxicity": 0.9}),
}
HEALTHY: dict[str, Span] = {
    "plain": root(),
    "passed": judged("goal_completeness", "complete", "pass"),
    "low toxicity": judged("toxicity", 0.1),
    "good quality": judged("quality_score", 0.9),
    "status": root(metadata={"http.status_code": 200}, tags=("http.status_code:204",)),
    "guardrail": root(tags=("guardrail:passed",), metadata={"guardrail_failed": False}),
    "own": judged("hallucination", "hallucination found", "fail", tags=("source:evalforge",)),
}


@pytest.mark.parametrize("span", FLAGGED.values(), ids=FLAGGED)
def test_what_the_rules_flag_is_found(span: Span) -> None:
    assert signals_of(trace(span), RULES)
    assert looks_failed(span)
    if span.evaluations:
        assert looks_failed(span, syntaxes=frozenset({Syntax.CURRENT}))
        assert looks_failed(span, syntaxes=frozenset({Syntax.FORMER}))


@pytest.mark.parametrize("span", HEALTHY.values(), ids=HEALTHY)
def test_what_no_rule_flags_is_not(span: Span) -> None:
    assert not looks_failed(span, syntaxes=frozenset({Syntax.CURRENT}))


@examples(100)
@given(st.text(min_size=1, max_size=20).filter(lambda label: label.isprintable() and "." not in label))
def test_a_label_may_be_any_text_that_can_be_printed(label: str) -> None:
    mapped = SignalRules(labels={label: FailureType.WRONG_TOOL})
    span = judged(label, 1, "fail")

    assert looks_failed(span, mapped)
    assert looks_failed(span, labels=(label,))
    assert not looks_failed(judged(label, 1, "pass"), mapped) or label in USUAL_LABELS


@pytest.mark.parametrize("label", ["a\nb", "x" * 500, "\x00"])
def test_a_label_that_cannot_be_asked_for_costs_nothing(label: str) -> None:
    assert failing_queries(RULES, [label]) == failing_queries(RULES)
    assert passing_queries([label]) == passing_queries()


def test_thresholds_are_those_of_the_rules() -> None:
    strict = SignalRules(quality_threshold=0.95, toxicity_threshold=0.05)

    assert looks_failed(judged("quality_score", 0.9), strict)
    assert looks_failed(judged("toxicity", 0.1), strict)


def test_queries_know_the_words_that_the_rules_know() -> None:
    assert set(taxonomy._LABELS) <= set(USUAL_LABELS)
    assert set(signals._QUALITY_LABELS) <= set(USUAL_LABELS)
    for label, words in signals._PRESENCE_LABELS.items():
        told = [*words, *signals._TRUE]
        assert [word for word in told if not looks_failed(judged(label, word))] == []
    for label in signals._TOXICITY_LABELS:
        assert [word for word in signals._TRUE if not looks_failed(judged(label, word))] == []
    for key in signals._STATUS_KEYS:
        assert looks_failed(root(metadata={key: 500})), key


def test_no_query_is_too_long() -> None:
    labels = [f"a label of our own, number {number}" for number in range(200)]

    for query in (*failing_queries(RULES, labels), *passing_queries(labels)):
        assert len(query) <= LONGEST_QUERY + 200


def test_passing_evaluations_are_found() -> None:
    span = judged("tone", 1, "pass")

    assert any(matches(query, span) for query in passing_queries(["tone"]))
    assert not any(matches(query, judged("tone", 1, "fail")) for query in passing_queries(["tone"]))


def test_a_scope_holds_together() -> None:
    scope = in_scope(ml_app="shop-assistant", env="prod", version="1.2.0")

    assert matches(scope, root())
    assert not matches(in_scope(env="staging"), root())
    assert in_scope() == "*"
    assert all_of("*", "") == "*"
    assert all_of(scope, "@status:error OR @status:ok") == f"({scope}) AND (@status:error OR @status:ok)"


@examples(100)
@given(st.text(min_size=1, max_size=20).filter(lambda name: name.strip() == name))
def test_a_name_may_be_any_text(name: str) -> None:
    assert matches(in_scope(ml_app=name), root(ml_app=name))
    assert not matches(in_scope(ml_app=name), root(ml_app=f"{name}x"))


@pytest.mark.parametrize("word", ["AND", "OR", "NOT", "-x", "a*", "[1 TO 2]", ">5", "(", '"', "\\"])
def test_a_name_is_never_read_as_syntax(word: str) -> None:
    assert matches(in_scope(ml_app=word), root(ml_app=word))
    assert not matches(in_scope(ml_app=word), root(ml_app="another"))


def test_roots_are_asked_for_by_their_traces() -> None:
    assert matches(roots_of(["trace-1", "x"]), root())
    assert not matches(roots_of(["x"]), root())
    assert not matches(roots_of(["trace-1"]), root(parent_id="7"))


@pytest.mark.parametrize(
    ("definition", "read"),
    [
        (
            'llm-observability("*").rollup("count").last("2h") > 0',
            MonitorQuery("*", timedelta(hours=2)),
        ),
        (
            'llm-observability("@ml_app:bot @status:error").rollup("count").by("@ml_app").last("15m") > 5',
            MonitorQuery("@ml_app:bot @status:error", timedelta(minutes=15)),
        ),
        (
            'llm-observability("@meta.error.type:\\"a \\\\ b\\"").rollup("sum", "@m.cost").last("1d") > 5',
            MonitorQuery('@meta.error.type:"a \\ b"', timedelta(days=1)),
        ),
        ('llm-observability("").rollup("count").last("5m") > 1', MonitorQuery("*", timedelta(minutes=5))),
        ("avg(last_5m):sum:system.net.bytes_rcvd{host:host0} > 100", None),
        ('llm-observability("x").rollup("count") > 5', None),
        ('logs("x").index("*").rollup("count").last("15m") > 5', None),
        ("", None),
    ],
)
def test_a_monitor_says_what_it_searches_and_how_far_back(definition: str, read: MonitorQuery | None) -> None:
    assert monitor_query(definition) == read


@examples(100)
@given(st.text(max_size=200))
def test_any_definition_can_be_read(text: str) -> None:
    monitor_query(text)
    monitor_query(f'llm-observability("{text}").last("15m")')


def test_times_are_absolute_and_in_utc() -> None:
    moment = datetime(2026, 11, 3, 1, 2, 3, 456789, tzinfo=timezone(timedelta(hours=2)))

    assert absolute(moment) == "2026-11-02T23:02:03.456Z"


def test_beside_a_query_no_trace_id_is_told() -> None:
    now = datetime(2026, 11, 3, tzinfo=UTC)
    times: Any = {"since": now - timedelta(hours=1), "until": now}

    by_query: Any = search_body(**times, query="@status:error", limit=5, cursor="c", attachments=False)
    by_id: Any = search_body(**times, trace_id="t", limit=5)

    assert by_query["data"]["attributes"] == {
        "filter": {
            "from": "2026-11-02T23:00:00.000Z",
            "to": "2026-11-03T00:00:00.000Z",
            "query": "@status:error",
        },
        "page": {"limit": 5, "cursor": "c"},
        "sort": "timestamp",
        "options": {"include_attachments": False},
    }
    assert by_id["data"]["attributes"]["filter"].keys() == {"from", "to", "trace_id"}


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("@ml_app:bot env:prod @status:error", {"ml_app": "bot", "env": "prod"}),
        ('version:1.2.0 @ml_app:"my bot"', {"version": "1.2.0", "ml_app": "my bot"}),
        ("@ml_app:bot AND @status:error", {"ml_app": "bot"}),
        # What holds in one branch alone, of no span, of several or of some that are alike is no scope.
        ("@ml_app:bot OR @status:error", {}),
        ("@ml_app:(bot OR other)", {}),
        ("-@ml_app:bot", {}),
        ("NOT @ml_app:bot", {}),
        ("@ml_app:bot @ml_app:other", {}),
        ("@ml_app:bot*", {}),
        ('@ml_app:"bot*"', {}),
        ("@name:ml_app:bot", {}),
        ('@ml_app:bot "failed in env:prod today"', {}),
        ("@ml_app:bot - env:prod", {}),
        ("*", {}),
    ],
)
def test_a_scope_is_what_a_query_asks_of_every_span(query: str, told: dict[str, str]) -> None:
    assert scope_in(query) == told


_plain = st.text("abcz019._-", min_size=1, max_size=8).filter(lambda text: text[0].isalpha())


@given(_plain, _plain, st.permutations(["@ml_app:{}", "env:{}", "@status:error"]))
def test_what_a_scope_spells_is_read_back(ml_app: str, env: str, parts: list[str]) -> None:
    values = {"@ml_app:{}": ml_app, "env:{}": env, "@status:error": ""}
    query = " ".join(part.format(values[part]) for part in parts)

    assert scope_in(query) == {"ml_app": ml_app, "env": env}
    assert scope_in(in_scope(ml_app=ml_app, env=env)) == {"ml_app": ml_app, "env": env}
