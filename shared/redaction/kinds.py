"""The words of redaction: what a value was, and where in a text it stands."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple, Protocol


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
    IPV6 = "IPV6"
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


class Detector(Protocol):
    """A further detector beside our own rules: a team's recogniser, or a service such as Google's.

    What it finds is replaced in addition to what our rules find. It is given text
    that nobody has redacted yet, so a detector that sends it elsewhere must be
    allowed to.
    """

    def find(self, text: str) -> Iterable[Found]:
        """List the stretches of a text that must not be seen."""
        ...
