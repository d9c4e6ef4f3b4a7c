"""Redaction by content: what in free text looks like personal data or a secret.

Every pattern is a bounded repetition without nested choice, so that no text
makes it slow.
"""

import re
from collections.abc import Iterator

from shared.redaction.kinds import Found, Kind
from shared.redaction.places import SCHEMA_TYPES, kind_of_key
from shared.redaction.pseudonyms import ANY_PSEUDONYM


_EMAIL = re.compile(r"[\w.%+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
# Groups of digits with blanks or dashes between them: a card may stand among other numbers.
_DIGITS = re.compile(
    r"(?<![\d.])\d{4}(?:\.\d{4}){3}(?![.\d])"
    r"|(?<!\d)(?<!\d\.)\d+(?:[ \t\n\u00a0\u2010-\u2015-]{1,2}\d+)*"
)
# Trace and span ids are hex: sixteen of their digits in a row are no card.
_HEX_ID = re.compile(r"(?=[0-9a-f]*[a-f])[0-9a-f]{16,64}")
_PHONE = re.compile(
    r"(?<![\w.+-])(?:\+?\d{1,3}[ .-]?)?(?:\(\d{3}\) ?\d{3}[ .-]?\d{4}|\d{3}([ .-])\d{3}\1\d{4})(?![\w-])"
    r"|(?<![\w.])\+\d{1,3}[ .-]?(?:\(0\) ?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}(?![\w-])"
    r"|(?<=\d)\+\d{11}(?![\w-])"
    r"|\(\d{3}\) ?\d{3}[ .-]?\d{4}(?!\w)"
)
# Seven digits alone may be an order number; words before them say that they are not.
_LOCAL_PHONE = re.compile(
    r"(?i)\b(?:phone|call|tel|mobile|cell|reach me|text me)[^\d\n]{1,16}(\d{3}-\d{4})(?![\w-])"
)
_CARD_LENGTHS = range(13, 17)
# How cards are written; other groups that sum up by chance are columns of numbers.
_CARD_GROUPS = frozenset({(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 1), (4, 4, 4, 2), (4, 4, 4, 3)})
# The first digits that issuers have been given (ISO/IEC 7812): Visa, Mastercard, American Express,
# Diners, JCB, Discover, UnionPay, Maestro.
_ISSUED = re.compile(r"4|5[0-8]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720|3[04-9]|6")
_GROUP = re.compile(r"\d+")
_WORD_END = re.compile(r"\w+$")
_NAME_END = re.compile(r"[\w-]+$")
_WORD_START = re.compile(r"\w*")
_LARGEST_BYTE = 255
_HAS_DIGIT = re.compile(r"\d")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\.?\w)")
_SECRETS = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,8000}(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?"
    r"|\beyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{0,2000}"
    r"|\b(?:sk|pk|rk)[-_](?=[A-Za-z_-]{0,60}\d)(?:live[-_]|test[-_]|proj-|ant-)?[A-Za-z0-9_-]{16,4000}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bgithub_pat_[A-Za-z0-9_]{20,255}"
    r"|(?<=://)[^\s/:@]{1,64}:[^\s/@]{1,256}(?=@)"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,255}"
    r"|\bglpat-[A-Za-z0-9_-]{20,64}"
    r"|\bxox[abeoprs]-[A-Za-z0-9-]{10,250}"
    r"|\bAIza[A-Za-z0-9_-]{35}"
    r"|\b(?:npm|hf)_[A-Za-z0-9]{30,64}"
    r"|\bSG\.[\w-]{16,32}\.[\w-]{30,64}"
    r"|\bya29\.[\w-]{20,4000}"
    r"|(?<=AccountKey=)[A-Za-z0-9+/=]{20,200}"
    r"|(?i:\bbearer )[A-Za-z0-9._~+/=-]{12,4000}"
)
# A word behind "token:" is prose; a value is quoted, long, or has a digit in it.
_VALUE = r"([^\s\"'<>,;&(){}\[\]\\]{6,4000})"
_TELLING = r"(?=[^\s,;&]{0,200}\d|[^\s,;&]{12})"
_TELLING_NAME = (
    r"(?:(?:api|access)[_-]?key|secret|token(?!s)|passw(?:or)?d|pwd)(?:[_-](?:id|key|value|access[_-]key))?"
)
_SECRET_KEY = re.compile(rf"(?i){_TELLING_NAME}$")
# Tokens that are no secrets: marks and counts of a model, places in a list.
_PLAIN_TOKEN = re.compile(
    r"(?i)(?:^|[_-])(?:[bec]os|pad|unk|sep|cls|mask|stop|start|end|max|min|total|first|last|per|output|input"
    r"|prompt|completion|cached|next|prev|previous|page|continuation|sync)[_-]?(?:\w{1,20}[_-])?token(?:[_-]id)?$"
    r"|token[_-]id$"
)
_ASSIGNED = re.compile(
    rf"(?i)(?P<name>{_TELLING_NAME})[\"']?\s{{0,4}}[=:]\s{{0,4}}"
    rf"(?:[\"'](?P<quoted>{_VALUE[1:-1]})(?=\\{{0,3}}[\"'])|[\"']?{_TELLING}(?P<bare>{_VALUE[1:-1]}))"
)
_HEADER = re.compile(
    rf"(?i)authorization ?: ?(?:\w{{1,20}} {_VALUE}|{_TELLING}{_VALUE})"
    r"|cookie ?: ?([^\s=;\"\\]{1,200}=\"?[^\s;\"\\]{1,4000}\"?(?:; ?[\w.-]{1,100}=\"?[^\s;\"\\]{1,4000}\"?)*)"
)
_SECRET_VALUE = re.compile(rf"{_TELLING}{_VALUE}")
# What any text spells like a key of JSON or of a program, with a plain text as its value.
_QUOTED_PAIR = re.compile(
    r"(?P<open>\\{0,3}[\"'])(?P<key>[\w .-]{1,64})(?P=open)\s{0,4}:\s{0,4}"
    r"(?P<quote>\\{0,3}[\"'])(?P<value>(?:(?!(?P=quote))[^\\\n]){1,2000})(?P=quote)"
)
# A key may stand in an example or beside an error's text: what its value must look like to be one.
_LOOKS_LIKE = {
    Kind.EMAIL: re.compile("@"),
    Kind.PHONE: re.compile(r"\d.*\d"),
    Kind.ADDRESS: re.compile(r"\d"),
    Kind.BIRTH: re.compile(r"\d"),
    Kind.IP: re.compile(r"[\d:]"),
    Kind.PERSON: re.compile(r"^[^.!?]{1,60}$"),
    Kind.SECRET: re.compile(r"[^.!?\s]$"),
}
_LOOKS_LIKE_AN_ID = re.compile(r"^\S+$")


def find(text: str) -> list[Found]:
    """List what must not be seen, from left to right; what overlaps is one, for half of it would stay."""
    chosen: list[Found] = []
    for found in sorted(_candidates(text), key=lambda found: (found.start, -found.end)):
        if not chosen or found.start >= chosen[-1].end:
            chosen.append(found)
        elif found.end > chosen[-1].end:
            chosen[-1] = chosen[-1]._replace(end=found.end)
    return chosen


def names_a_secret(key: str, value: str) -> bool:
    """Say whether a key says that its value is secret, `db_password`, and the value may be one."""
    return (
        _SECRET_KEY.search(key) is not None
        and _PLAIN_TOKEN.search(key) is None
        and _SECRET_VALUE.fullmatch(value) is not None
    )


def _candidates(text: str) -> Iterator[Found]:
    yield from _spans(_SECRETS, text, Kind.SECRET)
    if ":" in text or "=" in text:
        yield from _told_by_key(text)
    if "@" in text:
        yield from _spans(_EMAIL, text, Kind.EMAIL)
    if _HAS_DIGIT.search(text):
        for match in _DIGITS.finditer(text):
            cards = _cards(match.group(), match.start())
            yield from (card for card in cards if not _is_in_hex_id(text, card))
        yield from _spans(_PHONE, text, Kind.PHONE)
        yield from _spans(_LOCAL_PHONE, text, Kind.PHONE, group=1)
        yield from (found for found in _spans(_IPV4, text, Kind.IP) if _is_ip(text[found.start : found.end]))


def _told_by_key(text: str) -> Iterator[Found]:
    """Find values by the names in front of them; what we put there ourselves is none."""
    for match in _QUOTED_PAIR.finditer(text):
        kind, value = kind_of_key(match["key"]), match["value"]
        if kind and _may_be(kind, value):
            yield Found(*match.span("value"), kind, "key")
    for match in _ASSIGNED.finditer(text):
        group = "quoted" if match["quoted"] else "bare"
        before = _NAME_END.search(text, max(0, match.start() - 64), match.start())
        name = (before[0] if before else "") + match["name"]
        if not _PLAIN_TOKEN.search(name) and not ANY_PSEUDONYM.fullmatch(match[group]):
            yield Found(*match.span(group), Kind.SECRET, "assigned")
    for match in _HEADER.finditer(text):
        if not ANY_PSEUDONYM.fullmatch(match[match.lastindex or 0]):
            yield Found(*match.span(match.lastindex or 0), Kind.SECRET, "header")


def _may_be(kind: Kind, value: str) -> bool:
    if value.lower() in SCHEMA_TYPES or ANY_PSEUDONYM.fullmatch(value):
        return False
    return _LOOKS_LIKE.get(kind, _LOOKS_LIKE_AN_ID).search(value) is not None


def _spans(pattern: re.Pattern[str], text: str, kind: Kind, group: int = 0) -> Iterator[Found]:
    return (Found(*match.span(group), kind, kind.value.lower()) for match in pattern.finditer(text))


def _cards(run: str, offset: int) -> Iterator[Found]:
    """Find the cards among groups of digits: grouped as cards are, digit by digit, or in one piece."""
    groups = [match.span() for match in _GROUP.finditer(run)]
    sizes = [end - start for start, end in groups]
    for first, (start, _) in enumerate(groups):
        for last in range(first, min(first + _CARD_LENGTHS.stop, len(groups))):
            told = tuple(sizes[first : last + 1])
            if sum(told) >= _CARD_LENGTHS.stop:
                break
            end = groups[last][1]
            whole = len(told) == 1 or told in _CARD_GROUPS or set(told) == {1}
            if whole and sum(told) in _CARD_LENGTHS and _is_card(run[start:end]):
                yield Found(offset + start, offset + end, Kind.CARD, "luhn")


def _is_in_hex_id(text: str, found: Found) -> bool:
    """Look at the word that a card stands in, as far as an id is long."""
    before = _WORD_END.search(text, max(0, found.start - 64), found.start)
    after = _WORD_START.match(text, found.end, found.end + 64)
    word = (before[0] if before else "") + text[found.start : found.end] + (after[0] if after else "")
    return _HEX_ID.fullmatch(word) is not None


def _is_ip(spelled: str) -> bool:
    return all(int(part) <= _LARGEST_BYTE for part in spelled.split("."))


def _is_card(spelled: str) -> bool:
    """Check the Luhn sum of what may be a card's number; longer ones are span ids far more often."""
    digits = [int(character) for character in spelled if character.isdigit()]
    if not _ISSUED.match("".join(map(str, digits))):
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return sum(digits[::-2] + doubled) % 10 == 0 and len(set(digits)) > 1
