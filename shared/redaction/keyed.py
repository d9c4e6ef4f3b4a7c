"""Values that a key beside them calls personal: what any text spells like a key of JSON or of a program."""

import re
from collections.abc import Iterator

from shared.redaction.kinds import Found, Kind
from shared.redaction.places import SCHEMA_TYPES, kind_of_key
from shared.redaction.pseudonyms import ANY_PSEUDONYM

_LONGEST = 2000
_KEY = re.compile(r"(\\{0,3}[\"'])([\w .-]{1,64})\1\s{0,4}:\s{0,4}(\\{0,3}[\"'])")
# Sooner looked for, for it begins with one of two characters; most texts have none.
_KEYED = re.compile(r"[\"']\s{0,4}:")
# A key may stand in an example or beside an error's text: what its value must look like to be one.
_LOOKS_LIKE = {
    Kind.EMAIL: re.compile("@"),
    Kind.PHONE: re.compile(r"\d.*\d"),
    Kind.ADDRESS: re.compile(r"\d"),
    Kind.POSTCODE: re.compile(r"\d"),
    Kind.BIRTH: re.compile(r"\d"),
    Kind.CARD: re.compile(r"\d"),
    Kind.IBAN: re.compile(r"\d"),
    Kind.SSN: re.compile(r"\d"),
    Kind.NATIONALID: re.compile(r"\d"),
    Kind.PASSPORT: re.compile(r"\d"),
    Kind.LICENCE: re.compile(r"\d"),
    Kind.LOCATION: re.compile(r"\d"),
    Kind.IP: re.compile(r"[\d:]"),
    Kind.USER: re.compile(r"^[^.!?]{1,60}$"),
    Kind.PERSON: re.compile(r"^[^.!?]{1,60}$"),
    Kind.SECRET: re.compile(r"[^.!?\s]$"),
}
_LOOKS_LIKE_AN_ID = re.compile(r"^\S+$")


def find_keyed(text: str) -> Iterator[Found]:
    """Find `"first_name": "…"` however often it is escaped; what we put there ourselves is no value."""
    if not _KEYED.search(text):
        return
    for match in _KEY.finditer(text):
        kind = kind_of_key(match[2])
        if kind is None:
            continue
        end = text.find(match[3], match.end(), match.end() + _LONGEST)
        value = text[match.end() : end]
        if end > match.end() and "\n" not in value and _may_be(kind, value):
            yield Found(match.end(), end, kind, "key")


def _may_be(kind: Kind, value: str) -> bool:
    if value.lower() in SCHEMA_TYPES or ANY_PSEUDONYM.fullmatch(value):
        return False
    return _LOOKS_LIKE.get(kind, _LOOKS_LIKE_AN_ID).search(value) is not None
