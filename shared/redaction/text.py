"""Redaction by content: what in a text looks personal or secret, by the union of all detectors.

Every detector takes linear time. What hides in other spellings, full-width
digits or percent-encoding, is looked for in the plain spelling as well.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from hashlib import blake2b

from shared.redaction.addresses import find_addresses
from shared.redaction.cards import BARE_LENGTHS
from shared.redaction.contacts import find_contacts
from shared.redaction.credentials import find_credentials
from shared.redaction.folding import fold, original_span
from shared.redaction.keyed import find_keyed
from shared.redaction.kinds import Found
from shared.redaction.network import find_network
from shared.redaction.numbers import find_bare_numbers, find_numbers
from shared.redaction.people import find_names_again, find_people

_SHORTEST = 3
# Longer texts are read page by page.
_LONGEST = 16_384
_PAGE, _BESIDE = 4096, 512
_LARGE_PAGE, _LARGE_BESIDE = 65_536, 16_384
# What programs call things: nothing is found in it, and a trace is full of it.
_IDENTIFIER = re.compile(r"[a-z]{1,14}(?:[_.][a-z]{1,14}){0,5}")
# Traces of one application repeat each other: instructions, tags, names of tools. What was found
# where is remembered by a digest, so that no text stays in memory.
_MOST_REMEMBERED = 65_536
_Detect = Callable[[str], Iterable[Found]]
_found_before: dict[tuple[bytes, _Detect], tuple[Found, ...]] = {}
_DIGIT = re.compile(r"\d")


def find(text: str, *, prose: bool = True, listed: bool = True) -> list[Found]:
    """List what must not be seen, from left to right; what overlaps is one, for half of it would stay.

    `prose` looks for what only running text tells, names and addresses; an id or
    a tool's name is none. `listed` says whether lists of names may be asked.
    """
    if len(text) < _SHORTEST or _IDENTIFIER.fullmatch(text):
        return []
    if text.isascii():
        if text.isdecimal():
            # Ids of spans most of all; only a card or a nation's id tells itself by its digits.
            return merged(find_bare_numbers(text)) if len(text) in BARE_LENGTHS else []
    else:
        # Half a character, which no engine takes, becomes a whole one of the same length.
        text = text.encode("utf-8", "replace").decode()
    if len(text) <= _LONGEST:
        return list(_found_once(text, _looking(_candidates, prose=prose, listed=listed)))
    # A key, a token or a keyed value may be longer than what is seen beside a small page.
    long_ones = _page_by_page(text, _long_values, page=_LARGE_PAGE, beside=_LARGE_BESIDE)
    detect = _looking(_short_values, prose=prose, listed=listed)
    found = [*long_ones, *_page_by_page(text, detect, page=_PAGE, beside=_BESIDE)]
    return merged([*found, *(find_names_again(text, found) if prose else ())])


def _page_by_page(text: str, detect: _Detect, *, page: int, beside: int) -> Iterator[Found]:
    """Find in a long text what stands on each page, seen with a stretch of the pages beside it.

    No pattern of a detector sees more than that, so that the work cannot grow
    faster than the text; and a text that repeats itself, as those do that are
    made to take long, has few pages that differ.
    """
    start = 0
    while start < len(text):
        end, first = _cut(text, start, page), max(0, start - beside)
        for one in _found_once(text[first : end + beside], detect):
            # What a page sees only the end of, or the beginning, is joined with what its neighbour sees.
            if first + one.start < end and first + one.end > start:
                yield one._replace(start=first + one.start, end=first + one.end)
        start = end


def _cut(text: str, start: int, page: int) -> int:
    """Say where a page ends: about so far on, where the text itself tells a place among all near it.

    Soon behind a change the places are the same again: what was found on the pages there is remembered.
    """
    near = start + page * 15 // 16
    window = text[near : start + page * 17 // 16]
    if len(text) <= near or not window:
        return len(text)
    rarest = max(window)
    _, *behind = window.split(rarest)
    return near + window.index(rarest + max(behind))


def _found_once(text: str, detect: _Detect) -> tuple[Found, ...]:
    key = (blake2b(text.encode(), digest_size=16).digest(), detect)
    if (told := _found_before.get(key)) is None:
        told = tuple(merged(_seen_through(text, detect)))
        if len(_found_before) >= _MOST_REMEMBERED:
            _found_before.clear()
        _found_before[key] = told
    return told


def _seen_through(text: str, detect: _Detect) -> Iterator[Found]:
    """Detect in a text as it is, and in its plain spelling where it has another."""
    yield from detect(text)
    if (folded := fold(text)) is not None:
        for hidden in detect(folded.text):
            start, end = original_span(folded, hidden.start, hidden.end)
            yield hidden._replace(start=start, end=end)


def forget() -> None:
    """Forget what was found before; a measurement begins like a new process."""
    _found_before.clear()


def merged(found: Iterable[Found]) -> list[Found]:
    """Put findings in order, and join those that overlap under the kind of the first."""
    chosen: list[Found] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if not chosen or one.start >= chosen[-1].end:
            chosen.append(one)
        elif one.end > chosen[-1].end:
            chosen[-1] = chosen[-1]._replace(end=one.end)
    return chosen


def _candidates(text: str, *, prose: bool, listed: bool) -> Iterator[Found]:
    """Ask all detectors; where two findings are of one length the kind of the earlier one stays."""
    yield from _long_values(text)
    yield from _short_values(text, prose=prose, listed=listed)


def _long_values(text: str) -> Iterator[Found]:
    yield from find_credentials(text)
    yield from find_keyed(text)


def _short_values(text: str, *, prose: bool, listed: bool) -> Iterator[Found]:
    yield from find_contacts(text)
    # Most texts hold no number, and an address of a network may be letters alone, `fe::`.
    if _DIGIT.search(text) or ":" in text:
        yield from find_numbers(text)
        yield from find_network(text)
    if prose:
        yield from find_addresses(text)
        yield from find_people(text, listed=listed)


@cache
def _looking(detect: Callable[..., Iterable[Found]], *, prose: bool, listed: bool) -> _Detect:
    """Make a detector of its settings: the same one each time, for what it found is remembered by it."""
    return partial(detect, prose=prose, listed=listed)
