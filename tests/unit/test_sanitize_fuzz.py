"""Any JSON in gives JSON of the same shape out, and a second pass finds nothing."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.redaction.text_redactor import TextRedactor

SALT = b"a salt of thirty-two characters!"
VALUES = (
    "joe@example.com",
    "4111 1111 1111 1111",
    "４１１１１１１１１１１１１１１１",
    "joe&#64;example.com",
    "DE89 3704 0044 0532 0130 00",
    "call me at +1 212 555 0123",
    "192.168.10.20",
    "My name is Jane Doe.",
    "password=hunter2hunter2",
    '{"email": "a@b.example", "n": [1]}',
    "<EMAIL_1>",
    "flight HAT083 on 2024-05-16, $1,234.50",
)
TEXTS = st.one_of(
    st.text(max_size=20), st.sampled_from(VALUES), st.lists(st.sampled_from(VALUES)).map(" ".join)
)
KEYS = st.one_of(
    st.text(max_size=8),
    st.sampled_from(("email", "firstName", "user_id", "password", "address", "name", "value")),
)
NUMBERS = st.one_of(
    st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.just(4111111111111111), st.just(1.0)
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
DOCUMENTS = st.one_of(st.lists(JSON, max_size=4), st.dictionaries(KEYS, JSON, max_size=4))


def same_shape(before: Any, after: Any) -> bool:
    match before:
        case dict():
            inner = zip(before.values(), after.values(), strict=True) if isinstance(after, dict) else None
            return (
                inner is not None and len(before) == len(after) and all(same_shape(*pair) for pair in inner)
            )
        case list():
            return (
                isinstance(after, list)
                and len(before) == len(after)
                and all(same_shape(*pair) for pair in zip(before, after, strict=True))
            )
        case bool() | None:
            return before is after or isinstance(after, str)
        case _:
            return isinstance(after, str) or (type(before) is type(after) and before == after)


@settings(deadline=None)
@given(DOCUMENTS)
def test_json_keeps_its_shape_and_a_second_pass_finds_nothing(document: Any) -> None:
    first = TextRedactor(SALT)
    redacted = first.json(json.dumps(document), document)
    assert same_shape(document, redacted)
    second = TextRedactor(SALT)
    assert second.json(json.dumps(redacted), redacted) == redacted
    assert second.counts == {}


@settings(deadline=None)
@given(TEXTS)
def test_a_text_is_sanitized_once_and_for_all(text: str) -> None:
    redacted = TextRedactor(SALT).text(text)
    second = TextRedactor(SALT)
    assert second.text(redacted) == redacted
    assert second.counts == {}
