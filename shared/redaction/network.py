"""Finds where a person or a machine is: IP addresses, hardware addresses, coordinates."""

import ipaddress
import re
from collections.abc import Iterator

from shared.redaction.kinds import Found, Kind
from shared.redaction.linear import Linear, any_pattern

_LARGEST_BYTE = 255
# RE2 looks at no character around a match: what stands before and after is judged one by one.
_IPV4 = Linear(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_BEFORE_ADDRESS = re.compile(r"(?:\w|\d\.)$")
_AFTER_ADDRESS = re.compile(r"\w|\.\d")
_VERSION_WORD = re.compile(r"(?i)(?:\bv|version|release|\bver\.?|\bbuild)\s?[:=]?\s?[\"']?$")
_VERSION_REACH = 14

_HEX = "[0-9A-Fa-f]{1,4}"
_TAIL = r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|" + _HEX + ")"
# A colon in front may belong to a key, `ip:::1`.
_IPV6 = Linear(
    rf":?((?:{_HEX}(?::{_HEX}){{0,7}}::(?:(?:{_HEX}:){{0,7}}{_TAIL})?|::(?:{_HEX}:){{0,7}}{_TAIL}"
    rf"|(?:{_HEX}:){{6,8}}{_TAIL})(?:%[0-9A-Za-z_.-]{{1,32}})?)"
)
_FEWEST_LETTER_GROUPS = 3
# `items[::2]` takes every second item.
_SLICE = re.compile(r"\d{0,3}::\d{1,3}")
_SLICED = re.compile(r"[\w\])]\[$")

_MAC = Linear(
    r"\b(?:[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5}"
    r"|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})\b"
)
_GOES_ON_BEFORE = re.compile(r"[0-9A-Fa-f][:.-]$")
_GOES_ON_AFTER = re.compile(r"[:-][0-9A-Fa-f]|\.[0-9A-Fa-f]{4}\b")

_PAIR = Linear(
    r"([-+]?[0-9]{1,2}\.[0-9]{3,15})( ?°)?( ?[NS])?[,;/ ] ?([-+]?[0-9]{1,3}\.[0-9]{3,15})( ?°)?( ?[EWO]\b)?"
)
_BEFORE_PAIR = re.compile(r"(?:[\w.,-]|\d[ ;]|\d, )$")
_AFTER_PAIR = re.compile(r"[\w%]|\.\d|,? ?[-+]?\d")
_KEYED = Linear(
    r"(?i)\b(lat|latitude|lon|lng|long|longitude|breitengrad|l[äa]ngengrad|latitud|longitud)"
    r"[\"'\\]{0,2} ?(?:[:=]|is)? ?[\"'\\]{0,2}([-+]?[0-9]{1,3}\.[0-9]{2,15})"
)
_DEGREES = Linear(
    r"[0-9]{1,3} ?[°º] ?[0-9]{1,2}(?:\.[0-9]{1,8})? ?['′’]"
    r"(?: ?[0-9]{1,2}(?:\.[0-9]{1,8})? ?(?:[\"″”]|''|′′))?"
    r" ?[NSEWO]\b"
    r"|[0-9]{1,3}\.[0-9]{2,15} ?[°º] ?[NSEWO]\b"
)
_GEO = Linear(
    r"(?i)\bgeo:(-?[0-9]{1,3}(?:\.[0-9]{1,15})?,-?[0-9]{1,3}(?:\.[0-9]{1,15})?(?:,-?[0-9.]{1,12})?)"
)
_PLACE_WORD = re.compile(
    r"(?i)coord|\bgps\b|\blat|\blo?ng?\b|(?<!<)locat|position|geo|\bpoint\b|koordinat|standort|ubicaci|\bpin\b|where|\bmap"
)
_PLACE_REACH = 40
_EXACT_DECIMALS = 4
_MOST_LATITUDE, _MOST_LONGITUDE = 90, 180


# One scan clears most texts.
_HINT = any_pattern(*(one.pattern for one in (_IPV4, _IPV6, _MAC, _PAIR, _KEYED, _DEGREES, _GEO)))


def find_network(text: str) -> Iterator[Found]:
    """Find IPv4, IPv6 and hardware addresses, and coordinates."""
    if not _HINT.is_in(text):
        return
    yield from _ipv4(text)
    yield from _pairs(text)
    yield from _told_places(text)
    yield from _ipv6(text)
    yield from (_found(match.span(1), Kind.LOCATION, "geo_uri") for match in _GEO.finditer(text))
    yield from _macs(text)
    yield from (_found(match.span(), Kind.LOCATION, "degrees") for match in _DEGREES.finditer(text))


def _ipv4(text: str) -> Iterator[Found]:
    for match in _IPV4.finditer(text):
        before = text[max(0, match.start() - _VERSION_REACH) : match.start()]
        apart = not _BEFORE_ADDRESS.search(before) and not _AFTER_ADDRESS.match(text, match.end())
        if apart and _is_ipv4(match.group()) and not _VERSION_WORD.search(before):
            yield _found(match.span(), Kind.IP, "ipv4")


def _is_ipv4(spelled: str) -> bool:
    return all(int(part) <= _LARGEST_BYTE for part in spelled.split("."))


def _ipv6(text: str) -> Iterator[Found]:
    for match in _IPV6.finditer(text):
        start, value = match.start(1), match.group(1)
        # `Source:2001:db8::1`: what ends a word in front is none of it.
        if start and (text[start - 1].isalnum() or text[start - 1] == "_"):
            head, colon, value = value.partition(":")
            start += len(head) + len(colon)
        value = value.rstrip(".-")
        end = start + len(value)
        if _is_ipv6(value) and not _goes_on(text, end) and not _is_slice(text, start, value):
            yield Found(start, end, Kind.IP, "ipv6")


def _is_ipv6(spelled: str) -> bool:
    address = spelled.partition("%")[0]
    groups = [group for group in address.split(":") if group]
    # `face::add` is a name of a program as likely as an address.
    if not any(map(str.isdigit, address)) and len(groups) < _FEWEST_LETTER_GROUPS:
        return False
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return True


def _goes_on(text: str, end: int) -> bool:
    after = text[end : end + 2]
    return after[:1].isalnum() or after[:1] == "_" or (after[:1] == ":" and after[1:].isalnum())


def _is_slice(text: str, start: int, value: str) -> bool:
    return _SLICE.fullmatch(value) is not None and _SLICED.search(text, max(0, start - 2), start) is not None


def _macs(text: str) -> Iterator[Found]:
    for match in _MAC.finditer(text):
        start, end = match.span()
        told = ":" in match.group() or any(map(str.isalpha, match.group()))
        goes_on = _GOES_ON_BEFORE.search(text, max(0, start - 2), start) or _GOES_ON_AFTER.match(text, end)
        if told and not goes_on:
            yield Found(start, end, Kind.MAC, "mac")


def _pairs(text: str) -> Iterator[Found]:
    for match in _PAIR.finditer(text):
        latitude, degree, north, longitude, other_degree, east = match.groups()
        before = text[max(0, match.start() - _PLACE_REACH) : match.start()]
        if _BEFORE_PAIR.search(before) or _AFTER_PAIR.match(text, match.end()):
            continue
        if abs(float(latitude)) > _MOST_LATITUDE or abs(float(longitude)) > _MOST_LONGITUDE:
            continue
        marked = degree or north or other_degree or east
        if marked or _is_exact(latitude, longitude) or _PLACE_WORD.search(before):
            yield _found(match.span(), Kind.LOCATION, "coordinates")


def _is_exact(latitude: str, longitude: str) -> bool:
    """Tell a place from two scores or weights: as many decimals as a place has, and not both below one."""
    decimals = min(len(number.partition(".")[2]) for number in (latitude, longitude))
    return decimals >= _EXACT_DECIMALS and max(abs(float(latitude)), abs(float(longitude))) > 1


def _told_places(text: str) -> Iterator[Found]:
    for match in _KEYED.finditer(text):
        if abs(float(match.group(2))) <= _MOST_LONGITUDE:
            yield _found(match.span(2), Kind.LOCATION, "coordinate")


def _found(span: tuple[int, int], kind: Kind, rule: str) -> Found:
    return Found(*span, kind, rule)
