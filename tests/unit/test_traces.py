"""Traces: the same whatever the order of arrival, and however often a span is told."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.domain.spans import Evaluation, Span, Trace
from tests.properties import examples
from tests.unit.build import ROOT_ID, TRACE_ID, root, step, trace, verdict

_evaluations = st.dictionaries(
    st.sampled_from(["goal", "hallucination", "toxicity"]),
    st.builds(Evaluation, value=st.integers(0, 2), assessment=st.sampled_from([None, "pass", "fail"])),
    max_size=3,
)
_tellings = st.builds(
    Span,
    span_id=st.sampled_from(["1", "2", "3", "4"]),
    trace_id=st.just(TRACE_ID),
    parent_id=st.sampled_from([None, "1", "2"]),
    name=st.sampled_from(["short", "a longer name"]),
    start_ns=st.integers(0, 3),
    tags=st.lists(st.sampled_from(["env:prod", "env:dev", "version:1"]), max_size=2).map(tuple),
    evaluations=_evaluations,
)


@examples(100)
@given(st.lists(_tellings, min_size=1, max_size=8), st.data())
def test_a_trace_is_the_same_for_any_order_and_any_repetition(spans: list[Span], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(spans), max_size=4))
    told = data.draw(st.permutations([*spans, *again]))

    assert Trace.of(TRACE_ID, told) == Trace.of(TRACE_ID, spans)


@examples(100)
@given(st.lists(_tellings, min_size=1, max_size=6, unique_by=lambda span: span.span_id))
def test_spans_stand_in_the_order_in_which_they_started(spans: list[Span]) -> None:
    started = [span.start_ns for span in Trace.of(TRACE_ID, spans).spans]

    assert started == sorted(started)
    assert len(started) == len(spans)


def test_a_root_stands_before_the_steps_that_started_with_it() -> None:
    joined = trace(step("a", start_ns=5), root(start_ns=5))

    assert [span.span_id for span in joined.spans] == [ROOT_ID, "a"]


def test_a_span_told_twice_keeps_the_evaluations_of_both() -> None:
    early = root(evaluations={"goal": verdict("pass")})
    late = root(evaluations={"toxicity": verdict("fail")})

    [span] = trace(early, late).spans

    assert set(span.evaluations) == {"goal", "toxicity"}


def test_an_evaluation_that_came_late_joins_the_fuller_telling() -> None:
    full = root(input={"value": "a long request, told whole"}, output={"value": "an answer"})
    judged = root(input=None, output=None, evaluations={"goal": verdict("fail")})

    [span] = trace(full, judged).spans

    assert set(span.evaluations) == {"goal"}


def test_a_trace_has_one_span_at_least() -> None:
    with pytest.raises(ValidationError):
        Trace.of(TRACE_ID, [])


def test_environment_version_and_application_are_those_of_the_root() -> None:
    joined = trace(
        step("a", start_ns=0, tags=("env:dev", "version:0.1"), ml_app="another"),
        root(start_ns=1, tags=("env:prod", "version:1.2.0"), ml_app="shop-assistant"),
    )

    assert (joined.env, joined.version, joined.ml_app) == ("prod", "1.2.0", "shop-assistant")


def test_a_step_says_what_the_root_leaves_out() -> None:
    joined = trace(root(tags=("monitor",)), step("a", tags=("env:staging", "version:3")))

    assert (joined.env, joined.version) == ("staging", "3")


def test_an_environment_that_nobody_names_is_unknown() -> None:
    joined = trace(root(tags=("environment:prod", "env")))

    assert (joined.env, joined.version) == ("unknown", "")


def test_the_earliest_span_stands_in_for_a_missing_root() -> None:
    joined = trace(step("late", start_ns=9, ml_app="late"), step("early", start_ns=3, ml_app="early"))

    assert joined.root.span_id == "early"
    assert joined.ml_app == "early"


def test_a_trace_started_when_its_first_span_did() -> None:
    joined = trace(root(start_ns=1_761_833_858_000_000_000))

    assert joined.started_at == datetime(2025, 10, 30, 14, 17, 38, tzinfo=UTC)


def test_a_start_that_no_calendar_has_is_the_epoch() -> None:
    assert trace(root(start_ns=10**30)).started_at == datetime(1970, 1, 1, tzinfo=UTC)


def test_the_first_tag_of_a_key_counts_and_may_hold_colons() -> None:
    span = root(tags=("bare", "url:http://a:1", "url:http://b:2"))

    assert span.tag("url") == "http://a:1"
    assert span.tag("missing") is None
