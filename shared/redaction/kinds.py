"""The words of redaction: what a value was, and where in a text it stands."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """What a redacted value was; the name stands in its placeholder."""

    EMAIL = "EMAIL"
    PHONE = "PHONE"
    CARD = "CARD"
    IBAN = "IBAN"
    SSN = "SSN"
    NATIONALID = "NATIONALID"
    PASSPORT = "PASSPORT"
    LICENCE = "LICENCE"
    IP = "IP"
    MAC = "MAC"
    LOCATION = "LOCATION"
    PERSON = "PERSON"
    HANDLE = "HANDLE"
    ADDRESS = "ADDRESS"
    POSTCODE = "POSTCODE"
    BIRTH = "BIRTH"
    SESSION = "SESSION"
    SECRET = "SECRET"  # noqa: S105 - a kind of value, not one
    USER = "USER"


class Found(NamedTuple):
    """A stretch of a text that must not be seen, and the rule that says so; offsets count characters."""

    start: int
    end: int
    kind: Kind
    rule: str
