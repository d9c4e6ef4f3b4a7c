"""Runs of capitalised words, cut where an ordinary word or a sentence's end parts them."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from shared.redaction.pseudonyms import PLACEHOLDER
from shared.redaction.words import AMBIGUOUS, NATIONS, STARTERS, words

_PARTICLES = "de|da|del|della|der|den|di|dos|du|la|le|van|von|zu|bin|ibn|al|el|y|ter|ten|af|av"
# `re` has no class of capitals. A possessive repetition never goes back, so a run costs its length.
_CAPITAL = "".join(map(chr, (point for point in range(0x2000) if chr(point).isupper())))
_INITIALS = rf"(?:[{_CAPITAL}]\.){{2,4}}(?= [{_CAPITAL}])"
_REST = rf"(?:(?:\.[{_CAPITAL}]){{1,3}}\.(?= [{_CAPITAL}])|(?:[^\W\d_]|['’-])*+\.?)"
_WORD = rf"[{_CAPITAL}]{_REST}"
# The engine looks for a first character fast where it comes first; what stands before it is asked then.
_RUN = re.compile(
    rf"[{_CAPITAL}](?<![\w@/\\#$].){_REST}(?:[ \u00a0]{{1,2}}(?:(?:{_PARTICLES}) ){{0,2}}{_WORD})*+"
)
_TOKEN = re.compile(rf"{_INITIALS}|[^\W\d_](?:[\w'’-]*[\w])?\.?")
_NO_INITIALS = frozenset(
    {"U.S", "U.K", "U.N", "E.U", "D.C", "N.Y", "L.A", "P.O", "A.M", "P.M", "B.C", "A.D", "U.S.A"}
)
_TITLES = words(
    "mr mrs ms miss mx mme mlle dr prof professor doctor sir madam madame monsieur herr frau fräulein señor "
    "señora señorita sra srta doña signor signora captain capt sgt lt rev lord lady dame aunt uncle grandma "
    "nurse officer president queen pastor senator mayor detective producer singer author commenter actor "
    "actress director guitarist drummer writer journalist passenger guest traveler traveller cardholder "
    "coach chef sheriff colonel sergeant ambassador congressman congresswoman"
)
# Only these stand before nothing but a family's name.
_OF_A_FAMILY = words("mr mrs ms mme herr frau señor señora sr sra")
# Ordinary words that are the names of many families: behind a given name or a title they are one.
_FAMILIES_TOO = words(
    "best black day field green hope house key law long north page post price read short west white winter "
    "young"
)
_POSSESSIVE = re.compile(r"['’]s?$")
_ORDINARY = STARTERS | NATIONS
# Letters that are words.
_SINGLE_WORDS = frozenset({"I", "A"})


class Run(NamedTuple):
    """Some capitalised words in a row: where they stand, and the words without marks."""

    start: int
    end: int
    words: tuple[str, ...]
    titled: bool


def runs_of(text: str) -> Iterator[Run]:
    """Cut runs of capitalised words where an ordinary word or a sentence's end parts them."""
    for match in _RUN.finditer(text):
        spelled = match[0]
        if (low := spelled.lower()) in _ORDINARY or spelled in _SINGLE_WORDS:
            continue
        # Somebody may be called like a kind: the kind of a placeholder is not him.
        start, end = match.span()
        if start and text[start - 1] == "<" and PLACEHOLDER.match(text, start - 1):
            continue
        if spelled.isalpha() and low not in _TITLES:
            # Most runs are one word without any mark.
            yield Run(start, end, (spelled,), titled=False)
            continue
        yield from _parts_of(text, start, end)


def _parts_of(text: str, first: int, last: int) -> Iterator[Run]:
    tokens: list[tuple[int, int, str]] = []
    titled = False
    low = ""
    for token in _TOKEN.finditer(text, first, last):
        spelled = token[0]
        word = spelled.rstrip(".")
        if "'" in word or "’" in word:
            word = _POSSESSIVE.sub("", word)
        start, stop = token.span()
        end = start + len(word)
        before, low = low, word.lower()
        family = low in _FAMILIES_TOO and (
            before in _OF_A_FAMILY or (tokens and tokens[0][2].lower() not in AMBIGUOUS)
        )
        if "." in word:
            if word in _NO_INITIALS:
                yield from _closed(tokens, titled)
                tokens, titled = [], False
            else:
                tokens.append((start, stop, word))
        elif low in _TITLES:
            yield from _closed(tokens, titled)
            tokens, titled = [], True
        elif len(word) == 1 and tokens and text[stop : stop + 1] == " ":
            tokens.append((start, stop, word))
        elif (low in _ORDINARY and not (tokens and word.islower()) and not family) or not word:
            yield from _closed(tokens, titled)
            tokens, titled = [], False
        else:
            # An initial keeps its dot; a word that ends with one ends a sentence.
            tokens.append((start, end + (len(word) == 1 and spelled.endswith(".")), word))
            if spelled != word and len(word) > 1:
                yield from _closed(tokens, titled)
                tokens, titled = [], False
    yield from _closed(tokens, titled)


def _closed(tokens: list[tuple[int, int, str]], titled: bool) -> Iterator[Run]:  # noqa: FBT001 - of a run
    while tokens and (not tokens[-1][2][0].isupper() or tokens[-1][2] in _SINGLE_WORDS):
        tokens = tokens[:-1]
    if tokens:
        yield Run(tokens[0][0], tokens[-1][1], tuple([word for _, _, word in tokens]), titled)
