"""What stands in place of a redacted value: a placeholder within its trace, a keyed hash across traces."""

import hashlib
import hmac
import re

PLACEHOLDER = re.compile(r"<([A-Z][A-Z0-9]{1,9})_(\d{1,6})>")
USER_HASH = re.compile(r"user_[a-p]{16}")
ID_HASH = re.compile(r"id_[a-p]{32}")
# What differs between two traces that tell the same.
ANY_PSEUDONYM = re.compile(rf"{PLACEHOLDER.pattern}|\b(?:{USER_HASH.pattern}|{ID_HASH.pattern})\b")
# Hex as letters: sixteen digits of a hash can pass for a card by chance.
_AS_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


def key_of(salt: bytes, version: str) -> bytes:
    """Derive the key of a version of the salt (HMAC-SHA-256): another version, and no hash is the same."""
    return hmac.new(salt, f"evalforge pii v{version}".encode(), hashlib.sha256).digest()


def user_hash(user_id: str, salt: bytes) -> str:
    """Name a user the same way in every trace of one salt."""
    return f"user_{_keyed(user_id, salt, 16)}"


def value_hash(kind: str, value: str, salt: bytes) -> str:
    """Name a value the same way in every trace of one salt, so that traces can be joined on it."""
    return _keyed(f"{kind}\0{value}", salt, 32)


def id_hash(name: str, salt: bytes) -> str:
    """Name a thing whose own id must not be seen."""
    return f"id_{_keyed(name, salt, 32)}"


def _keyed(value: str, salt: bytes, length: int) -> str:
    hashed = hmac.digest(salt, value.encode("utf-8", "surrogatepass"), "sha256").hex()
    return hashed.translate(_AS_LETTERS)[:length]
