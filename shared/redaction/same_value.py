"""One value, however it is spelled: what has a placeholder already gets it again."""

import re
from ipaddress import ip_address

from shared.redaction.folding import fold
from shared.redaction.kinds import Kind

NEVER_JOINED = frozenset({Kind.SECRET, Kind.SESSION})
# Blanks and dashes are no part of these.
_NUMBERED = frozenset(
    {Kind.CARD, Kind.PHONE, Kind.IBAN, Kind.SSN, Kind.NATIONALID, Kind.PASSPORT, Kind.LICENCE, Kind.MAC}
)
_SEPARATORS = re.compile(r"[\W_]+")
_CALLING_CODE = re.compile(r"^(?:00)?1(?=[2-9]\d{9}$)|^00(?=[1-9])")


def same_value(kind: Kind, value: str) -> str:
    """Bring spellings of one value together: a card with and without spaces is the same card."""
    if kind in NEVER_JOINED:
        return value
    folded = fold(value)
    plain = folded.text if folded else value
    if kind in _NUMBERED:
        joined = _SEPARATORS.sub("", plain).casefold() or plain
        # What calls abroad stands in front of some, and an American number is told with its 1 or without.
        return _CALLING_CODE.sub("", joined) if kind is Kind.PHONE else joined
    if kind in (Kind.IP, Kind.IPV6):
        return _address(plain)
    return plain.casefold() if kind is Kind.EMAIL else plain


def _address(spelled: str) -> str:
    """Spell an address in the one way that its family has; what stands beside one keeps it as it is."""
    try:
        return ip_address(spelled).compressed
    except ValueError:
        return spelled.casefold()
