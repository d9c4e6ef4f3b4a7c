"""Values that stand in for redacted ones where an application's own validation looks at them.

Each is of the type of what it replaces and comes from a range that is reserved
or documented for examples, so that it can be nobody's.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from pydantic import JsonValue

from shared.redaction.kinds import Kind
from shared.redaction.pseudonyms import PLACEHOLDER

_GIVEN = (
    "Alex",
    "Charlie",
    "Dana",
    "Jamie",
    "Jules",
    "Kit",
    "Lou",
    "Morgan",
    "Noel",
    "Quinn",
    "Robin",
    "Sascha",
)
# The family names say what they are.
_FAMILY = ("Example", "Sample", "Specimen", "Placeholder", "Testcase", "Fixture", "Invented", "Fictional")
# Test numbers that Stripe documents (docs.stripe.com/testing); all pass Luhn.
_CARDS = (
    *("4242424242424242", "4000056655665556", "5555555555554444", "2223003122003222", "5200828282828210"),
    *("5105105105105100", "378282246310005", "371449635398431", "6011111111111117", "6011000990139424"),
    *("3056930009020004", "36227206271667", "6555900000604105", "3566002020360505", "6200000000000005"),
)
# The examples of the IBAN registry.
_IBANS = (
    *("DE89370400440532013000", "GB29NWBK60161331926819", "FR1420041010050500013M02606"),
    *("ES9121000418450200051332", "NL91ABNA0417164300", "IT60X0542811101000000123456"),
    *("BE68539007547034", "CH9300762011623852957", "AT611904300234573201", "PT50000201231234567890154"),
)
# RFC 5737.
_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")


class _Range(NamedTuple):
    """So many values of one kind, all different."""

    size: int
    make: Callable[[int], str]


_RANGES: dict[str, _Range] = {
    Kind.EMAIL: _Range(0x100000, lambda n: f"person-{n:05x}@example.com"),  # RFC 2606
    Kind.PHONE: _Range(100, lambda n: f"+1-202-555-01{n:02}"),  # kept for fiction by the North American plan
    Kind.CARD: _Range(len(_CARDS), lambda n: _CARDS[n]),
    Kind.IBAN: _Range(len(_IBANS), lambda n: _IBANS[n]),
    Kind.SSN: _Range(10, lambda n: f"987-65-43{20 + n}"),  # kept for advertisements, never issued
    Kind.NATIONALID: _Range(10_000, lambda n: f"X00-000-{n:04}"),
    Kind.PASSPORT: _Range(10_000, lambda n: f"X0000{n:04}"),
    Kind.LICENCE: _Range(10_000, lambda n: f"X000-0000-{n:04}"),
    Kind.IP: _Range(3 * 254, lambda n: f"{_NETWORKS[n % 3]}.{1 + n // 3}"),
    Kind.IPV6: _Range(0x10000, lambda n: f"2001:db8::{1 + n:x}"),  # RFC 3849
    Kind.MAC: _Range(256, lambda n: f"00:00:5E:00:53:{n:02X}"),  # RFC 7042
    Kind.LOCATION: _Range(100_000, lambda n: f"0.{n:05}"),  # in the Gulf of Guinea, at sea
    Kind.PERSON: _Range(
        len(_GIVEN) * len(_FAMILY), lambda n: f"{_GIVEN[n % len(_GIVEN)]} {_FAMILY[n // len(_GIVEN)]}"
    ),
    Kind.HANDLE: _Range(10_000, lambda n: f"example_user_{n:04}"),
    Kind.ADDRESS: _Range(999, lambda n: f"{1 + n} Example Street"),
    Kind.POSTCODE: _Range(400, lambda n: f"{n:05}"),  # below the lowest that is assigned
    Kind.BIRTH: _Range(12 * 28, lambda n: f"1900-{1 + n // 28:02}-{1 + n % 28:02}"),
    Kind.SESSION: _Range(10_000, lambda n: f"example-session-{n:04}"),
    Kind.SECRET: _Range(10_000, lambda n: f"example-not-a-secret-{n:04}"),
    Kind.USER: _Range(10_000, lambda n: f"example_account_{n:04}"),
}


def surrogates_of(value: JsonValue, pseudonyms: Mapping[str, str]) -> dict[str, str]:
    """Choose a surrogate for each placeholder in a value.

    It is chosen by the keyed hash of what was replaced, so that it is the same
    in every trace; two placeholders share one only where a range is exhausted.
    """
    chosen: dict[str, str] = {}
    taken: dict[str, set[int]] = {}
    for placeholder in sorted(set(_placeholders(value)), key=lambda one: (len(one), one)):
        kind = placeholder[1:].rpartition("_")[0]
        if (told := _RANGES.get(kind)) is not None:
            used = taken.setdefault(kind, set())
            at = _free(told.size, pseudonyms.get(placeholder, placeholder), used)
            used.add(at)
            chosen[placeholder] = told.make(at)
    return chosen


def rendered(value: JsonValue, surrogates: Mapping[str, str]) -> JsonValue:
    """Put surrogates in the place of placeholders, in every text and key."""
    match value:
        case str():
            return PLACEHOLDER.sub(lambda match: surrogates.get(match[0], match[0]), value)
        case dict():
            return {
                str(rendered(key, surrogates)): rendered(inner, surrogates) for key, inner in value.items()
            }
        case list():
            return [rendered(inner, surrogates) for inner in value]
        case _:
            return value


def _placeholders(value: JsonValue) -> Iterable[str]:
    match value:
        case str():
            yield from (match[0] for match in PLACEHOLDER.finditer(value))
        case dict():
            for key, inner in value.items():
                yield from _placeholders(key)
                yield from _placeholders(inner)
        case list():
            for inner in value:
                yield from _placeholders(inner)


def _free(size: int, hashed: str, used: set[int]) -> int:
    """Choose a place in a range by a hash: the next that is free, or its own where none is."""
    first = int.from_bytes(hashlib.sha256(hashed.encode()).digest()[:6], "big") % size
    if len(used) == size:
        return first
    return next(at for step in range(size) if (at := (first + step) % size) not in used)
