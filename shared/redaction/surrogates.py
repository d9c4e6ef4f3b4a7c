"""Values that stand in for redacted ones where an application's own validation looks at them.

Each is of the type of what it replaces and comes from a range that is reserved
or documented for examples, so that it can be nobody's.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping

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
_MOST_PROBES = 1000

_MAKERS: dict[str, Callable[[int], str]] = {
    Kind.EMAIL: lambda n: f"person-{n % 0xFFFFF:05x}@example.com",  # RFC 2606
    Kind.PHONE: lambda n: f"+1-202-555-01{n % 100:02}",  # kept for fiction by the North American plan
    Kind.CARD: lambda n: _CARDS[n % len(_CARDS)],
    Kind.IBAN: lambda n: _IBANS[n % len(_IBANS)],
    Kind.SSN: lambda n: f"987-65-43{20 + n % 10}",  # kept for advertisements, never issued
    Kind.NATIONALID: lambda n: f"X00-000-{n % 10_000:04}",
    Kind.PASSPORT: lambda n: f"X0000{n % 10_000:04}",
    Kind.LICENCE: lambda n: f"X000-0000-{n % 10_000:04}",
    Kind.IP: lambda n: f"{_NETWORKS[n % 3]}.{1 + n // 3 % 254}",
    Kind.MAC: lambda n: f"00:00:5E:00:53:{n % 256:02X}",  # RFC 7042
    Kind.LOCATION: lambda n: f"0.{n % 100_000:05}",  # in the Gulf of Guinea, at sea
    Kind.PERSON: lambda n: f"{_GIVEN[n % len(_GIVEN)]} {_FAMILY[n // len(_GIVEN) % len(_FAMILY)]}",
    Kind.HANDLE: lambda n: f"example_user_{n % 10_000:04}",
    Kind.ADDRESS: lambda n: f"{1 + n % 999} Example Street",
    Kind.POSTCODE: lambda n: f"{n % 400:05}",  # below the lowest that is assigned
    Kind.BIRTH: lambda n: f"1900-{1 + n // 28 % 12:02}-{1 + n % 28:02}",
    Kind.SESSION: lambda n: f"example-session-{n % 10_000:04}",
    Kind.SECRET: lambda n: f"example-not-a-secret-{n % 10_000:04}",
    Kind.USER: lambda n: f"example_user_{n % 10_000:04}",
}


def surrogates_of(value: JsonValue, pseudonyms: Mapping[str, str]) -> dict[str, str]:
    """Choose a surrogate for each placeholder in a value.

    It is chosen by the keyed hash of what was replaced, so that it is the same
    in every trace; two placeholders share one only where a range is exhausted.
    """
    chosen: dict[str, str] = {}
    for placeholder in sorted(set(_placeholders(value)), key=lambda one: (len(one), one)):
        make = _MAKERS.get(placeholder[1:].rpartition("_")[0])
        if make is not None:
            chosen[placeholder] = _free(make, pseudonyms.get(placeholder, placeholder), chosen.values())
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


def _free(make: Callable[[int], str], hashed: str, taken: Iterable[str]) -> str:
    first = int.from_bytes(hashlib.sha256(hashed.encode()).digest()[:6], "big")
    used = set(taken)
    return next((told for at in range(_MOST_PROBES) if (told := make(first + at)) not in used), make(first))
