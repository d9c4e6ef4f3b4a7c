"""Values that stand in for redacted ones in an eval test: of their type, reserved, the same everywhere."""

import ipaddress
import json
from typing import Any

import phonenumbers
import pytest
from pydantic import JsonValue
from stdnum import iban, luhn

from functions.extract.extraction import pattern_of
from functions.generate.generation import eval_test_of, surrogates_for
from functions.sanitize.capture import capture_of, redacted_again
from shared.domain.artifacts import EvalTest
from shared.domain.captures import Capture
from shared.domain.signals import SignalRules
from shared.redaction.findings import findings
from shared.redaction.kinds import Kind
from shared.redaction.leaving import leaks_in
from shared.redaction.policy import Redaction
from shared.redaction.surrogates import rendered, surrogates_of
from shared.redaction.text import find
from tests.timings import growth
from tests.unit.build import SALT, call, redacted, redacted_input, root, step, trace, verdict

MANY = [f"<{kind.value}_{number}>" for kind in Kind for number in range(1, 8)]


def surrogate(kind: Kind, hashed: str = "x") -> str:
    placeholder = f"<{kind.value}_1>"
    return surrogates_of(placeholder, {placeholder: hashed})[placeholder]


@pytest.mark.parametrize("hashed", list("abcdefghij"))
def test_a_surrogate_passes_for_what_it_stands_for(hashed: str) -> None:
    assert surrogate(Kind.EMAIL, hashed).endswith("@example.com")
    assert luhn.is_valid(surrogate(Kind.CARD, hashed))
    assert iban.is_valid(surrogate(Kind.IBAN, hashed))
    phone = phonenumbers.parse(surrogate(Kind.PHONE, hashed))
    assert phonenumbers.is_valid_number(phone)
    assert 5550100 <= (phone.national_number or 0) % 10_000_000 <= 5550199
    assert any(
        ipaddress.ip_address(surrogate(Kind.IP, hashed)) in ipaddress.ip_network(net)
        for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
    )
    assert ipaddress.ip_address(surrogate(Kind.IPV6, hashed)) in ipaddress.ip_network("2001:db8::/32")
    assert surrogate(Kind.MAC, hashed).startswith("00:00:5E:00:53:")
    assert surrogate(Kind.SSN, hashed).startswith("987-65-43")


def test_every_kind_has_surrogates_and_equal_values_the_same() -> None:
    chosen = surrogates_of(" ".join(MANY), {})

    assert set(chosen) == set(MANY)
    assert (
        len({chosen[one] for one in MANY if one.startswith(("<EMAIL", "<PERSON", "<PHONE", "<CARD"))}) == 28
    )
    assert surrogate(Kind.EMAIL, "h") == surrogate(Kind.EMAIL, "h") != surrogate(Kind.EMAIL, "i")


def test_a_range_gives_all_its_values_before_one_comes_again() -> None:
    for kind, size in ((Kind.SSN, 10), (Kind.PHONE, 100), (Kind.MAC, 256)):
        chosen = surrogates_of(" ".join(f"<{kind.value}_{number}>" for number in range(2 * size)), {})

        assert len(chosen) == 2 * size
        assert len(set(chosen.values())) == size


def test_many_placeholders_take_linear_time() -> None:
    def chosen(count: int) -> dict[str, str]:
        return surrogates_of(" ".join(f"<PHONE_{number}> <EMAIL_{number}>" for number in range(count)), {})

    assert len(set(chosen(20_000).values())) == 20_100
    assert growth(chosen, 2_000, 20_000) < 30


def test_placeholders_are_replaced_in_every_text_and_key() -> None:
    value: JsonValue = {
        "to <EMAIL_1>": ["<EMAIL_1>", json.dumps({"who": "<EMAIL_1>"}), 5, None, "<UNKNOWN_1>"]
    }
    told: Any = rendered(value, {"<EMAIL_1>": "x@example.com"})

    assert told == {"to x@example.com": ["x@example.com", '{"who": "x@example.com"}', 5, None, "<UNKNOWN_1>"]}


def test_on_the_way_in_no_reserved_range_is_exempt() -> None:
    for kind in (Kind.EMAIL, Kind.PHONE, Kind.CARD, Kind.IBAN, Kind.SSN, Kind.IP, Kind.MAC):
        assert find(f"it is {surrogate(kind)} here"), kind


def failing(email: str, card: str) -> Capture:
    spans = (
        root(
            input={"value": f"I am {email}, refund {card}"},
            evaluations={"faithfulness": verdict("fail", 0.1, "no refund was made")},
        ),
        call("c", "refund", {"email": email, "card": card}, {"error": f"no card {card}"}, status="error"),
    )
    return capture_of(trace(*spans), rules=SignalRules(), redaction=Redaction(SALT))


def test_the_same_value_has_the_same_hash_in_every_trace_and_a_secret_has_none() -> None:
    one, other = failing("jo@mail.org", "4012 8888 8888 1881"), failing("jo@mail.org", "4012888888881881")

    assert one.pseudonyms == other.pseudonyms
    assert one.pseudonyms.keys() == {"<EMAIL_1>", "<CARD_1>"}
    assert failing("al@mail.org", "4012888888881881").pseudonyms["<EMAIL_1>"] != one.pseudonyms["<EMAIL_1>"]
    held = capture_of(
        trace(root(metadata={"password": "hunter22x"})), rules=SignalRules(), redaction=Redaction(SALT)
    )
    assert held.redactions == {"SECRET": 1}
    assert held.pseudonyms == {}


@pytest.mark.parametrize(
    "spellings",
    [
        ("card 4012 8888 8888 1881", "card 4012-8888-8888-1881", "card ４０１２８８８８８８８８１８８１"),
        ("iban DE75 5121 0800 1245 1261 99", "iban DE75512108001245126199"),
        ("ssn 536-22-1234", "ssn 536 22 1234"),
        ("mail Jo@Mail.org", "mail jo@mail.org", "mail jo&#64;mail.org", "mail jo%40mail.org"),
        ("call +1 415 555 0123", "call (415) 555-0123", "call 1-415-555-0123", "call 001 415 555 0123"),
        ("call +49 30 901820", "call 0049 30 901820", "call +49 (30) 901820"),
        ("mac 3C:22:FB:9A:11:02", "mac 3c-22-fb-9a-11-02"),
        ("ip 2001:4860::8888", "ip 2001:4860:0:0:0:0:0:8888"),
    ],
)
def test_a_value_has_one_hash_however_it_is_spelled(spellings: tuple[str, ...]) -> None:
    hashes = [
        redacted(root(input={"value": spelled}, output=None)).pseudonyms.values() for spelled in spellings
    ]

    assert all(len(one) == 1 for one in hashes)
    assert len({hashed for one in hashes for hashed in one}) == 1
    assert not [hashed for one in hashes for hashed in one if any(map(str.isdigit, hashed))]


def test_words_in_the_place_of_a_number_are_not_all_one_value() -> None:
    told = redacted_input({"phone": "at the desk", "mobile_phone": "in the hall"})

    assert told["phone"] != told["mobile_phone"]


def test_what_is_redacted_again_keeps_its_hashes_and_the_key_that_they_name() -> None:
    before = failing("jo@mail.org", "4012888888881881")
    # As if the rules of then had not known this number.
    missed = before.model_copy(update={"spans": (*before.spans, step("n", input={"value": "536-22-1234"}))})
    same, other = Redaction(SALT), Redaction(b"another salt that is long enough", "2")

    assert redacted_again(missed, same).pseudonyms.keys() == {*before.pseudonyms, "<SSN_1>"}
    again = redacted_again(missed, other)
    assert "536" not in again.model_dump_json(include={"spans"})
    assert (again.salt_version, again.pseudonyms) == (before.salt_version, before.pseudonyms)


def test_an_eval_test_carries_one_surrogate_throughout_and_may_leave() -> None:
    capture = failing("jo@mail.org", "4012888888881881")
    test = eval_test_of(pattern_of(capture), capture, ())
    assert isinstance(test, EvalTest)
    spelled, chosen = test.model_dump_json(), surrogates_for(capture)

    assert "<EMAIL_1>" not in spelled
    assert "<CARD_1>" not in spelled
    assert spelled.count(chosen["<EMAIL_1>"]) >= 2
    assert spelled.count(chosen["<CARD_1>"]) >= 2
    assert leaks_in(test, ()) != {}
    assert leaks_in(test, tuple(chosen.values())) == {}
    assert "mail.org" not in spelled


@pytest.mark.parametrize("around", ["bob-{}", "{}-Miller", "x.{}", "{}@other.org", "bob+{}"])
def test_a_value_that_only_holds_a_surrogate_may_not_leave(around: str) -> None:
    issued = surrogate(Kind.EMAIL) if "Miller" not in around else surrogate(Kind.PERSON)

    assert findings([f"it is {issued}."], [issued]) == {}
    assert findings([f"it is {around.format(issued)}."], [issued]) != {}


def test_an_address_of_either_family_is_replaced_by_one_of_its_own() -> None:
    told = capture_of(
        trace(
            root(input="from 203.0.114.9", metadata={"ip": "2a00:1450::8a", "note": "and 2A00:1450:0::8a"})
        ),
        rules=SignalRules(),
        redaction=Redaction(SALT),
    )
    assert told.redactions == {"IP": 1, "IPV6": 2}
    assert told.pseudonyms.keys() == {"<IP_1>", "<IPV6_1>"}
    told_again = redacted_again(told, Redaction(SALT))
    assert told_again.pseudonyms == told.pseudonyms
