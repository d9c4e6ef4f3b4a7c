"""Redaction by content: what in free text looks like personal data or a secret."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.json_text import json_in
from shared.domain.spans import Evaluation, Span
from shared.redaction.findings import findings
from shared.redaction.redactor import redact_text, redact_trace
from shared.redaction.text import find
from tests.properties import examples
from tests.timings import growth
from tests.unit.build import CARD, SALT, redacted, redacted_input, root, step, trace

FOUND = {
    "e-mail": ("jane.doe+shop@mail.example.co.uk", "EMAIL"),
    "e-mail with an apostrophe": ("o'neil_9@example.com", "EMAIL"),
    "US phone": ("207-555-0134", "PHONE"),
    "US phone with dots": ("207.555.0134", "PHONE"),
    "US phone with an area code": ("(207) 555-0134", "PHONE"),
    "US phone with the country": ("+1 207-555-0134", "PHONE"),
    "British phone": ("+44 20 7946 0958", "PHONE"),
    "phone without spaces": ("+12075550134", "PHONE"),
    "card with spaces": (CARD, "CARD"),
    "card with dashes": ("4111-1111-1111-1111", "CARD"),
    "card in one": ("4111111111111111", "CARD"),
    "card of fifteen digits": ("3782 822463 10005", "CARD"),
    "IPv4": ("203.0.113.18", "IP"),
    "AWS key": ("AKIAIOSFODNN7EXAMPLE", "SECRET"),
    "GitHub token": ("ghp_" + "a1B2" * 9, "SECRET"),
    "GitLab token": ("glpat-" + "a1B2" * 5, "SECRET"),
    "Slack token": ("xoxb-1234567890-abcdefghij", "SECRET"),
    "Google key": ("AIza" + "a1B2c" * 7, "SECRET"),
    "model provider's key": ("sk-proj-" + "a1B2" * 8, "SECRET"),
    "payment provider's key": ("sk_live_" + "a1B2" * 6, "SECRET"),
    "JSON web token": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ.c2lnbmF0dXJl", "SECRET"),
    "bearer": ("Bearer abcdef.ghijkl-mnopqr", "SECRET"),
    "private key": ("-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----", "SECRET"),
}


@pytest.mark.parametrize(("value", "kind"), FOUND.values(), ids=FOUND)
def test_it_is_found_in_running_text(value: str, kind: str) -> None:
    assert redact_text(value) == f"<{kind}_1>"
    assert redact_text(f"Please use {value}, thanks.") == f"Please use <{kind}_1>, thanks."
    assert redact_text(f"({value})\n{value}") == f"(<{kind}_1>)\n<{kind}_1>"


@pytest.mark.parametrize(("value", "kind"), FOUND.values(), ids=FOUND)
def test_it_is_found_in_any_field_of_a_trace(value: str, kind: str) -> None:
    told = redacted(
        root(
            name=f"step for {value}",
            input={"messages": [{"role": "user", "content": f"I am {value}"}]},
            output={"value": json.dumps({"text": f"so: {value}"})},
            metadata={"notes": [value], value: "a key"},
            extra={"error": {"message": f"refused {value}"}},
            tags=(f"note:{value}",),
            evaluations={"goal": Evaluation(value=value, reasoning=value, tags=(f"note:{value}",))},
        )
    )

    spelled = told.trace.model_dump_json()
    assert json.dumps(value)[1:-1] not in spelled
    assert spelled.count(f"<{kind}_1>") == 10
    assert told.redactions == {kind: 10}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('"api_key": "abc123def", next', '"api_key": "<SECRET_1>", next'),
        ("api-key=abc123def&x=1", "api-key=<SECRET_1>&x=1"),
        ("password: hunter22!", "password: <SECRET_1>"),
        ("TOKEN = 'abcdefgh'", "TOKEN = '<SECRET_1>'"),
        ("call me: 555-0134", "call me: <PHONE_1>"),
        ("my phone is 555-0134", "my phone is <PHONE_1>"),
    ],
)
def test_the_words_before_it_say_what_it_is(text: str, kept: str) -> None:
    assert redact_text(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "1234 5678 9012 3456",
        "9111111111111111",
        "0000 0000 0000 0000",
        "6666666666666",
        "5485379890863845239",
        "1761833858897000000",
        "300.1.2.3",
        "1.2.3",
        "order 555-0134",
        "2026-11-18 16:00:00",
        "W2378156",
        "#1018773",
        "SKU-20731-4471",
        "$1,299.00",
        "a @ b",
        "jane@localhost",
        "@jane",
        "risk-adjusted-returns-of-a-long-name",
        "get_order_details",
        "eyJ",
        "bearer of news",
        "",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "my card 4111 1111 1111 1111 12/27",
        "4111-1111-1111-1111 123",
        "2 x 4111 1111 1111 1111",
        "no. 17: 5 4111111111111111 2026",
    ],
)
def test_a_card_is_found_among_other_numbers(text: str) -> None:
    assert "<CARD_1>" in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "client_secret=abcdef123456",
        "DB_PASSWORD=hunter2hunter2",
        "access_token: abcdefghijkl",
        "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPx",
    ],
)
def test_a_secret_is_found_behind_the_name_of_a_variable(text: str) -> None:
    assert redact_text(text).endswith("<SECRET_1>")


def test_values_that_touch_are_both_found() -> None:
    assert redact_text("a@b.com+12075550134") == "<EMAIL_1><PHONE_1>"


@pytest.mark.parametrize("card", [4111111111111111, 378282246310005, 5555555555554444])
def test_a_card_that_is_a_number_is_found(card: int) -> None:
    assert redacted_input({"paid_with": [card]}) == {"paid_with": ["<CARD_1>"]}
    assert json.loads(redacted_input(json.dumps({"paid_with": card}))) == {"paid_with": "<CARD_1>"}


def test_a_large_number_that_is_no_card_stays_a_number() -> None:
    assert redacted_input({"start_ns": 1761833858897000000, "n": 4111111111111112}) == {
        "start_ns": 1761833858897000000,
        "n": 4111111111111112,
    }


def test_spellings_of_one_card_share_a_placeholder() -> None:
    text = f"{CARD}, 4111-1111-1111-1111, 4111111111111111, 5555 5555 5555 4444"

    assert redact_text(text) == "<CARD_1>, <CARD_1>, <CARD_1>, <CARD_2>"


def test_what_was_found_does_not_overlap_and_stands_in_order() -> None:
    found = find(f"password=jane@example.com, {CARD}; Bearer abcdefghijkl@example.com")

    assert len(found) >= 3
    assert all(one.end <= other.start for one, other in itertools.pairwise(found))


def test_findings_count_by_kind() -> None:
    assert findings(["jane@example.com", f"joe@example.com {CARD}"]) == {"EMAIL": 2, "CARD": 1}
    assert findings(["<EMAIL_1> wrote", "nothing"]) == {}


def test_findings_pass_over_exact_values_that_were_issued() -> None:
    issued = "4111111111111111"

    assert findings([f"trace {issued}"], {issued}) == {}
    assert findings([f"trace {issued} 5555555555554444"], {issued}) == {"CARD": 1}
    assert findings(["xjoe@example.com"], {"joe@example.com"}) == {"EMAIL": 1}


# What stands beside a value in real text: marks that end it, so that no two values run together.
_prose = st.text(st.characters(categories=["L", "Z", "P", "S"], exclude_characters="@:="), max_size=20)
_said = st.lists(_prose | st.sampled_from([value for value, _ in FOUND.values()]), max_size=6).map("; ".join)


@examples(300)
@given(_said)
def test_redacting_a_text_twice_changes_nothing(text: str) -> None:
    once = redact_text(text)

    assert redact_text(once) == once
    assert findings([once]) == {}


@examples(100)
@given(st.text(max_size=60), st.text(max_size=60))
def test_an_address_is_found_whatever_stands_around_it(before: str, after: str) -> None:
    told = redact_text(f"{before} jane@example.com {after}")

    assert "jane@example.com" not in told
    assert redact_text(f"{before}\njane@example.com\n{after}").count("jane@example.com") == 0


_keys = st.sampled_from(
    [
        *("user", "email", "name", "id", "phone", "address", "session_id", "user.id", "cookie", "note"),
        *("items", "db_password", "my_token", "Name", "key", "value", "values", "header", "type"),
        *("first_name", "x-real-ip"),
    ]
)
_leaves = (
    _said
    | st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([4111111111111111, 20409, 123456])
    | st.sampled_from(["u_20409", "hunter22x", "Jane Doe", "Cookie: sid=12; b=3", "Authorization", "string"])
)
_values: st.SearchStrategy[Any] = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(_keys, inner, max_size=4)
        | st.dictionaries(_keys, inner, max_size=3).map(json.dumps)
        | st.dictionaries(_keys, inner, max_size=3).map(repr)
        | st.dictionaries(_keys, inner, max_size=3).map(json.dumps).map("Result: {}.".format)
    ),
    max_leaves=8,
)
_objects = st.dictionaries(_keys, _values, max_size=4)
_tags = st.lists(
    st.sampled_from(["user.id:u_20409", "user.email:a@b.example", "pii:x", "session_id:s-123456", "env:prod"])
    | _said,
    max_size=3,
).map(tuple)
_spans = st.builds(
    lambda fields, span_id: step(span_id, **fields),
    st.fixed_dictionaries({"input": _values, "metadata": _objects, "extra": _objects, "tags": _tags}),
    st.sampled_from("abc"),
)


@examples(150)
@given(st.lists(_spans, min_size=1, max_size=3))
def test_redacting_a_trace_twice_changes_nothing(spans: list[Span]) -> None:
    once = redact_trace(trace(*spans), SALT)
    twice = redact_trace(once.trace, SALT)

    assert twice.trace == once.trace
    assert twice.redactions == {}


@examples(150)
@given(st.dictionaries(_keys, _values, max_size=4).map(json.dumps))
def test_a_json_text_stays_one(text: str) -> None:
    assert json_in(redacted_input({"value": text})["value"]) is not None


# Beginnings of patterns that never end, and texts that are one long match.
HOSTILE: dict[str, Callable[[int], str]] = {
    unit: lambda size, unit=unit: unit * (size // len(unit))  # type: ignore[misc]
    for unit in (
        "a",
        "a@",
        "a.",
        "a@b.",
        "a@a-",
        "1",
        "1 ",
        "1-",
        "4111 ",
        "1.",
        "(111) 111-",
        "+11 ",
        "call 1",
        "eyJ-",
        "eyJaaaaaaaa.",
        "sk-",
        "ghp_a",
        "bearer ",
        "bearer aaaaaaaaaaaa",
        "token=",
        'token: "',
        "-----BEGIN A",
        "-----BEGIN PRIVATE KEY-----",
        "[",
        '{"',
        "<EMAIL_1>",
        "é",
    )
}
_SMALL, _GROWTH = 25_000, 8
# Three doublings: linear work grows eightfold, quadratic work sixty-fourfold.
_MOST_GROWTH = 3**3


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_no_text_takes_more_than_linear_time(hostile: Callable[[int], str]) -> None:
    def work(size: int) -> None:
        redacted_input({"value": hostile(size)})

    assert growth(work, _SMALL, _SMALL * _GROWTH) < _MOST_GROWTH
