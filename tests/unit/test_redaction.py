"""Redaction by place: keys, headers and tags that say that their value is personal or secret."""

import json
import re
from typing import Any

import pytest

from shared.domain.spans import Evaluation, Span
from tests.unit.build import ROOT_ID, SALT, call, capture, redacted, redacted_input, root, step, verdict

# Where a value stands, what it is, and the kind that its placeholder names. None of
# the values would be found by its looks alone.
PLACES: dict[str, tuple[dict[str, Any], str, str]] = {
    "user.email": ({"user.email": "VALUE"}, "jane at example", "EMAIL"),
    "email of a user": ({"user": {"email": "VALUE"}}, "jane at example", "EMAIL"),
    "user.name": ({"user.name": "VALUE"}, "Jane Doe", "PERSON"),
    "usr.name": ({"usr.name": "VALUE"}, "Jane Doe", "PERSON"),
    "name of a user": ({"user": {"id": "u-1", "name": "VALUE"}}, "Jane Doe", "PERSON"),
    "name of a customer": ({"customer": {"name": "VALUE"}}, "Jane Doe", "PERSON"),
    "full name": ({"fullName": "VALUE"}, "Jane Doe", "PERSON"),
    "last name": ({"LAST_NAME": "VALUE"}, "Doeling", "PERSON"),
    "phone": ({"phone": "VALUE"}, "555 01 34", "PHONE"),
    "phone of a user": ({"user": {"phone_number": "VALUE"}}, "555 01 34", "PHONE"),
    "address": ({"address": "VALUE"}, "19 Wharf Road, Rockland", "ADDRESS"),
    "shipping address": ({"order": {"shipping_address": "VALUE"}}, "19 Wharf Road", "ADDRESS"),
    "ip": ({"ip": "VALUE"}, "2001:db8::1", "IPV6"),
    "client ip": ({"http": {"client_ip": "VALUE"}}, "2001:db8::1", "IPV6"),
    "forwarded for": ({"headers": {"X-Forwarded-For": "VALUE"}}, "2001:db8::1", "IPV6"),
    "session id": ({"session_id": "VALUE"}, "sess-abcdef", "SESSION"),
    "session id in camel case": ({"sessionId": "VALUE"}, "sess-abcdef", "SESSION"),
    "authorization header": ({"headers": {"authorization": "VALUE"}}, "Basic YWJj", "SECRET"),
    "cookie header": ({"http": {"headers": {"Cookie": "VALUE"}}}, "lb_session=ab", "SECRET"),
    "set-cookie header": ({"headers": {"set-cookie": "VALUE"}}, "lb_session=ab", "SECRET"),
    "api key header": ({"headers": {"x-api-key": "VALUE"}}, "k-1", "SECRET"),
    "password": ({"args": [{"password": "VALUE"}]}, "hunter2", "SECRET"),
}
_CASES = pytest.mark.parametrize(("place", "value", "kind"), PLACES.values(), ids=PLACES)


def _holding(place: dict[str, Any], value: str) -> dict[str, Any]:
    return json.loads(json.dumps(place).replace("VALUE", value))  # type: ignore[no-any-return]


@_CASES
def test_a_place_that_is_personal_is_replaced_by_its_kind(
    place: dict[str, Any], value: str, kind: str
) -> None:
    for field in ("input", "output", "metadata", "extra"):
        span = redacted(root(input=None, output=None).model_copy(update={field: _holding(place, value)}))

        spelled = span.trace.model_dump_json()
        assert value not in spelled
        assert f"<{kind}_1>" in spelled
        assert span.redactions[kind] >= 1


@_CASES
def test_it_is_found_at_any_depth(place: dict[str, Any], value: str, kind: str) -> None:
    deep = {"a": [{"b": {"c": [[_holding(place, value)]]}}]}

    told = redacted_input(deep)

    assert told == {"a": [{"b": {"c": [[redacted_input(_holding(place, value))]]}}]}
    assert f"<{kind}_1>" in json.dumps(told)


@_CASES
def test_it_is_found_in_json_inside_a_text(place: dict[str, Any], value: str, kind: str) -> None:
    told = redacted_input(
        {"value": json.dumps({"result": [_holding(place, value)], "total": 96.5, "ok": True})}
    )

    inner = json.loads(told["value"])
    assert value not in told["value"]
    assert f"<{kind}_1>" in json.dumps(inner)
    assert (inner["total"], inner["ok"]) == (96.5, True)


def test_it_is_found_in_json_inside_json() -> None:
    innermost = json.dumps({"email": "jane at example"})
    told = redacted_input(json.dumps({"body": json.dumps([innermost, "kept"])}))

    assert json.loads(json.loads(json.loads(told)["body"])[0]) == {"email": "<EMAIL_1>"}
    assert json.loads(json.loads(told)["body"])[1] == "kept"


def test_json_inside_a_text_that_needs_no_change_keeps_its_spelling() -> None:
    text = '{ "name" : "Cairn 38",\n "price": 96.50, "caf\\u00e9": [1,2] }'

    assert redacted_input(text) == text


def test_a_text_that_only_begins_like_json_is_read_as_text() -> None:
    assert redacted_input("{see jane@example.com}") == "{see <EMAIL_1>}"


def test_every_part_of_an_address_is_replaced_but_its_keys() -> None:
    address = {"street": "19 Wharf Road", "city": "Rockland", "zip": 4841, "lines": ["Apt 2"], "valid": True}

    told = redacted_input({"address": address})["address"]

    assert set(told) == set(address)
    assert [told["street"], told["city"], told["zip"]] == ["<ADDRESS_1>", "<ADDRESS_2>", "<ADDRESS_3>"]
    assert told["lines"] == ["<ADDRESS_4>"]
    assert told["valid"] is True


def test_a_number_in_a_personal_place_is_replaced() -> None:
    assert redacted_input({"phone": 2075550134}) == {"phone": "<PHONE_1>"}


@pytest.mark.parametrize("nothing", [None, "", [], {}])
def test_an_empty_place_stays_empty(nothing: Any) -> None:
    assert redacted_input({"email": nothing}) == {"email": nothing}


def test_a_key_that_is_personal_itself_is_replaced() -> None:
    assert redacted_input({"jane@example.com": {"orders": 2}}) == {"<EMAIL_1>": {"orders": 2}}


KEPT: dict[str, Any] = {
    "product": {"name": "Tarnwick Cairn 38", "title": "Backpack", "id": "SKU-20731", "price": 96.5},
    "product under another": {"item": {"name": "Cairn 38", "volume": "38 l"}},
    "order number": {"order_id": "W2378156", "number": "#1018773"},
    "seven digits": "order 1018773 of 2026-11-18, 12 pieces, 1,299.00 USD",
    "tool": {"tool_calls": [{"name": "get_order_details", "arguments": {"order_id": "W2378156"}}]},
    "prices": "96 $ and 1299.99 EUR, -15 %, 2 x 48.00",
    "numbers": {
        "total": 1299.99,
        "count": 3,
        "tokens": 999_999_999_999,
        "at_ns": -5,
        "ok": False,
        "none": None,
    },
    "times": "2026-11-18T16:00:00.123Z took 00:00:12",
    "version": "release 10.4.2 of gpt-4.1-mini, build 1.2.3.4.5",
    "uuid": "3f2a9c1e-ab12-4cde-beef-1234567890ab",
    "trace id": "6903738200000000af2d3775dfc70530",
    "a prompt about secrets": "never ask for the user's password or token",
}


@pytest.mark.parametrize("value", KEPT.values(), ids=KEPT)
def test_what_is_not_personal_stays_as_it_is(value: Any) -> None:
    told = redacted(root(input=value, output=None, metadata={"order": value}))

    assert told.trace.root.input == value
    assert told.trace.root.metadata == {"order": value}
    assert told.redactions == {}


def test_the_names_of_tools_steps_and_applications_stay() -> None:
    told = redacted(root(), call("a", "get_product_details", {"sku": "SKU-20731"}, {"name": "Cairn 38"}))

    assert [(span.name, span.ml_app, span.kind) for span in told.trace.spans] == [
        ("shop-assistant.chat", "shop-assistant", "agent"),
        ("get_product_details", "shop-assistant", "tool"),
    ]
    assert told.redactions == {}


@pytest.mark.parametrize(
    "tag",
    [
        "pii:jane doe",
        "pii:",
        "user.email:jane@example.com",
        "user.name:Jane",
        "user.plan:gold",
        "usr.email:x",
    ],
)
def test_a_tag_that_describes_a_person_is_dropped(tag: str) -> None:
    told = redacted(root(tags=("env:prod", tag)))

    assert told.trace.root.tags == ("env:prod",)
    assert told.redactions == {"TAG": 1}


@pytest.mark.parametrize("tag", ["user_hash:jane@example.com", "jane@example.com:1", "PII:Jane Doe"])
def test_no_tag_is_trusted(tag: str) -> None:
    assert "jane" not in str(redacted(root(tags=(tag,))).trace.root.tags).lower()


@pytest.mark.parametrize(
    "fields",
    [
        {"metrics": {"user.email": "VALUE"}},
        {"kind": "VALUE"},
        {"status": "VALUE"},
        {"ml_app": "VALUE"},
        {"evaluations": {"VALUE": verdict()}},
        {"evaluations": {"goal": verdict("VALUE")}},
        {"input": {"address": {"VALUE": "x"}}},
        {"input": "[" * 600 + '"VALUE"' + "]" * 600},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_no_field_of_a_span_is_trusted(fields: dict[str, Any]) -> None:
    span = root().model_dump(mode="json") | json.loads(
        json.dumps(fields, default=lambda told: told.model_dump(mode="json")).replace(
            "VALUE", "jane@example.com"
        )
    )

    assert "jane" not in redacted(Span.model_validate(span)).trace.model_dump_json()


@pytest.mark.parametrize(
    ("tag", "kept"),
    [
        ("session_id:s-c9e904", "session_id:<SESSION_1>"),
        ("client_ip:203.0.113.18", "client_ip:<IP_1>"),
        ("email:jane at example", "email:<EMAIL_1>"),
        ("note:ask jane@example.com", "note:ask <EMAIL_1>"),
        ("jane@example.com", "<EMAIL_1>"),
    ],
)
def test_a_tag_keeps_its_key_and_loses_what_is_personal(tag: str, kept: str) -> None:
    assert redacted(root(tags=(tag,))).trace.root.tags == (kept,)


@pytest.mark.parametrize(
    "tag", ["env:prod", "version:2.3.0", "service:shop", "error:1", "url:http://a.example:8080/x", "monitor"]
)
def test_a_tag_that_describes_no_person_stays(tag: str) -> None:
    assert redacted(root(tags=(tag,))).trace.root.tags == (tag,)


def test_a_users_id_becomes_a_hash_wherever_it_stands() -> None:
    told = redacted(
        root(
            tags=("user.id:u_20409",),
            metadata={"usr.id": "u_20409", "user": {"id": "u_20409"}, "customer": {"user_id": "u_20409"}},
        )
    )

    hashed = told.user_hash
    assert hashed is not None
    assert told.trace.root.tags == (f"user_hash:{hashed}",)
    assert told.trace.root.metadata == {
        "usr.id": hashed,
        "user": {"id": hashed},
        "customer": {"user_id": hashed},
    }
    assert "20409" not in told.trace.model_dump_json()


def test_a_users_hash_is_the_same_in_every_trace_of_one_salt() -> None:
    one = redacted(root(tags=("user.id:u_20409",)))
    other = redacted(root(input={"user": {"id": "u_20409"}}, tags=()), step("a"))

    assert one.user_hash == other.user_hash


def test_a_users_hash_is_keyed_by_the_salt() -> None:
    hashes = {
        redacted(root(tags=("user.id:u_20409",)), salt=salt).user_hash for salt in (SALT, b"another", b"")
    }

    assert len(hashes) == 3


def test_different_users_have_different_hashes() -> None:
    hashes = {redacted(root(tags=(f"user.id:u_{n}",))).user_hash for n in range(50)}

    assert len(hashes) == 50


def test_a_users_id_that_is_a_number_is_hashed_too() -> None:
    told = redacted(root(metadata={"user": {"id": 20409}}))

    assert told.trace.root.metadata == {"user": {"id": told.user_hash}}
    assert told.user_hash == redacted(root(tags=("user.id:20409",))).user_hash


def test_a_users_hash_is_not_hashed_again() -> None:
    once = redacted(root(tags=("user.id:u_20409",), metadata={"user": {"id": "u_20409"}}))

    assert redacted(*once.trace.spans).user_hash == once.user_hash


def test_a_users_hash_never_passes_for_a_number() -> None:
    # Sixteen hex digits can hold a card's number: those of the first of these do.
    for user in ("u_8155", *(f"u_{number}" for number in range(200))):
        once = redacted(root(tags=(f"user.id:{user}",), metadata={"user": {"id": user}}, input=user))

        assert once.user_hash is not None
        assert re.fullmatch("user_[a-p]{16}", once.user_hash)
        assert redacted(*once.trace.spans) == once._replace(redactions={})


@pytest.mark.parametrize("name", ["; ", "Jane Doe", "Jane <PERSON_7> Doe"])
def test_a_placeholder_is_no_name_to_look_for(name: str) -> None:
    once = redacted(root(metadata={"told": json.dumps({"user": {"name": name}})}, input="Jane asks"))

    assert redacted(*once.trace.spans).trace == once.trace


def test_a_placeholder_is_no_key_that_tells_of_its_value() -> None:
    once = redacted(
        root(metadata={"address": "Elm 5"}, input=[["Elm 5", "tall"], ["Elm 5", ""], {"Elm 5": "x"}])
    )

    assert redacted(*once.trace.spans).trace == once.trace


def test_a_trace_without_a_user_has_no_hash() -> None:
    assert redacted(root()).user_hash is None


def test_what_an_evaluator_says_is_redacted_and_its_verdict_kept() -> None:
    told = Evaluation(
        value="hallucination found",
        assessment="fail",
        reasoning="It wrote to jane@example.com.",
        tags=("user.email:jane@example.com", "team:search"),
    )

    evaluation = redacted(root(evaluations={"hallucination": told})).trace.root.evaluations["hallucination"]

    assert evaluation == Evaluation(
        value="hallucination found",
        assessment="fail",
        reasoning="It wrote to <EMAIL_1>.",
        tags=("team:search",),
    )


def test_ids_times_and_order_stay() -> None:
    before = (root(), call("a", "get_order", {"order_id": "W1"}), step("b", parent_id="a", start_ns=3_000))

    told = redacted(*before).trace

    assert [(s.span_id, s.parent_id, s.start_ns) for s in told.spans] == [
        (ROOT_ID, None, 1_000),
        ("a", ROOT_ID, 2_000),
        ("b", "a", 3_000),
    ]


def test_a_capture_of_a_failing_trace_keeps_its_signals_and_counts_what_was_replaced() -> None:
    stored = capture(
        root(status="error", input="mail jane@example.com", tags=("env:prod", "user.id:u_20409", "pii:x"))
    )

    assert [signal.source for signal in stored.signals] == ["status"]
    assert stored.redactions == {"EMAIL": 1, "TAG": 1, "USER": 1}
    assert stored.user_hash is not None
    assert "jane" not in stored.model_dump_json()


def test_a_user_hides_no_failure_by_naming_its_signal() -> None:
    said = '{"full_name": "hallucination found", "first_name": "prod", "last_name": "get_order"}'

    stored = capture(
        root(
            input={"messages": [{"role": "user", "content": said}]},
            evaluations={"hallucination": verdict(None, "hallucination found")},
        ),
        call("a", "get_order"),
    )

    assert [signal.source for signal in stored.signals] == ["evaluation:hallucination"]
    assert (stored.env, stored.spans[1].name) == ("prod", "get_order")


def test_a_pair_of_a_name_and_a_value_is_read_as_one_wherever_it_stands() -> None:
    for pair, kind in ((["password", "Hunter2horse"], "SECRET"), (["date_of_birth", "1980-02-03"], "BIRTH")):
        for value in (pair, [pair], {"held": pair}):
            told = redacted(root(input=value))
            assert told.redactions == {kind: 1}
            assert pair[1] not in told.trace.model_dump_json()


def test_a_name_that_is_called_like_a_kind_breaks_no_placeholder() -> None:
    said = "My name is Kim IBAN, and IBAN says that <IBAN_1> is DE75512108001245126199"
    told = redacted_input({"value": said})["value"]
    assert told == "My name is <PERSON_1>, and <PERSON_2> says that <IBAN_1> is <IBAN_2>"
