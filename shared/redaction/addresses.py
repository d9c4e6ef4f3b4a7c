"""Street addresses and postcodes in free text.

An anchor says that there is an address: a numbered street, a unit, a box, what
is said in front of it. From there it grows to both sides over what addresses
are made of: numbers, capitalised words, units, states, postcodes.
"""

import re
from collections.abc import Iterator

from shared.redaction.address_forms import AFTER_CUE, ANCHORS, CODED, CUED, FIELD, HINT, TELLING, UNIT, ZIP
from shared.redaction.casing import is_caseless, with_capitals
from shared.redaction.kinds import Found, Kind
from shared.redaction.names import listed_names
from shared.redaction.words import AMBIGUOUS, NATIONS, STARTERS, words

_LONGEST = 200
_LEFT = 80
_YEAR = re.compile(r"(?:19|20)\d\d$")
# What is counted stands where a place would.
_NO_PLACES = STARTERS | words(
    "tokens seats steps errors iterations connections rows items points dollars euros users miles requests "
    "calls messages files bytes lines pages words departure departures arrival arrivals passengers units "
    "customers sessions records samples epochs parameters credits votes views views hits tests events jobs "
    "times hours minutes seconds days weeks months years percent mb gb kb ms usd eur gbp edition "
    "enterprise images broker brokers cores nodes threads"
)
# What goes on on the right: each piece begins with what parts it from the one before.
_PART = r"(?:[ \t\u00a0]{0,4},?[ \t]{0,3}(?:\r?\n[>?|*# \t]{0,8},?[ \t]{0,3})?)"
_TAIL_UNIT = re.compile(
    rf"{_PART}(?:{UNIT}|[Pp]\.? ?[Oo]\.? ?[Bb]ox \d{{1,6}}\b"
    rf"|(?<=[ ,])#\d{{1,5}}[A-Za-z]?\b|(?<=[\s,])[Tt]he Netherlands\b)"
)
_TAIL_NUMBER = re.compile(rf"{_PART}(?<=[\s,])\d{{1,6}}[A-Za-z]?(?:-\d{{1,5}})?\b(?![.:]\d)")
# `Dorfgasse 4/12`: the door behind the house.
_TAIL_DOOR = re.compile(r"(?<=\d)[/-]\d{1,3}[A-Za-z]?(?![\w/-])")
# A stop behind a house's number, as Hungarians write it, ends no sentence where a code opens the next line.
_TAIL_CODE = re.compile(
    rf"\.{_PART}(?<=\n)[A-Z]{{1,2}}-\d{{4,5}}\b"
    rf"|{_PART}(?<=[\s,])(?:[A-Z]{{1,2}}-\d{{4,5}}\b|\d{{4}} ?[A-Z]{{2}}\b"
    r"|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}|[A-Z]\d[A-Z] \d[A-Z]\d|[A-Z]{2,3}(?![\w]))"
)
# What stands for a missing state, between a city and a postcode.
_TAIL_SHORT = re.compile(rf"{_PART}(?<=[\s,])[a-z]{{2,3}}(?=\n? {{0,2}}\d{{4,6}}\b)")
_TAIL_WORD = re.compile(
    rf"{_PART}(?<=[\s,])(?P<word>[^\W\d_][^\W\d_'’-]*(?:['’-][^\W\d_]+)*)(?P<dot>\.?)(?: "
    rf"\([^\W\d_]{{2,20}}\))?(?!\w)"
)
# States that are words as well: `Session ID 12345`.
_STATE_OR_WORD = re.compile(r"(?:ID|OK|IN|OR|ME|HI) ")
_AND = re.compile(r" (?:and|und|et|y|&) (?=[^\W\d_a-zß-öø-ÿ]|[^\W\d_]+ [^\W\d_]+ (?:st|ave))")
_OTHER_STREET = re.compile(r"\.?(?: [Ss]t\.)? [Aa]nd (?=[^\W\d_]|\d)")
_BACK = re.compile(r"(?:[^\W_][^\W_'’]*(?:['’-][^\W_]+)*\.?)[ ,]{0,2}$")
_LINE_ABOVE = re.compile(r"(?:^|\n)[>?|*# \t]{0,8}([^\n]{3,60}?)[ \t,]{0,3}\n[>?|*# \t]{0,8}$")
_SMALL = words(
    "de del della der den des di do dos da du la le les los las el an op bei sur sous en aan upon y van von "
    "zum zur am rue via u ul st avenue chemin impasse calle rua ulica aleja strada aleea bulevardul drumul"
)
_ROAD = re.compile(r"[^\W\d_]{3}[^\n]*\d|\d[^\n]*[^\W\d_]{3}")
_MOST_WORDS = 6
_SHORTEST_STREET = 4
_SHORT_NUMBER = 3
_BLANKS = 4
# `1 Forward Pass`, `5 Random Walk`: programs count such.
_STEP = re.compile(r"\d (?:[^\W\d_]+ ){1,2}(?:Pass|Points?|Path|Loop|Gateway|Walk|Trail)")
_PLACE_FOLLOWS = re.compile(r"[,\n]\s{0,3}[^\W\d_a-z]")
_HOUSE = re.compile(r"\d+[a-z]?(?:[-/]\d+[a-z]?)?")


def find_addresses(text: str) -> Iterator[Found]:
    """Find addresses whole, and postcodes that are told as such."""
    if not TELLING.is_in(text):
        return
    caseless = is_caseless(text)
    text = with_capitals(text) if caseless else text
    if not HINT.is_in(text):
        return
    for found in _anchored(text):
        yield _without_stop(found, text)
    yield from _coded(text, caseless=caseless)
    for match in CUED.finditer(text):
        if (told := AFTER_CUE.match(text, match.end())) and not _is_no_street(told.group()):
            yield _without_stop(Found(told.start(), _right(text, told.end()), Kind.ADDRESS, "cue"), text)
    for match in FIELD.finditer(text):
        if _is_a_road(match.group(1)):
            end = match.start(1) + len(match.group(1).rstrip())
            yield Found(match.start(1), end, Kind.ADDRESS, "field")
    for match in ZIP.finditer(text):
        group = next(at for at in range(1, 6) if match.group(at))
        before = text[max(0, match.start(group) - _BLANKS) : match.start(group)].rstrip(" ")
        if _STATE_OR_WORD.match(match.group(group)) and not before.endswith(","):
            continue
        yield Found(match.start(group), match.end(group), Kind.POSTCODE, "postcode")


def _coded(text: str, *, caseless: bool) -> Iterator[Found]:
    for match in CODED.finditer(text):
        way = match.group("way")
        street = match.group("road") or way or match.group("town")
        place, code = (match.group("place") or "").rstrip(".").lower(), match.group("code") or ""
        # `May 5, 2024 Flights` and `GPT 4, 8192 Tokens` have the form of a street and a place; so have
        # many words where every word got a capital.
        counted = place in _NO_PLACES or _YEAR.match(code) or (caseless and way)
        if not counted and not _is_no_street(street):
            yield Found(match.start(), _right(text, match.end()), Kind.ADDRESS, "coded")


def _without_stop(found: Found, text: str) -> Found:
    """Leave the sentence its full stop."""
    return found._replace(end=found.end - 1) if text[found.end - 1] == "." else found


def _anchored(text: str) -> Iterator[Found]:
    at = 0
    for match in ANCHORS.finditer(text):
        rule = match.lastgroup or ""
        if match.start() < at or _only_looks_like_one(match.group(), match.end(), rule, text):
            continue
        start, end = _grown(text, match.start(), match.end(), rule)
        at = end
        if rule == "unit" and not _has_a_street(text[start:end]):
            continue
        if rule == "corner":
            if end - match.end() < _SHORTEST_STREET:
                continue
            if other := _OTHER_STREET.match(text, end):
                end = _right(text, other.end())
        yield Found(start, end, Kind.ADDRESS, rule)


def _only_looks_like_one(spelled: str, end: int, rule: str, text: str) -> bool:
    """Know what has the form of a street and is none."""
    if _STEP.fullmatch(spelled):
        return _PLACE_FOLLOWS.match(text, end) is None
    if rule == "family":
        return not _is_of_a_family(spelled)
    return rule in ("street", "numbered", "named") and _is_no_street(spelled)


def _is_no_street(spelled: str) -> bool:
    """Dates, counts and codes stand between numbers too."""
    words = [word.strip(".,").lower() for word in spelled.split() if word[0].isalpha() or word[-1].isalpha()]
    words = [word for word in words if not _HOUSE.fullmatch(word)]
    named = [word for word in words if word not in STARTERS and word not in _SMALL]
    return not named or words[0] in _NO_STREETS or words[-1] in _NO_STREETS


_NO_STREETS = words(
    "january february march april may june july august september october november december jan feb mar apr "
    "jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday flight "
    "flights passenger passengers adult adults ticket tickets item items step steps page pages usd eur gbp "
    "bags bag order orders version am pm est and or x chapter section table figure row seat gate "
    "terminal room line level day week phase article rule error code status"
)


def _is_a_road(value: str) -> bool:
    """Tell the value of a form's line from what is said of it: `must be set, line 12`."""
    words = re.findall(r"[^\W\d_]+", value)
    named = all(word[0].isupper() or word.lower() in _SMALL for word in words)
    said = any(word.lower() in _NO_PART for word in words)
    return named and not said and _ROAD.search(value) is not None


def _is_of_a_family(spelled: str) -> bool:
    """Tell `2749 Marlow Islands` from `300 Page Views` and `2024 Budget Summit`."""
    number, name, _ = spelled.split(" ")
    low = name.lower()
    ordinary = low in STARTERS or (low in AMBIGUOUS and len(number) <= _SHORT_NUMBER)
    return name in listed_names().family and not ordinary and not _YEAR.match(number)


def _has_a_street(spelled: str) -> bool:
    """A unit is part of an address where a name and a second number stand beside it."""
    return (
        len(re.findall(r"\d+", spelled)) > 1
        and re.search(r"[^\W\d_]{4,}[^\n]{0,40}\d|\d[^\n]{0,40}[^\W\d_]{4,}", spelled) is not None
    )


def _grown(text: str, start: int, end: int, rule: str) -> tuple[int, int]:
    end = _right(text, end)
    if rule in ("unit", "street", "numbered", "family", "box"):
        start = _left(text, start, crossing=rule == "unit")
    return start, end


def _left(text: str, start: int, *, crossing: bool) -> int:
    """Grow to the left as far as a number, over capitalised words; a unit also over the line above it."""
    floor = max(0, start - _LEFT)
    above = _LINE_ABOVE.search(text, floor, start) if crossing else None
    if above and any(map(str.isdigit, above[1])) and _is_address_line(above[1]):
        return above.start(1)
    best = at = start
    for _ in range(_MOST_WORDS):
        before = _BACK.search(text, floor, at)
        if before is None:
            break
        word = before.group().strip(" ,.")
        low = word.lower()
        if not (word[0].isdigit() or word[0].isupper() or low in _SMALL) or (
            low in STARTERS and word[0].islower()
        ):
            break
        if low in STARTERS or low in NATIONS:
            break
        at = before.start()
        if word[0].isdigit():
            best = at
    return best if best < start or not crossing else at


def _is_address_line(line: str) -> bool:
    words = [word.strip(".,") for word in line.split()]
    if words[0][:1].isdigit() and len(words) <= _MOST_WORDS:
        return True
    return all(not word or word[0].isdigit() or word[0].isupper() or word.lower() in _SMALL for word in words)


def _right(text: str, end: int) -> int:
    """Grow to the right over units, numbers, places and postcodes."""
    limit, words = min(len(text), end + _LONGEST), 0
    while end < limit:
        if piece := (
            _TAIL_DOOR.match(text, end, limit)
            or _TAIL_UNIT.match(text, end, limit)
            or _TAIL_NUMBER.match(text, end, limit)
            or _TAIL_CODE.match(text, end, limit)
            or _TAIL_SHORT.match(text, end, limit)
        ):
            end, words = piece.end(), 0
            continue
        if joined := _AND.match(text, end, limit):
            end = joined.end() - 1
        word = _TAIL_WORD.match(text, end, limit)
        if word is None:
            break
        spelled, low = word["word"], word["word"].lower()
        if not (spelled[0].isupper() or low in _SMALL) or low in _NO_PART or words >= _MOST_WORDS:
            break
        if spelled[0].isupper():
            end = word.end("word")
            words += 1
            if word.end() > word.end("dot"):
                end = word.end()
            if word["dot"] and len(spelled) >= _SHORTEST_STREET:
                break
        elif (
            _TAIL_WORD.match(text, word.end(), limit)
            and text[word.end() : word.end() + 2].strip()[:1].isupper()
        ):
            end = word.end()
        else:
            break
    return end


_PLACE_WORDS = words(
    "north south east west new great old city town st san los port united state center street road way "
    "place country"
)
_NO_PART = STARTERS - _PLACE_WORDS
