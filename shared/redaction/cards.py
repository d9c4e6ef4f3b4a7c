"""Finds payment cards: by how issuers number them, by how people write them, and by their check digit."""

import re
from collections.abc import Iterator
from itertools import accumulate

from shared.redaction.kinds import Found, Kind

# More digits that stand one by one are a column of figures; cards that are spelled so may be several.
_MOST_SINGLE = 400
_CARD_RUN = re.compile(
    r"(?<![\d.])\d{4}(?:\.\d{4}){3}(?!\.?\d)"
    r"|(?<!\d)(?<!\d\.)\d+(?:[ \t\n\u00a0\u2010-\u2015-]{1,2}\d+)*"
)
_GROUP = re.compile(r"\d+")
_CARD_LENGTHS = range(12, 20)
# Numbers of other lengths are order and trace numbers far more often: those need a word that says card,
# or to begin as the few cards of these lengths do, and no word that says another number.
_USUAL_LENGTHS = range(13, 17)
_RARE = re.compile(r"4\d{18}|(?:5018|5020|5038|5893|6304|6759|676[1-3]|0604)\d{8}(?:\d{5,7})?|62\d{15,17}")
_OTHER_NUMBER = re.compile(
    r"(?i)(?<![a-z])(?:[a-z]{0,20}_)?ids?(?![a-z])|trace|span|order|booking|reserv|ticket|track|invoice|ref|case"
    r"|job|task|process|build|batch|request|session|event|message|serial|customer|user|account|number|no\.|#|=|\":|time|\bns\b|offset|hash|nano|bytes|rows|uuid|value"
)
_BEHIND_A_WORD = re.compile(r"[A-Za-z]{2,}:? $")
# So many digits and nothing else: a card, or a Chinese identity number.
BARE_LENGTHS = frozenset({*_USUAL_LENGTHS, 18})
# How cards are written; other groups that sum up by chance are columns of numbers.
_CARD_GROUPS = frozenset(
    {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 1), (4, 4, 4, 2), (4, 4, 4, 3), (4, 4, 4, 4, 3), (6, 13)}
)
_GROUPS_WITH_WORD = frozenset({(4, 4, 4), (4, 4, 4, 4, 1), (4, 4, 4, 4, 2), (4, 4, 5), (8, 4), (8, 8)})
_ANY_GROUPS = _CARD_GROUPS | _GROUPS_WITH_WORD
_FIRST_SIZES, _MOST_GROUPS = {groups[0] for groups in _ANY_GROUPS}, max(map(len, _ANY_GROUPS))
# What all of these have in them, as has a card in one piece or in single digits.
_MAY_BE = re.compile(r"\d{12}|(?<!\d)(?:\d{4}\D+(?:\d{4}|\d{6})\D+\d{4}|\d{8}\D+\d{4}|(?:\d\D+){11}\d)")
# The first digits that issuers have been given (ISO/IEC 7812): Visa, Mastercard, American Express,
# Diners, JCB, Discover, UnionPay, Maestro.
_ISSUED = re.compile(
    r"4|5[0-8]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720|3[04-9]|6|(?:2131|1800)\d{11}$|0604\d{8}$"
)
_CARD_WORD = re.compile(
    r"(?i)(?<!<)card|kart|carte|tarjeta|visa|master|maestro|amex|credit|debit|\bcc\b|\bpan\b"
)
# Trace and span ids are hex: sixteen of their digits in a row are no card.
_HEX_ID = re.compile(r"(?=[0-9a-f]*[a-f])[0-9a-f]{16,64}")
_WORD_END = re.compile(r"\w+$")
_WORD_START = re.compile(r"\w*")
_WIDEST_WORD = 64
# What a digit counts, by its character; and what a value counts doubled, as the sum of its digits.
_VALUES = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED = bytes.maketrans(bytes(range(10)), bytes([0, 2, 4, 6, 8, 1, 3, 5, 7, 9]))


def find_cards(text: str, start: int, end: int) -> Iterator[Found]:
    """Find the cards in a dense stretch of digits."""
    run = text[start:end]
    if run.isdigit():
        yield from _cards(text, run, start) if len(run) in _CARD_LENGTHS else ()
        return
    for match in _CARD_RUN.finditer(text, start, end):
        if match.end() - match.start() >= _CARD_LENGTHS.start and _MAY_BE.search(text, *match.span()):
            yield from _cards(text, match.group(), match.start())


def _cards(text: str, run: str, offset: int) -> Iterator[Found]:
    """Find the cards among groups of digits: grouped as cards are, digit by digit, or in one piece."""
    groups = _GROUP.findall(run)
    sizes = list(map(len, groups))
    begins = list(accumulate(sizes, initial=0))
    plain = "".join(groups)
    places: list[tuple[int, int]] = []
    sums: tuple[list[int], list[int]] | None = None
    for first, last in _grouped_as_cards(sizes):
        begin, stop = begins[first], begins[last + 1]
        if not _is_issued(plain, begin, stop):
            continue
        sums = sums or _luhn_sums(plain)
        if not _luhn_holds(sums, begin, stop):
            continue
        places = places or [match.span() for match in _GROUP.finditer(run)]
        card = Found(offset + places[first][0], offset + places[last][1], Kind.CARD, "luhn")
        if _is_written_as_card(tuple(sizes[first : last + 1]), text, card):
            yield card


def _grouped_as_cards(sizes: list[int]) -> Iterator[tuple[int, int]]:
    """Say from which group of digits to which a card may go, by their sizes alone."""
    at = 0
    while at < len(sizes):
        size, end = sizes[at], at + 1
        if size == 1:
            while end < len(sizes) and sizes[end] == 1:
                end += 1
            if _CARD_LENGTHS.start <= end - at <= _MOST_SINGLE:
                for first in range(at, end):
                    shortest, longest = first + _CARD_LENGTHS.start, first + _CARD_LENGTHS.stop
                    yield from ((first, stop - 1) for stop in range(shortest, min(longest, end + 1)))
        elif size in _CARD_LENGTHS:
            yield at, at
        elif size in _FIRST_SIZES:
            for stop in range(at + 2, min(at + _MOST_GROUPS, len(sizes)) + 1):
                if tuple(sizes[at:stop]) in _ANY_GROUPS:
                    yield at, stop - 1
        at = end


def _is_written_as_card(groups: tuple[int, ...], text: str, card: Found) -> bool:
    plain = len(groups) == 1 or set(groups) == {1}
    if groups not in _CARD_GROUPS and not (plain and sum(groups) in _USUAL_LENGTHS):
        near = text[max(0, card.start - 48) : card.start], text[card.end : card.end + 24]
        said = any(map(_CARD_WORD.search, near)) or _is_rare_card(groups, text, card)
        if not said or not (plain or groups in _GROUPS_WITH_WORD):
            return False
    return not _is_in_hex_id(text, card)


def _is_rare_card(groups: tuple[int, ...], text: str, card: Found) -> bool:
    """Know a card of an unusual length in a sentence that speaks of no other number."""
    plain = "".join(_GROUP.findall(text, card.start, card.end))
    if (len(groups) > 1 and text[card.end - 5] != "-") or " " not in text or not _RARE.fullmatch(plain):
        return False
    before, after = text[max(0, card.start - 48) : card.start], text[card.end : card.end + 12]
    other = _OTHER_NUMBER.search(before) or _OTHER_NUMBER.search(after)
    return _BEHIND_A_WORD.search(before) is not None and other is None


def _is_in_hex_id(text: str, found: Found) -> bool:
    """Look at the word that a card stands in, as far as an id is long."""
    before = _WORD_END.search(text, max(0, found.start - _WIDEST_WORD), found.start)
    after = _WORD_START.match(text, found.end, found.end + _WIDEST_WORD)
    word = (before[0] if before else "") + text[found.start : found.end] + (after[0] if after else "")
    return _HEX_ID.fullmatch(word) is not None


def _is_issued(plain: str, begin: int, stop: int) -> bool:
    return (
        _ISSUED.match(plain, begin, stop) is not None
        and plain.count(plain[begin], begin, stop) < stop - begin
    )


def _luhn_sums(plain: str) -> tuple[list[int], list[int]]:
    """Add up the Luhn sums once for a whole run, as if even places were doubled, and as if odd ones were."""
    odd_doubled, even_doubled = (bytearray(plain.encode().translate(_VALUES)) for _ in range(2))
    odd_doubled[1::2] = odd_doubled[1::2].translate(_DOUBLED)
    even_doubled[::2] = even_doubled[::2].translate(_DOUBLED)
    return list(accumulate(odd_doubled, initial=0)), list(accumulate(even_doubled, initial=0))


def _luhn_holds(sums: tuple[list[int], list[int]], begin: int, stop: int) -> bool:
    # The last digit is the one that checks: it stays as it is.
    added = sums[(stop - 1) % 2]
    return (added[stop] - added[begin]) % 10 == 0
