"""Redaction by place: keys and headers that say what their value is."""

import json
from typing import Any

import pytest

from tests.unit.build import redacted_input


@pytest.mark.parametrize(
    "headers",
    [
        {"headers": {"X-Internal-Auth": "Jane", "Content-Type": "text/plain"}},
        {"http": {"request_headers": {"x-forwarded-user": "Jane", "Content-Type": "text/plain"}}},
        {"headers": [{"name": "X-Any", "value": "Jane"}, {"name": "Content-Type", "value": "text/plain"}]},
        {"headers": [["X-Any", "Jane"], ["Content-Type", "text/plain"]]},
        {"value": json.dumps({"headers": {"X-Any": "Jane", "Content-Type": "text/plain"}})},
    ],
)
def test_every_header_is_replaced_but_those_that_say_nothing_of_anybody(headers: Any) -> None:
    told = json.dumps(redacted_input(headers))

    assert "Jane" not in told
    assert "text/plain" in told
    assert "Content-Type" in told


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("firstName", "PERSON"),
        ("passenger_first_name", "PERSON"),
        ("dob", "BIRTH"),
        ("DateOfBirth", "BIRTH"),
        ("shipping_address", "ADDRESS"),
        ("billingAddressLine1", "ADDRESS"),
        ("customerEmailAddress", "EMAIL"),
        ("home-phone-number", "PHONE"),
        ("zip_code", "POSTCODE"),
        ("clientIpAddress", "IP"),
        ("last_four", "CARD"),
        ("creditCardNumber", "CARD"),
        ("passportNumber", "PASSPORT"),
        ("SSN", "SSN"),
        ("iban", "IBAN"),
        ("taxId", "NATIONALID"),
        ("latitude", "LOCATION"),
    ],
)
def test_a_key_names_personal_data_in_any_casing_and_nesting(key: str, kind: str) -> None:
    told = redacted_input({"a": [{"b": {key: "Kestrel 7"}}], "value": json.dumps({"x": {key: "Kestrel 7"}})})

    assert told == {"a": [{"b": {key: f"<{kind}_1>"}}], "value": json.dumps({"x": {key: f"<{kind}_1>"}})}


@pytest.mark.parametrize(
    "key",
    [
        "memory_address",
        "session_count",
        "max_tokens",
        "product_name",
        "cookie_policy",
        "file_name",
        "model_id",
    ],
)
def test_a_key_that_only_sounds_personal_keeps_its_value(key: str) -> None:
    assert redacted_input({key: "Kestrel 7"}) == {key: "Kestrel 7"}
