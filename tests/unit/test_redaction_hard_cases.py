"""Redaction where it is hardest: values among others, keys in odd places, texts that only look like JSON."""

import json
import random
import re
from typing import Any

import pytest

from shared.domain.json_text import json_in
from shared.domain.spans import Trace
from shared.redaction.kinds import Found, Kind
from shared.redaction.redactor import redact_text, redact_trace
from tests.unit.build import SALT, TRACE_ID, redacted, redacted_input, root

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


@pytest.mark.parametrize(
    "schema",
    [
        {"email": {"type": "STRING", "description": "the mail"}},
        {"phone": {"type": "string", "example": "x", "x-order": 1, "deprecated": True}},
        {"email": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}},
        {"address": {"type": ["string", "null"]}},
        {"session": {"$ref": "#/$defs/Session"}},
        {"user_id": {"type": "str"}},
        {"name": "address", "type": "string", "values": ["home", "work"]},
    ],
)
def test_tool_definitions_stay_readable(schema: Any) -> None:
    assert redacted_input(schema) == schema
    assert json.loads(redacted_input({"value": json.dumps(schema)})["value"]) == schema


@pytest.mark.parametrize(
    "value",
    [
        {"time_to_first_token": 482913000, "time_per_output_token": 1234567, "max_token": 4096000},
        {"time_to_first_token": 0.482913},
        {"eos_token_id": 128009, "eos_token": "<|endoftext|>", "next_page_token": "CAESBggB12"},
        {"reset_password": "requested by user", "token_count": 123456, "max_tokens": 4096000},
        {"errors": {"forgot_password": "link sent"}},
    ],
)
def test_tokens_that_are_no_secrets_stay(value: Any) -> None:
    assert redacted_input(value) == value
    assert json.loads(redacted_input({"value": json.dumps(value)})["value"]) == value


@pytest.mark.parametrize(
    "text",
    [
        'Answer as JSON: {"email": "string", "phone": "string", "user_id": "string"}',
        "{'email': 'This field is required.', 'address': 'Not deliverable'}",
        "the years 2019-2020 2021-2022 2023-2024 and 2025",
        "2026-11-18 2026-11-19 2026-11-20 2026-11-21",
    ],
)
def test_what_only_speaks_of_a_value_stays(text: str) -> None:
    assert redacted_input({"value": text})["value"] == text


def test_columns_of_numbers_stay() -> None:
    drawn = random.Random(7)
    rows = ["\t".join(str(drawn.randint(0, 900)) for _ in range(6)) for _ in range(600)]
    tables = ["\n".join(rows[at : at + 6]) for at in range(0, len(rows), 6)]

    changed = [table for table in tables if redact_text(table) != table]

    assert changed == []


@pytest.mark.parametrize(
    "value",
    [
        {"note": 'Cookie: sid="abcdef12"; x="y"'},
        {"note": 'run "password=hunter22x" please'},
        {"x": 4111111111111111.5, "time_to_first_token": 0.482913},
        {"user_id": {"time_to_first_token": "a"}},
        {"my_password": ["hunter22x"]},
        {"headers": [["X-Vault-Token", "hvs.abcdefgh1"], {"name": "DB_PASSWORD", "value": "hunter22x"}]},
        {"address": "5 O'Connell St"},
    ],
)
def test_what_is_told_in_json_is_replaced_and_stays_json(value: Any) -> None:
    text = redacted_input({"value": json.dumps(value)})["value"]

    told = json_in(text)
    assert told is not None
    for raw in ("abcdef12", "hunter22x", "4111111111111111", "hvs.", "O'Connell"):
        assert raw not in text
    assert redacted_input({"value": text})["value"] == text


def test_a_value_may_hold_the_other_quote() -> None:
    assert redact_text("""Sent {"address": "5 O'Connell St"} and 'password': 'my"dogs1'""") == (
        """Sent {"address": "<ADDRESS_1>"} and 'password': '<SECRET_1>'"""
    )


def test_a_cookie_ends_where_prose_begins() -> None:
    told = redact_text("set-cookie: sid=abc12345; Path=/; price of the flight is 300")

    assert told.endswith("; price of the flight is 300")
    assert "abc12345" not in told


@pytest.mark.parametrize("tag", ["db_password:hunter22x", "x_token:hunter22x"])
def test_a_tag_that_names_a_secret_hides_its_value(tag: str) -> None:
    [told] = redacted(root(tags=(tag,))).trace.root.tags

    assert told == f"{tag.partition(':')[0]}:<SECRET_1>"


class Badges:
    """A recogniser of a team's own."""

    def find(self, text: str) -> list[Found]:
        return [Found(*match.span(), Kind.HANDLE, "badge") for match in re.finditer(r"EMP\d+", text)]


@pytest.mark.parametrize("spaces", [None, (",", ":")])
def test_keys_of_json_that_name_somebody_are_replaced_in_any_spelling(
    spaces: tuple[str, str] | None,
) -> None:
    told = {"seats": {"Katherine": "12A"}, "Zorblax": [1, 2], "EMP12": 1, "e": "a@example.com"}
    said = json.dumps(told, separators=spaces)
    trace = Trace(trace_id=TRACE_ID, spans=(root(kind="tool", input={"first_name": "Zorblax"}, output=said),))
    once = redact_trace(trace, SALT, further=(Badges(),)).trace

    stored = once.model_dump_json()
    assert not [one for one in ("Katherine", "Zorblax", "EMP12", "a@example.com") if one in stored]
    assert redact_trace(once, SALT, further=(Badges(),)).trace == once
