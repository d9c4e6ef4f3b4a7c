"""Hostile and odd cases, room by room."""

import json
from datetime import timedelta
from typing import Any

import pytest
from markdown_it import MarkdownIt

from functions.extract.extraction import pattern_of
from functions.extract.findings import error_template, findings_of
from functions.receive_alert.alert import parse_alert, take
from shared.domain.ids import document_id
from shared.domain.markdown import code, escape, quote
from shared.domain.signals import SignalRules, signals_of
from shared.domain.span_shapes import MAX_SPAN_BYTES, SpanShapeError, parse_span
from shared.domain.taxonomy import FailureType
from shared.errors import ConfigError, MessageError
from shared.redaction.findings import findings
from shared.redaction.redactor import redact_text
from shared.settings import load_settings
from shared.wiring import Wiring
from tests.timings import growth
from tests.unit.build import (
    call,
    capture,
    record,
    redacted,
    redacted_input,
    root,
    step,
    trace,
    verdict,
)

LOOKBACK = timedelta(hours=1)
F = FailureType


def _alert(**fields: Any) -> bytes:
    return json.dumps({"event_id": "1", "date_ms": "1760000000000", **fields}).encode()


# --- redaction: leaks


@pytest.mark.parametrize(
    "text", ['{"a": "jane@example.com", "a": "x"}', '{"full_name": "jane@example.com", "full_name": ""}']
)
def test_a_key_told_twice_hides_nothing(text: str) -> None:
    assert "jane" not in redacted_input(text)


@pytest.mark.parametrize("text", [' {"user": {"name": "Jane Doe"}}', '\n[{"full_name": "Jane Doe"}]'])
def test_json_behind_white_space_is_json(text: str) -> None:
    assert "Jane" not in redacted_input(text)


@pytest.mark.parametrize("text", ["token=" + "a1" * 150, "sk-" + "a1" * 130])
def test_a_long_secret_is_replaced_whole(text: str) -> None:
    assert "a1a1" not in redact_text(text)


@pytest.mark.parametrize("phone", ["+33 6 12 34 56 78", "+44 (0)20 7946 0958"])
def test_more_phones_are_found(phone: str) -> None:
    assert redact_text(phone) == "<PHONE_1>"


@pytest.mark.parametrize(
    "value",
    [
        {"user": {"profile": {"name": "Jane Doe"}}},
        {"customers": [{"name": "Jane Doe"}]},
        {"customer_name": "Jane Doe"},
    ],
)
def test_a_person_is_found_a_little_further_away(value: Any) -> None:
    assert "Jane" not in json.dumps(redacted_input(value))


# --- redaction: crashes and time


def test_numbers_that_touch_take_linear_time() -> None:
    def work(size: int) -> None:
        redact_text("+12075550134" * size)

    assert growth(work, 400, 3200) < 3**3


def test_a_fraction_hides_no_card() -> None:
    assert "4111" not in str(redacted_input({"card": 4111111111111111.0}))


@pytest.mark.parametrize("text", ["nr4111111111111111", "card_4111-1111-1111-1111", "4111111111111111USD"])
def test_a_card_is_found_beside_letters(text: str) -> None:
    assert "<CARD_1>" in redact_text(text)


@pytest.mark.parametrize("text", ["secretary: nobody said", "tokenizer=sentencepiece", "token_type: bearer"])
def test_a_word_that_only_begins_like_a_secrets_name_keeps_its_value(text: str) -> None:
    assert redact_text(text) == text


def test_what_a_dropped_tag_said_is_found_in_free_text() -> None:
    told = redacted(root(tags=("usr.name:Jonah Sprague",), input="It is Jonah Sprague.")).trace
    assert told.root.input == "It is <PERSON_1>."


def test_a_surrogate_escaped_in_a_json_text_can_be_stored() -> None:
    told = capture(root(status="error", input='{"email": "jane@example.com", "x": "\\ud800"}'))
    assert told.model_dump_json()


def test_a_users_id_of_surrogates_is_hashed() -> None:
    assert redacted_input('{"user": {"id": "\\ud800"}}')


# --- signals


@pytest.mark.parametrize(("label", "value"), [("output_toxicity", "Toxic"), ("prompt-injection", "found")])
def test_a_bad_value_counts_however_it_is_spelled(label: str, value: Any) -> None:
    assert len(signals_of(trace(root(evaluations={label: verdict(None, value)})), SignalRules())) == 1


# --- span shapes and traces


def test_own_evaluations_are_left_out_whose_tags_are_one_text() -> None:
    assert (
        parse_span(
            record(evaluation={"x": {"assessment": "fail", "tags": "source:evalforge,a:b"}})
        ).evaluations
        == {}
    )


def test_a_start_in_seconds_keeps_its_fraction() -> None:
    assert parse_span(record(start_ns=1761833858.897)).start_ns // 10**6 == 1761833858897


def test_the_limit_of_a_span_is_in_bytes() -> None:
    with pytest.raises(SpanShapeError):
        parse_span(record(input="🧭" * (MAX_SPAN_BYTES // 3)))


def test_a_tag_written_with_a_space_is_read() -> None:
    assert trace(root(tags=("env: prod",))).env == "prod"


def test_long_names_of_surrogates_have_ids_of_their_own() -> None:
    assert document_id("a" * 500 + "\ud800\udc00") != document_id("a" * 500 + "\U00010000")


# --- findings and signature


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "order 3f2a9c1e-ab12-4cde-beef-1234567890ab is gone",
            "order 3f2a9c1e-1b12-4cde-9eef-1234567890ab is gone",
        ),
        ("order 12 " + "word " * 45, "order 123456 " + "word " * 45),
    ],
)
def test_ids_in_an_error_do_not_change_its_template(one: str, other: str) -> None:
    assert error_template(one) == error_template(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("order K7QX2M is late", "order P3ZZ9B is late"), ("I am jane@example.com", "I am 207-555-0134")],
)
def test_ids_in_a_request_do_not_change_the_signature(one: str, other: str) -> None:
    first, second = (capture(root(input={"value": text}, status="error")) for text in (one, other))
    assert pattern_of(first).signature == pattern_of(second).signature


def test_a_loops_quote_is_short() -> None:
    calls = [call(f"c{at}", "get_cart", input={"value": "z" * 5_000}) for at in range(3)]
    [found] = findings_of(capture(root(status="error"), *calls))
    assert found.rule == "repeated_call"
    assert len(found.quote) <= 300


# --- alert


def test_a_date_at_the_beginning_of_time_is_refused() -> None:
    with pytest.raises(MessageError):
        parse_alert(_alert(date_ms="-62135596800000"), lookback=LOOKBACK)


def test_a_field_that_is_too_deep_is_refused() -> None:
    for depth in range(900, 1_000):
        body = _alert(title="X").replace(b'"X"', b"[" * depth + b"]" * depth)
        try:
            parse_alert(body, lookback=LOOKBACK)
        except MessageError:
            return


def test_an_alert_with_a_lone_surrogate_is_stored(parts: Wiring) -> None:
    alert = parse_alert(_alert(title="\ud800"), lookback=LOOKBACK)
    take(alert, incidents=parts.incidents, publisher=parts.publisher)
    assert parts.incidents.get(alert.id) == alert


# --- settings, markdown


def test_what_the_cloud_needs_is_told_beside_other_faults() -> None:
    with pytest.raises(ConfigError, match="GOOGLE_CLOUD_PROJECT") as refused:
        load_settings(evalforge_backend="cloud", trace_lookback_hours=0)
    assert "TRACE_LOOKBACK_HOURS" in str(refused.value)


@pytest.mark.parametrize("text", ["1. x", "2) x", "&copy; &lt;b&gt;"])
def test_numbers_and_entities_are_escaped(text: str) -> None:
    tokens = MarkdownIt("commonmark").parse(escape(text))
    assert tokens[0].type == "paragraph_open"
    assert "".join(child.content for child in tokens[1].children or []) == text


def test_an_underline_in_a_quote_makes_no_heading() -> None:
    assert "heading_open" not in {token.type for token in MarkdownIt("commonmark").parse(quote("a\n==="))}


def test_nothing_as_code_swallows_no_text() -> None:
    assert "<code>x</code>" not in MarkdownIt("commonmark").render(f"{code('')} x {code('')}")


# --- traces of many spans


@pytest.mark.parametrize("kind", ["llm", "tool"])
def test_a_large_trace_takes_linear_time(kind: str) -> None:
    def work(size: int) -> None:
        spans = [
            step(
                f"span-{number}-of-many",
                kind=kind,
                start_ns=2_000 + number,
                input={"messages": [{"role": "user", "content": f"ask {number}"}]},
                output={"value": f"answer {number}"},
                status="error",
            )
            for number in range(size)
        ]
        told = capture(root(status="error"), *spans)
        pattern = pattern_of(told)
        found = findings([pattern.model_dump_json()] * 20, [span.span_id for span in told.spans])
        assert found is not None

    assert growth(work, 250, 2000) < 3**3
