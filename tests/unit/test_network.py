"""Addresses of machines and places, among versions, times, scopes and scores."""

import ipaddress
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.redaction.network import find_network
from tests.properties import examples
from tests.timings import growth


def _found(text: str) -> set[tuple[str, str]]:
    return {(text[found.start : found.end], found.kind.value) for found in find_network(text)}


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("http://203.0.113.18:8080/x", "203.0.113.18", "IP"),
        ("from 10.0.0.0/8.", "10.0.0.0", "IP"),
        ("It came from 203.0.113.18.", "203.0.113.18", "IP"),
        ("Source:2001:db8::1", "2001:db8::1", "IP"),
        ("fe80::1%eth0 answers", "fe80::1%eth0", "IP"),
        ("http://[::1]:8080/", "::1", "IP"),
        ("::ffff:203.0.113.18", "::ffff:203.0.113.18", "IP"),
        ("mac 00:1a:2b:3c:4d:5e", "00:1a:2b:3c:4d:5e", "MAC"),
        ("mac 00-1A-2B-3C-4D-5E.", "00-1A-2B-3C-4D-5E", "MAC"),
        ("mac 001a.2b3c.4d5e", "001a.2b3c.4d5e", "MAC"),
        ("he is at 51.5074, -0.1278 now", "51.5074, -0.1278", "LOCATION"),
        ("coordinates (48.858, 2.294)", "48.858, 2.294", "LOCATION"),
        ("51.5074° N, 0.1278° W", "51.5074° N, 0.1278° W", "LOCATION"),
        ("lat: 51.5, lon: -0.1278", "-0.1278", "LOCATION"),
        ('{"latitude": 51.5074}', "51.5074", "LOCATION"),
        ("40°26'46\"N 79°58'56\"W", "40°26'46\"N", "LOCATION"),
        ("geo:48.2010,16.3695", "48.2010,16.3695", "LOCATION"),
    ],
)
def test_it_is_found_whole(text: str, value: str, kind: str) -> None:
    assert (value, kind) in _found(text)


INNOCENT = [
    "v1.2.3.4",
    "version 1.2.3.4 and release: 10.4.2.1",
    "300.1.2.3",
    "1.2.3",
    "build 1.2.3.4.5",
    "10:20:30",
    "2026-11-18T16:00:00.123Z took 00:00:12",
    "std::vector<int>",
    "use ab::cd, a::b and face::add",
    "::",
    "rows[::2] and rows[1::3]",
    "3f2a9c1e-ab12-4cde-beef-1234567890ab",
    "6903738200000000af2d3775dfc70530",
    "aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99",
    "1234.5678.9012",
    "20-11-18-10-20-30",
    "scores 0.9123, 0.8456",
    "[0.1234, -1.5678, 0.9101, 2.3456]",
    "12.50, 19.99",
    "12.345, 18.990 EUR",
    "$1,299.00 and 1.299,00",
    "10x20x30 and 1920x1080",
    "1760000000000",
    "HAT123, ZFA04Y, 4a_7839_2",
    "latency: 12.345 ms",
    "<IP_1> and <LOCATION_1> 12.345, 18.990",
    "gpt-4.1-mini",
    "ratio 16:9 or 1:2:3:4",
    "100.0000, 200.0000",
    "25° C and 30°",
]


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_no_address_stays(text: str) -> None:
    assert _found(text) == set()


# Sentences, lists, logs, URLs and JSON: an address may stand anywhere in them.
_sentences = st.sampled_from(
    [
        "{}",
        "The call came from {}.",
        "({})",
        "{}, then {} again",
        '{{"ip": "{}"}}',
        "src={} dst=x",
        "ip:{}",
        "client\t{}\n",
        "[{}]:443",
        "Is it {}?",
        "addresses {}; 12 others",
        "http://[{}]/path",
        "<{}>",
    ]
)
_v4 = st.integers(0, 2**32 - 1).map(lambda number: str(ipaddress.IPv4Address(number)))
_v6_numbers = st.one_of(
    st.integers(2**64, 2**128 - 1),
    st.builds(
        lambda head, tail: (0x20010DB8 << 96) | (head << 64) | tail, st.integers(0, 9), st.integers(1, 2**20)
    ),
)
_v6 = st.builds(
    lambda number, spell: spell(ipaddress.IPv6Address(number)),
    _v6_numbers,
    st.sampled_from(
        [
            str,
            lambda address: address.exploded,
            lambda address: address.compressed.upper(),
            lambda address: address.exploded.upper(),
            lambda address: f"::ffff:{ipaddress.IPv4Address(int(address) % 2**32)}",
        ]
    ),
)


@examples(500)
@given(_v4, _sentences)
def test_every_ipv4_address_is_found_whole(address: str, sentence: str) -> None:
    assert (address, "IP") in _found(sentence.format(address, address))


@examples(200)
@given(_v4, st.sampled_from([":80", ":65535", "/8", "/32", "/path", "-"]), _sentences)
def test_a_port_or_a_prefix_hides_no_address(address: str, tail: str, sentence: str) -> None:
    assert (address, "IP") in _found(sentence.format(address + tail, "x"))


@examples(600)
@given(_v6, _sentences)
def test_every_ipv6_address_is_found_whole(address: str, sentence: str) -> None:
    assert (address, "IP") in _found(sentence.format(address, address))


@examples(200)
@given(st.binary(min_size=6, max_size=6), st.booleans(), _sentences)
def test_every_hardware_address_is_found_whole(address: bytes, large: bool, sentence: str) -> None:
    spelled = address.hex(":").upper() if large else address.hex(":")

    assert (spelled, "MAC") in _found(sentence.format(spelled, spelled))


@examples(200)
@given(
    st.floats(-90, 90).map("{:.5f}".format),
    st.floats(1.1, 180).map("{:.5f}".format),
    st.sampled_from([",", ", ", " ", "; "]),
)
def test_every_pair_of_coordinates_is_found_whole(latitude: str, longitude: str, mark: str) -> None:
    pair = latitude + mark + longitude

    assert (pair, "LOCATION") in _found(f"They met at {pair}.")


HOSTILE: dict[str, Callable[[int], str]] = {
    unit: lambda size, unit=unit: unit * (size // len(unit))  # type: ignore[misc]
    for unit in (
        "1",
        ":",
        "a:",
        "::",
        "1.",
        "1.1.1.1.",
        "aa:",
        "a::",
        "1.2345,",
        "lat:",
        "1°",
        "geo:1",
        "aaaa.",
    )
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_no_text_takes_more_than_linear_time(hostile: Callable[[int], str]) -> None:
    assert growth(lambda size: list(find_network(hostile(size))), 25_000, 200_000) < 27
