"""Reading one span's fields: units, ids, limits, tags, evaluations, and what no store takes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.span_shapes import MAX_DEPTH, MAX_SPAN_BYTES, SpanShapeError, parse_span
from shared.domain.spans import Span
from tests.properties import examples
from tests.unit.build import TRACE_ID, json_values, record

START_NS = 1_761_833_858_897_000_000


FIELDS = (
    *("parent_id", "name", "span_kind", "status", "start_ns", "duration", "ml_app", "input", "output"),
    *(
        "metadata",
        "metrics",
        "tags",
        "evaluation",
        "evaluations",
        "evaluation_assessments",
        "intent",
        "error",
    ),
    *("timestamp", "session_id", "meta"),
)


def _nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "start",
    [START_NS, START_NS // 10**3, START_NS // 10**6, float(START_NS // 10**6), str(START_NS // 10**6)],
    ids=["ns", "us", "ms", "float ms", "text ms"],
)
def test_a_start_time_in_any_unit_becomes_nanoseconds(start: Any) -> None:
    assert parse_span(record(start_ns=start)).start_ns == START_NS


def test_a_start_time_in_seconds_becomes_nanoseconds() -> None:
    assert parse_span(record(start_ns=START_NS // 10**9)).start_ns == START_NS // 10**9 * 10**9


@pytest.mark.parametrize(
    "start", [None, -5, False, True, [], {}, float("nan"), float("inf"), "nan", " ", 10**400]
)
def test_a_start_time_that_is_none_becomes_zero(start: Any) -> None:
    assert parse_span(record(start_ns=start)).start_ns == 0


def test_a_start_time_that_is_a_word_is_refused_and_not_repeated() -> None:
    with pytest.raises(SpanShapeError, match="start_ns") as refused:
        parse_span(record(start_ns="soon"))

    assert "soon" not in str(refused.value)


@pytest.mark.parametrize("start", ["soon", "2026-11-18", "1e"])
def test_a_start_time_in_words_is_a_fault(start: str) -> None:
    with pytest.raises(SpanShapeError, match="is no number"):
        parse_span(record(start_ns=start))


@examples(100)
@given(st.integers(START_NS - 10**17, START_NS + 10**17))
def test_a_start_time_in_nanoseconds_keeps_every_digit(start: int) -> None:
    assert parse_span(record(start_ns=start)).start_ns == start


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ("2025-10-30T14:17:38.897Z", START_NS),
        ("2025-10-30T15:17:38.897+01:00", START_NS),
        ("2025-10-30 14:17:38.897", START_NS),
        (START_NS // 10**6, START_NS),
        ("1969-12-31T23:59:59Z", 0),
    ],
)
@pytest.mark.parametrize("field", ["start_ns", "start", "start_time", "timestamp"])
def test_a_start_time_is_read_from_the_field_that_tells_it(field: str, told: Any, read: int) -> None:
    span = parse_span(record() | {field: told})

    assert (span.start_ns, span.extra) == (read, {})


def test_a_start_time_that_is_none_gives_way_to_one_that_is() -> None:
    assert parse_span(record(start_ns=None, timestamp=START_NS)).start_ns == START_NS
    assert parse_span(record(start_ns="inf", timestamp=START_NS)).start_ns == START_NS


def test_of_two_start_times_datadogs_own_counts_and_the_other_is_kept() -> None:
    span = parse_span(record(start_ns=START_NS, timestamp="2020-01-01T00:00:00Z"))

    assert (span.start_ns, span.extra) == (START_NS, {"timestamp": "2020-01-01T00:00:00Z"})


@pytest.mark.parametrize("start", ["10:00 tomorrow", "2026-99-18T10:00:00Z"])
def test_a_start_time_that_no_calendar_has_is_a_fault(start: str) -> None:
    with pytest.raises(SpanShapeError, match="start is no time") as refused:
        parse_span(record(start_ns=start))

    assert start not in str(refused.value)


def test_a_duration_that_is_no_number_is_named() -> None:
    with pytest.raises(SpanShapeError, match="duration is no number"):
        parse_span(record(duration="long"))


def test_a_duration_is_never_below_nothing() -> None:
    assert parse_span(record(duration=-5)).duration_ns == 0


@pytest.mark.parametrize("parent", ["undefined", "", None, "0", 0, "null", " Undefined ", "0000000000000000"])
def test_a_span_without_a_parent_is_a_root(parent: Any) -> None:
    assert parse_span(record(parent_id=parent)).is_root


@pytest.mark.parametrize("parent", ["7", 7])
def test_a_parent_is_a_text(parent: Any) -> None:
    assert parse_span(record("8", parent_id=parent)).parent_id == "7"


@pytest.mark.parametrize("key", ["span_id", "trace_id"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_span_without_an_id_is_refused_with_the_ids_name(key: str, value: Any) -> None:
    with pytest.raises(SpanShapeError, match=f"no {key}"):
        parse_span(record() | {key: value})


def test_ids_that_are_numbers_become_texts() -> None:
    span = parse_span({"span_id": 7, "trace_id": 2**70})

    assert (span.span_id, span.trace_id) == ("7", str(2**70))


def test_a_span_with_ids_alone_has_plain_defaults() -> None:
    span = parse_span(record())

    assert span == Span(span_id=span.span_id, trace_id=TRACE_ID)


def test_nesting_up_to_the_limit_is_read() -> None:
    assert parse_span(record(input=_nested(MAX_DEPTH - 1))).input == _nested(MAX_DEPTH - 1)


def test_nesting_past_the_limit_is_refused() -> None:
    with pytest.raises(SpanShapeError, match=f"deeper than {MAX_DEPTH}"):
        parse_span(record(input=_nested(MAX_DEPTH)))


def test_a_span_that_is_too_large_is_refused() -> None:
    with pytest.raises(SpanShapeError, match="larger than 10 MiB"):
        parse_span(record(input="x" * MAX_SPAN_BYTES))


def test_a_span_just_below_the_limit_is_read_whole() -> None:
    text = "x" * (MAX_SPAN_BYTES - 1000)

    assert parse_span(record(input=text)).input == text


def test_lone_surrogates_become_characters_that_every_store_takes() -> None:
    span = parse_span(record("\udfff7", input={"a\ud800": ["b\udc00"]}, tags=["env:\ud800"]))

    assert span.model_dump_json().encode()
    assert span.input == {"a?": ["b?"]}


def test_text_in_any_script_stays_as_it_is() -> None:
    assert parse_span(record(input="Grüße 🧭 漢字")).input == "Grüße 🧭 漢字"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_json_has_not_become_texts(number: float) -> None:
    span = parse_span(record(metrics={"score": number}, output=[number]))

    assert json.loads(span.model_dump_json())["metrics"] == {"score": str(number)}
    assert span.output == [str(number)]


def test_tags_in_one_text_are_taken_apart() -> None:
    span = parse_span(record(tags="env:prod, version:2,monitor"))

    assert span.tags == ("env:prod", "monitor", "version:2")


def test_a_tags_value_may_hold_colons() -> None:
    assert (
        parse_span(record(tags=["url:https://example.com:8080/"])).tag("url") == "https://example.com:8080/"
    )


def test_the_application_is_read_from_the_tags_where_no_field_names_it() -> None:
    assert parse_span(record(tags=["env:prod", "ml_app:support-bot"])).ml_app == "support-bot"
    assert parse_span(record(tags="env:prod,ml_app:support-bot")).ml_app == "support-bot"
    assert parse_span(record(ml_app="shop", tags=["ml_app:support-bot"])).ml_app == "shop"


def test_an_evaluation_is_read_with_its_verdict() -> None:
    told = {
        "value": "irrelevant",
        "assessment": "fail",
        "eval_metric_type": "categorical",
        "reasoning": "off topic",
        "status": "OK",
        "tags": ["team:search"],
    }
    [found] = parse_span(record(evaluation={"topic_relevancy": told})).evaluations.values()

    assert (found.value, found.assessment, found.metric_type) == ("irrelevant", "fail", "categorical")
    assert (found.reasoning, found.tags) == ("off topic", ("team:search",))


def test_an_evaluation_may_be_a_bare_value() -> None:
    assert parse_span(record(evaluation={"toxicity": 0.9})).evaluations["toxicity"].value == 0.9


def test_evaluations_that_evalforge_submitted_are_left_out() -> None:
    own = {"value": "fail", "assessment": "fail", "tags": ["team:search", "source:evalforge"]}
    foreign = {"value": "fail", "assessment": "fail", "tags": ["source:llm-observability"]}

    assert set(parse_span(record(evaluation={"regression": own, "goal": foreign})).evaluations) == {"goal"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("metadata", ["jane@example.com"]),
        ("metadata", "jane@example.com"),
        ("metrics", [1]),
        ("evaluation", ["jane@example.com"]),
        ("evaluation", "jane@example.com"),
        ("evaluation", {"goal": {"tags": 5}}),
        ("tags", 5),
    ],
)
def test_a_field_of_a_wrong_type_is_refused_without_its_content(field: str, value: Any) -> None:
    with pytest.raises(SpanShapeError) as refused:
        parse_span(record() | {field: value})

    assert "jane" not in str(refused.value)


def test_a_field_that_nobody_knows_is_kept() -> None:
    assert parse_span(record(intent="refund", model_name="m")).extra == {
        "intent": "refund",
        "model_name": "m",
    }


_span_fields = st.fixed_dictionaries(
    {"span_id": st.text(min_size=1), "trace_id": st.text(min_size=1)},
    optional=dict.fromkeys(FIELDS, json_values),
)


@examples(200)
@given(_span_fields)
def test_arbitrary_fields_give_a_span_that_can_be_stored_or_are_refused(fields: dict[str, Any]) -> None:
    try:
        span = parse_span(fields)
    except SpanShapeError:
        return
    assert Span.model_validate_json(span.model_dump_json()) == span


def test_a_verdict_of_a_wrong_type_costs_no_span() -> None:
    told = {
        "goal": {"assessment": False, "reasoning": {"a": 1}},
        "done": {"assessment": True},
        "odd": {"assessment": {"a": 1}, "value": "x"},
    }

    evaluations = parse_span(record(evaluation=told)).evaluations

    assert (evaluations["goal"].verdict, evaluations["goal"].reasoning) == ("fail", '{"a":1}')
    assert (evaluations["done"].verdict, evaluations["odd"].verdict) == ("pass", None)


def test_evaluations_in_the_former_spelling_are_read() -> None:
    former = {"hallucination": "hallucination found", "custom": {"brand_voice": {"assessment": "fail"}}}

    told = parse_span(record(evaluations=former, evaluation={"hallucination": {"value": "none"}}))

    assert {label: one.value or one.verdict for label, one in told.evaluations.items()} == {
        "hallucination": "none",
        "brand_voice": "fail",
    }
    assert "evaluations" not in told.extra


def test_metadata_may_be_a_json_text_and_tags_an_object() -> None:
    told = parse_span(record(metadata='{"http": {"status_code": 500}}', tags={"env": "prod"}))

    assert (told.metadata, told.tags) == ({"http": {"status_code": 500}}, ("env:prod",))


def test_tags_come_in_one_order_and_say_nothing_twice() -> None:
    one = parse_span(
        record(ml_app="bot", tags=["version:", "ml_app:bot", "team:b", "error:0", "team:a", "a"])
    )
    other = parse_span(record(tags=["a", "team:b", "team:a", "ml_app:bot", "team:b"]))

    assert one == other
    assert (one.tags, one.tag("team"), one.ml_app) == (("a", "team:b", "team:a"), "b", "bot")


def test_a_tag_that_says_otherwise_than_its_field_is_kept() -> None:
    span = parse_span(record(ml_app="bot", status="ok", env="dev", tags=["ml_app:x", "error:1", "env:prod"]))

    assert span.tags == ("env:prod", "error:1", "ml_app:x")
    assert (span.extra, span.field_or_tag("env")) == ({"env": "dev"}, "dev")


@pytest.mark.parametrize("key", ["session_id", "env", "service", "version"])
def test_what_is_a_field_here_and_a_tag_there_is_one(key: str) -> None:
    assert parse_span(record() | {key: "x-1"}) == parse_span(record(tags=[f"{key}:x-1"]))


def test_tags_of_an_object_are_spelled_as_json_spells_them() -> None:
    assert parse_span(record(tags={"beta": True, "build": 7, "none": None})).tags == ("beta:true", "build:7")


def test_a_fields_emptiness_is_nothing() -> None:
    assert parse_span(record(input={}, output={}, intent="", span_links=[], model_name=None)) == parse_span(
        record()
    )


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"tags": ["error:1"]}, "error"),
        ({"tags": ["error:0"]}, "ok"),
        ({"error": True}, "error"),
        ({"error": {"message": "m"}}, "error"),
        ({"error": 0}, "ok"),
        ({"error": {}}, "ok"),
        ({"status": "ok", "error": {"message": "m"}}, "ok"),
        ({"status": "ERROR "}, "error"),
    ],
)
def test_an_error_that_is_told_is_the_status_where_none_is(fields: dict[str, Any], status: str) -> None:
    assert parse_span(record() | fields).status == status


def test_an_errors_class_is_read_from_its_tag_and_its_words_from_beside() -> None:
    span = parse_span(record(status="error", status_message="slow down", tags=["error_type:RateLimitError"]))

    assert span.extra["error"] == {"message": "slow down", "type": "RateLimitError"}
    assert "error" not in parse_span(record(tags=["error_type:RateLimitError"])).extra


@pytest.mark.parametrize(("told", "kept"), [("m", {"message": "m"}), (["m"], {"detail": ["m"]}), (1, None)])
def test_an_error_of_any_type_is_an_object(told: Any, kept: Any) -> None:
    assert parse_span(record(error=told)).extra.get("error") == kept


@pytest.mark.parametrize("name", [False, True, [1], {"a": 1}, None, ""])
@pytest.mark.parametrize("field", ["span_id", "trace_id"])
def test_an_id_of_a_wrong_type_is_none(field: str, name: Any) -> None:
    with pytest.raises(SpanShapeError, match=f"no {field}"):
        parse_span(record() | {field: name})


def test_an_evaluation_that_is_called_custom_is_one() -> None:
    told = parse_span(record(evaluations={"custom": {"value": 1, "assessment": "fail"}}))

    assert told.evaluations["custom"].verdict == "fail"


def test_an_application_in_a_tag_has_no_blanks_around_it() -> None:
    assert parse_span(record(tags=["ml_app: shop "])).ml_app == "shop"


@pytest.mark.parametrize(
    "spelled", ["error", "ERROR", "Error", "STATUS_CODE_ERROR", "failed", "Failure", "err"]
)
def test_an_error_is_one_in_whichever_way_its_status_is_spelled(spelled: str) -> None:
    assert parse_span(record(status=spelled)).status == "error"


@pytest.mark.parametrize("spelled", ["ok", "OK", "STATUS_CODE_OK"])
def test_what_went_well_is_no_error(spelled: str) -> None:
    assert parse_span(record(status=spelled)).status == "ok"
