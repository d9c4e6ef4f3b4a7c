"""Redaction where it is hardest: values among others, keys in odd places, texts that only look like JSON."""

import json
import random
from typing import Any

import pytest

from shared.domain.json_text import json_in
from shared.redaction.redactor import redact_text
from tests.unit.build import redacted, redacted_input, root

CARDS = ("4242 4242 4242 4242", "4111-1111-1111-1111", "378282246310005", "5555555555554444")


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("before", [0, 1, 3, 5, 8, 10, 12, 13, 20, 40])
def test_a_card_among_other_numbers_is_replaced_whole(card: str, before: int) -> None:
    drawn = random.Random(before)
    for _ in range(40):
        others = [str(drawn.randint(1, 999)) for _ in range(before)]
        told = redact_text(" ".join([*others, card, "7", "12"]))
        for group in card.replace("-", " ").split():
            assert group not in told.split(), told


@pytest.mark.parametrize(
    "text",
    [
        "4111.1111.1111.1111",
        "4111\t1111\t1111\t1111",
        "4111\u00a01111\u00a01111\u00a01111",
        "4111\u20131111\u20131111\u20131111",
        "card no.4111111111111111",
    ],
)
def test_a_card_is_found_however_it_is_parted(text: str) -> None:
    assert "1111" not in redact_text(text)


@pytest.mark.parametrize(
    "text", ["12.50 19.99 30.25", "0.4111111111111111", "v1.2.3.4000", "1762.4111111111111111"]
)
def test_prices_and_fractions_stay(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        '{"email":"j@x.com","db_password":"hunter22x"}',
        '{"db_password":"hunter22x"}',
        '{"a": {"aws_secret_access_key": "hunter22x"}, "phone": "1"}',
        '{"0@0.0:APIKEY":100000, "x": "hunter22x j@x.com", "my_token": "hunter22x"}',
    ],
)
def test_a_secret_in_a_json_text_is_found_beside_others_and_leaves_json(text: str) -> None:
    told = redacted_input({"value": text})["value"]

    assert ("hunter22x" in told) is ('"x"' in text)
    assert json_in(told) is not None
    assert redacted_input({"value": told})["value"] == told


def test_a_key_that_names_a_secret_hides_its_value() -> None:
    told = redacted(root(metadata={"db_password": "hunter22x", "session_token": 12345678, "tokens": 123456}))

    assert told.trace.root.metadata == {
        "db_password": "<SECRET_1>",
        "session_token": "<SESSION_1>",
        "tokens": 123456,
    }


@pytest.mark.parametrize(
    "value",
    [
        {"address": {"type": "shipping", "line1": "12 Main St", "city": "Jane", "zip": "62704"}},
        {"phone": {"type": "mobile", "number": "Jane"}},
        {"user": {"name": {"type": "legal", "first": "Jane", "last": "Doe"}}},
        {"session": {"type": "web", "id": "Jane"}},
        {"headers": [{"Name": "Cookie", "Value": "Jane"}, {"key": "X-Api-Key", "val": "Jane"}]},
        {"headers": [{"header": "Authorization", "values": ["Jane"]}]},
        {"x-session-id": "Jane", "X-Real-IP": "Jane", "customer_phone": "Jane", "user_ids": ["Jane"]},
    ],
)
def test_what_looks_like_a_schema_or_a_header_is_replaced_by_its_key(value: Any) -> None:
    assert "Jane" not in json.dumps(redacted_input(value))


def test_a_schema_stays_readable() -> None:
    schema = {"email": {"type": "string", "description": "where to write"}}

    assert redacted_input(schema) == schema


@pytest.mark.parametrize(
    "text",
    [
        'Result: {"first_name": "Jane", "x": 1}',
        '```json\n{"first_name": "Jane"}\n```',
        '{"first_name": "Jane"}\n{"first_name": "Jane"}',
        "{'first_name': 'Jane', 'ok': True}",
        json.dumps(json.dumps({"first_name": "Jane"})),
        '\ufeff{"first_name": "Jane"}',
        "[" * 100 + '{"first_name": "Jane"}' + "]" * 100,
        '{"first_name": "Jane", "n": ' + "9" * 5000 + "}",
        "Cookie: sid=Jane; theme=dark",
        "Set-Cookie: sid=Jane",
        "Authorization: Jane00112233",
    ],
)
def test_keys_tell_also_where_a_text_is_no_json_by_itself(text: str) -> None:
    told = redacted_input({"value": text})["value"]

    assert "Jane" not in told
    assert redacted_input({"value": told})["value"] == told


@pytest.mark.parametrize("tag", ["user:Jane Doe", "pii :Jane", "pii_email:Jane", "USR:Jane"])
def test_a_tag_that_describes_a_person_is_dropped(tag: str) -> None:
    assert redacted(root(tags=("env:prod", tag))).trace.root.tags == ("env:prod",)


def test_a_text_that_stands_alone_holds_no_hash_that_could_be_found_out() -> None:
    assert redact_text('{"user_id": "u_20409"}') == '{"user_id": "<USER_1>"}'


def test_a_users_id_that_is_a_boolean_is_none() -> None:
    assert redacted_input({"user.id": False}) == {"user.id": False}
