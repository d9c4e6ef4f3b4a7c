"""Finds secrets: credentials by their form, and values by the words in front of them."""

import base64
import binascii
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain

from shared.redaction.credential_families import FAMILIES
from shared.redaction.kinds import Found, Kind
from shared.redaction.linear import Linear, any_pattern
from shared.redaction.pseudonyms import ANY_PSEUDONYM
from shared.redaction.told_secrets import TELLING_PATTERNS, find_told_secrets

# Groups slow a scan, and only the family that was hit needs its own.
_GROUP = re.compile(r"(?<!\\)\((?!\?)")
# A token may follow an escaped line break, a percent-encoded mark or the name of a variable.
_MARK_BEFORE = r"_|\\[nrt]|%[0-9A-Fa-f]{2}"
_MARK = re.compile(_MARK_BEFORE)

# A block of a key may be spelled in one line, with `\n` for its breaks, and may have lost its end.
_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_KEY_BODY = re.compile(
    r"(?:[^-]|-(?!----)){0,16000}+-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
    r"|(?:(?:\s|\\{1,3}[nr]){0,8}+[A-Za-z0-9+/=_-]{20,}+){0,1000}+(?:(?:\s|\\{1,3}[nr]){1,8}[A-Za-z0-9+/]{0,64}={1,2})?"
)
_PUTTY_KEY = re.compile(r"Private-Lines: \d{1,3}((?:\s{1,2}[A-Za-z0-9+/=]{1,64}){1,100})")

# How plain text looks in base64: its bytes are below 128, which leaves fewer characters for each place.
_RUN = Linear(
    r"(?:^|[^A-Za-z0-9+/_-]|\\[nrt])((?:[A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589]"
    r"[A-Za-z0-9+/_-]){6}[A-Za-z0-9+/_-]*={0,2})"
)
_URL_SAFE = str.maketrans("-_", "+/")
_MOST_ENCODED = 12_000
_READABLE = re.compile(rb"[\t\n\r -~]+")
_FIRST = 24
_BASIC = re.compile(r"(?i)basic\s{1,3}$")
_USER_AND_PASSWORD = re.compile(r"[^\s:]{1,128}:\S{3,256}")


def find_credentials(text: str) -> Iterator[Found]:
    """Find every secret in a text; findings may overlap."""
    if not text.isascii():
        # RE2 reads no half of a surrogate pair.
        text = text.encode("utf-8", "replace").decode("utf-8")
    if _HINT.is_in(text):
        yield from _find_plain(text)
        yield from _encoded(text)


def _find_plain(text: str) -> Iterator[Found]:
    found = chain(_by_form(text), _key_blocks(text), find_told_secrets(text))
    return (one for one in found if not ANY_PSEUDONYM.match(text, one.start))


def _by_form(text: str) -> Iterator[Found]:
    for match in _TOKENS.finditer(text):
        start, hit = match.start(), match.group()
        lowered = hit.lower()
        mark = _MARK.match(hit)
        for family in FAMILIES:
            # What RE2 has found once is short work for the faster start of the other engine.
            if family.literal not in lowered:
                continue
            first = mark.end() if mark and family.as_word else 0
            told = _spelled(family.pattern).fullmatch(hit, first)
            if told and (family.accepts is None or family.accepts(told[0])):
                first, last = told.span(told.re.groups)
                yield Found(start + first, start + last, Kind.SECRET, family.rule)
                break


def _token_pattern() -> str:
    words, marks = (
        "|".join(_GROUP.sub("(?:", one.pattern) for one in FAMILIES if one.as_word is as_word)
        for as_word in (True, False)
    )
    return rf"(?:\b|{_MARK_BEFORE})(?:{words})|{marks}"


_TOKENS = Linear(_token_pattern())
# What any finding has in it: one scan clears most texts.
_HINT = any_pattern(
    *(one.pattern for one in (_TOKENS, _RUN, *TELLING_PATTERNS)), "PRIVATE KEY|Private-Lines: "
)


@cache
def _spelled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


def _key_blocks(text: str) -> Iterator[Found]:
    past = 0
    if "PRIVATE KEY" in text:
        for match in _KEY_BLOCK.finditer(text):
            if match.start() >= past and (body := _KEY_BODY.match(text, match.end())):
                past = body.end()
                yield Found(match.start(), past, Kind.SECRET, "private_key")
    if "Private-Lines: " in text:
        for match in _PUTTY_KEY.finditer(text):
            yield Found(*match.span(1), Kind.SECRET, "putty_private_key")


def _encoded(text: str) -> Iterator[Found]:
    """Find runs of base64 in which a credential stands; what is encoded twice is not looked at."""
    for match in _RUN.finditer(text):
        start, end = match.span(1)
        decoded = _decoded(text[start:end])
        if not decoded:
            continue
        basic = _BASIC.search(text, max(0, start - 10), start) and _USER_AND_PASSWORD.fullmatch(decoded)
        if basic or any(True for _ in _find_plain(decoded)):
            yield Found(start, end, Kind.SECRET, "base64")


def _decoded(run: str) -> str:
    """Decode a run of base64 as far as it is readable; a hash or an id is not."""
    run = run[:_MOST_ENCODED].rstrip("=").translate(_URL_SAFE)
    if not _READABLE.fullmatch(_bytes(run[:_FIRST])):
        return ""
    readable = _READABLE.match(_bytes(run))
    return readable[0].decode("ascii") if readable else ""


def _bytes(run: str) -> bytes:
    try:
        return base64.b64decode(run + "=" * (-len(run) % 4))
    except binascii.Error:
        return b""
