"""Five hundred values that must not be seen anywhere, and traces and alerts that carry them."""

import json
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.unit.credential_examples import FAMILY_EXAMPLES

_DRAWN = random.Random(20261127)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


class Canary(NamedTuple):
    """A value, and the text that carries it; `key` where only a key says what it is."""

    value: str
    text: str
    key: str = ""


def canaries() -> list[Canary]:
    """Draw every structured type, a secret of each family, and names, addresses and dates in keyed fields."""
    told = [
        Canary(secret, f"{before}{secret}{behind}") for before, secret, behind in FAMILY_EXAMPLES.values()
    ]
    makers = (_email, _phone, _card, _iban, _ssn, _ipv4, _ipv6, _mac, _dni)
    for number in range(27):
        told += [Canary(value, f"see {value} please") for make in makers if (value := make(number))]
    keys = ("first_name", "last_name", "fullName", "shipping_address", "dob", "passport_number", "user_id")
    while len(told) < 500:
        key = keys[len(told) % len(keys)]
        value = f"{_word().capitalize()} {_word().capitalize()} {_DRAWN.randint(10, 99)}"
        told.append(Canary(value, value, key))
    return told


def spans_with(told: list[Canary]) -> Iterator[dict[str, Any]]:
    """Plant each value in a failing trace of its own, in one place after the other."""
    for number, canary in enumerate(told):
        span: dict[str, Any] = {
            "span_id": "1",
            "trace_id": f"canary-{number}",
            "name": "pay",
            "span_kind": "tool",
            "status": "error",
            "start_ns": 1_763_476_800_000_000_000 + number,
            "duration": 5,
            "ml_app": "bot",
            "tags": ["env:prod", "version:1"],
            "input": {"value": '{"order": "A 1"}'},
            "output": {"value": "Error: refused"},
            "metadata": {},
            "error": {"message": "refused", "type": "PayError"},
        }
        yield _keyed(span, canary, number) if canary.key else _in_text(span, canary.text, number)


def _keyed(span: dict[str, Any], canary: Canary, number: int) -> dict[str, Any]:
    held = {canary.key: canary.value}
    places: tuple[dict[str, Any], ...] = (
        {"input": {"value": json.dumps({"customer": held})}},
        {"output": {"value": json.dumps([held])}},
        {"metadata": {"deep": [{"er": held}]}},
        {"metadata": {"text": f"result: {json.dumps(held)}"}},
        {"tags": [*span["tags"], f"{canary.key}:{canary.value}"]},
        {"error": {"message": "refused", "details": held}},
        {"input": {"messages": [{"role": "assistant", "tool_calls": [{"name": "pay", "arguments": held}]}]}},
    )
    return span | places[number % len(places)]


def _in_text(span: dict[str, Any], text: str, number: int) -> dict[str, Any]:
    evaluation = {"assessment": "fail", "value": "bad", "eval_metric_type": "categorical", "reasoning": text}
    places: tuple[dict[str, Any], ...] = (
        {"input": {"value": text}},
        {"input": {"messages": [{"role": "user", "content": text}]}},
        {"output": {"value": json.dumps({"note": text})}},
        {"output": {"messages": [{"role": "assistant", "content": text}]}},
        {"metadata": {"note": text}},
        {"metadata": {"notes": [{"in": {"depth": text}}]}},
        {"metadata": {text: "as a key"}},
        {"metrics": {"label": text}},
        {"tags": [*span["tags"], f"note:{text}"]},
        {"evaluation": {"tone": evaluation}},
        {"evaluation": {"tone": evaluation | {"reasoning": "r", "value": text}}},
        {"evaluation": {"tone": evaluation | {"reasoning": "r", "tags": [f"k:{text}"]}}},
        {"error": {"message": text, "type": "PayError", "stack": f"Traceback: {text}"}},
        {"name": f"pay {text}"},
        {"intent": text},
    )
    return span | places[number % len(places)]


def _word() -> str:
    return "".join(_DRAWN.choices(_LETTERS, k=9))


def _email(number: int) -> str:
    return f"{_word()}.{number}@{_word()}.org"


def _phone(number: int) -> str:
    return f"+1 415 {_DRAWN.randint(200, 899)} {_DRAWN.randint(1000, 9999)}"


def _card(number: int) -> str:
    digits = [4, *(_DRAWN.randint(0, 9) for _ in range(14))]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[::2]]
    spelled = "".join(map(str, [*digits, -(sum(doubled) + sum(digits[1::2])) % 10]))
    return " ".join(spelled[at : at + 4] for at in range(0, 16, 4)) if number % 2 else spelled


def _iban(number: int) -> str:
    account = "".join(str(_DRAWN.randint(0, 9)) for _ in range(18))
    return f"DE{98 - int(account + '131400') % 97:02}{account}"


def _ssn(number: int) -> str:
    return f"{_DRAWN.randint(100, 600)}-{_DRAWN.randint(10, 99)}-{_DRAWN.randint(1000, 9999)}"


def _ipv4(number: int) -> str:
    return ".".join(str(_DRAWN.randint(11, 250)) for _ in range(4))


def _ipv6(number: int) -> str:
    return ":".join(["2001", "db8", *(f"{_DRAWN.randint(4096, 65535):x}" for _ in range(6))])


def _mac(number: int) -> str:
    return ":".join(["a4", *(f"{_DRAWN.randint(16, 255):02x}" for _ in range(5))])


def _dni(number: int) -> str:
    digits = _DRAWN.randint(10_000_000, 99_999_999)
    return f"{digits}{_DNI_LETTERS[digits % 23]}"
