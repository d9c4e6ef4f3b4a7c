"""One spelling for every JSON value, so that equal values have equal hashes."""

import hashlib
import json

from pydantic import JsonValue


def canonical_json(value: JsonValue) -> str:
    """Spell a JSON value in one way: sorted keys, no spaces, unicode as it is."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(*parts: str, length: int = 32) -> str:
    """Hash parts to hex of `length` digits; ("ab", "c") and ("a", "bc") differ."""
    # Lone surrogates keep their own bytes: a name that has one is not the name that has its pair.
    framed = json.dumps(parts, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return hashlib.sha256(framed).hexdigest()[:length]
