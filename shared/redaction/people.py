"""Names of persons in free text: by what is said around them, by their form, and by lists of names.

A run of capitalised words is a candidate. It is a name where a title, an
introduction, a salutation or a signature stands beside it, where its form says
so (an initial in the middle, the ending of a family name), or where one of its
words is a listed name. Names found once are found again where they stand alone.
"""

import re
from collections.abc import Iterable, Iterator

from shared.redaction import words as lists
from shared.redaction.casing import is_caseless, with_capitals
from shared.redaction.kinds import Found, Kind
from shared.redaction.linear import Linear, any_of
from shared.redaction.name_context import Cues, Seen, rule_by_context
from shared.redaction.name_runs import Run, runs_of
from shared.redaction.names import NO_NAMES, Names, listed_names
from shared.redaction.words import AMBIGUOUS, ORGANISATIONS, STARTERS

_LONGEST = 5
_RIGHT = 32
_SHORTEST = 2
_TWO = 2
_WORD = re.compile(r"[^\W\d_a-z](?:[^\W\d_]|['’-](?=[^\W\d_])){2,}")
_IN_WORD = re.compile(r"\w")
# In front of a word these make it part of a path or of a tool's name.
_OF_A_THING = re.compile(r"[\w@/\\#$]")
_ORDINARY = AMBIGUOUS | STARTERS
# Of so many names the rest is left to the pages that they stand on.
_MOST_KNOWN = 1000
_NO_NAME_GOES_ON = re.compile(r"[@_/=\d]|::")
_NEXT_WORD = re.compile(r" ([^\W\d_]+)")
_MARKED = re.compile(r"['’]?-?\d|®|™")
_OF_PLACES = lists.words("san santa los las new saint st fort port mount el são")
_SHORT_CODE = 3
# The others are words, brands, milliseconds and merge requests as well.
_ONLY_A_TITLE = re.compile(r"(?i)\b(?:mrs|herr|frau)$")
_LONGEST_TITLE = 8
_ENDINGS = re.compile(
    r"(?:[^\W\d_]{2,}(?:sson|dóttir|dottir|ová|ova|eva|ov|ev|yev|opoulos|poulou|akis|idis|escu|enko|chenko"
    r"|wicz|owicz|shvili|adze|yan|ić|ović|ević|vić|ski|ská|ský|ska|cki|cka"
    r"|nen|stein|mann|sen|quist|qvist|lund|strand|gaard|ström|stedt|oğlu|zadeh|pour|inen))$"
)
# The longest ending and what stands before it: a search over a whole word begins at each of its letters.
_ENDING = 12
_SHORTEST_ENDED = 4
_COMMON_ENDINGS = re.compile(
    r"(?:sen|ski|ska|ov|ev|nen|yan|mann|strand|lund|ova|eva|stein|pour|cki|cka|inen)$"
)


def _ends_like_a_name(word: str) -> bool:
    return len(word) >= _SHORTEST_ENDED and _ENDINGS.search(word[-_ENDING:]) is not None


def find_people(text: str, *, listed: bool = True) -> Iterator[Found]:
    """Find names of persons; without the lists, by context and form alone."""
    names = listed_names() if listed else NO_NAMES
    caseless = is_caseless(text)
    # Without its own capitals a text shows none: lists and cues have to do.
    text = with_capitals(text) if caseless else text
    cues = Cues(text)
    runs = [
        part
        for run in runs_of(text)
        for part in (_listed_parts(run, text, names, cues) if caseless else [run])
    ]
    seen = Seen(text, names, cues)
    told = [_rule_of(run, seen) for run in runs]
    _name_pairs(runs, told, text, names)
    known: set[str] = set()
    for run, rule in zip(runs, told, strict=True):
        if rule:
            known.update(
                word for word in run.words if len(word) > _SHORTEST and word.lower() not in AMBIGUOUS
            )
            yield Found(run.start, run.end, Kind.PERSON, rule)
    if known or any(told):
        yield from _told_again(runs, told, known, text)
        yield from _family_first(runs, told, text, names)
    if _ASKING.is_in(text):
        yield from _in_lower_case(text, names)
        for match in _NAMED_LAST.finditer(text):
            yield Found(match.start(1), match.end(1), Kind.PERSON, "introduced")


def find_names_again(text: str, found: Iterable[Found]) -> Iterator[Found]:
    """Find parts of names that were found, wherever they stand alone; for texts that were not read in one."""
    known: dict[str, None] = {}
    for one in found:
        if one.kind is Kind.PERSON:
            words = _WORD.findall(text, one.start, one.end)
            known.update((word, None) for word in words if word.lower() not in _ORDINARY)
        if len(known) >= _MOST_KNOWN:
            break
    pattern = any_of(known)
    for start, end in pattern.spans(text) if pattern else ():
        goes_on = _NEXT_WORD.match(text, end)
        of_a_firm = goes_on is not None and goes_on[1].lower() in ORGANISATIONS
        parted = not _OF_A_THING.match(text, start - 1) if start else True
        if parted and not of_a_firm and not _IN_WORD.match(text, end):
            yield Found(start, end, Kind.PERSON, "told_again")


def _listed_parts(run: Run, text: str, names: Names, cues: Cues) -> Iterator[Run]:
    """Keep of a run in which every word got a capital what is a name by the lists or by its ending."""
    before = text[max(0, run.start - _LONGEST_TITLE) : run.start].rstrip(" ")
    if run.titled and (before.endswith(".") or _ONLY_A_TITLE.search(before)):
        yield run._replace(end=run.start + len(run.words[0]), words=run.words[:1])
        return
    if cues.before(run, "introduced"):
        yield run
        return
    # Most runs of such a text are plain words, all of them.
    if not any(map(names.know, run.words)) and not any(map(_ends_like_a_name, run.words)):
        return
    at, open_, words = run.start, run.start, list[str]()
    for word in run.words:
        start = text.find(word, at)
        at = start + len(word)
        listed = len(word) > _SHORT_CODE and names.know(word)
        known = listed or (words and len(word) == 1)
        if known or (_ends_like_a_name(word) and not _COMMON_ENDINGS.search(word[-_ENDING:])):
            open_ = start if not words else open_
            words.append(word)
        elif words:
            yield from _unless_ordinary(Run(open_, _end_of(words, open_, text), tuple(words), titled=False))
            words = []
    if words:
        yield from _unless_ordinary(Run(open_, at, tuple(words), titled=False))


def _unless_ordinary(run: Run) -> Iterator[Run]:
    """Words that are names as well, all in small letters, are words."""
    if any(word.lower() not in AMBIGUOUS for word in run.words):
        yield run


def _end_of(words: list[str], start: int, text: str) -> int:
    for word in words:
        start = text.find(word, start) + len(word)
    return start


def _rule_of(run: Run, seen: Seen) -> str | None:
    """Say which rule makes a run a person's name; None where none does."""
    right = seen.text[run.end : run.end + _RIGHT]
    if not _may_be_a_name(run, right):
        return None
    if run.titled:
        return "title"
    first = run.words[0]
    code = first.isupper() and len(first) > 1 and "." not in first and not seen.text.isupper()
    if seen.cues.before(run, "introduced") and not (code and len(first) <= _SHORT_CODE):
        return "introduced"
    if code:
        return "full_name" if _shouted(run, seen.names) else None
    if _is_a_place(run, right):
        return None
    return _by_form(run, right, seen.names) or rule_by_context(run, right, seen)


def _shouted(run: Run, names: Names) -> bool:
    """Know a full name in capitals in a text that has small letters too."""
    first, *others = run.words
    return bool(others) and first.capitalize() in names.given and others[-1].capitalize() in names.family


def _may_be_a_name(run: Run, right: str) -> bool:
    words = run.words
    if len(words) == 1:
        return len(words[0]) > 1 and _NO_NAME_GOES_ON.match(right) is None
    return (
        len(words) <= _LONGEST
        and max(map(len, words)) > 1
        and ORGANISATIONS.isdisjoint([word.lower() for word in words[1:]])
        and _NO_NAME_GOES_ON.match(right) is None
    )


def _is_a_place(run: Run, right: str) -> bool:
    first, following = run.words[0].lower(), _NEXT_WORD.match(right)
    goes_on = following is not None and following[1].lower() in ORGANISATIONS
    return goes_on or first in ORGANISATIONS or (len(run.words) > 1 and first in _OF_PLACES)


def _by_form(run: Run, right: str, names: Names) -> str | None:
    """Know a name by its words: listed ones, an initial in the middle, how family names end."""
    first, *others = run.words
    if not others:
        return _by_one_word(first, right, names)
    last = others[-1]
    plain = [word for word in run.words if word.lower() not in AMBIGUOUS]
    middle = any(len(word) == 1 for word in others[:-1]) and len(first) > 1 and len(last) > 1
    if len(last) == 1 and first in names.family and first in plain:
        # `Marlow T.`
        return "initial"
    of_a_family = last in names.family or _ends_like_a_name(last)
    if middle or ((len(first) == 1 or "." in first) and of_a_family):
        # Whoever has an initial in the middle is a person: `Xxxx X. Xxxx`.
        return "initial"
    listed = (
        (first in names.given and (last in names.family or first in plain))
        or not names.given.isdisjoint(plain)
        or (names.know(first) and names.know(last) and last in plain and (first in plain or len(others) > 1))
        or (first in names.family and last in names.family and last in plain)
    )
    if listed:
        return "full_name"
    return "family_ending" if last in plain and _ends_like_a_name(last) else None


def _by_one_word(word: str, right: str, names: Names) -> str | None:
    if word in names.given and word.lower() not in AMBIGUOUS and not _MARKED.match(right):
        return "given_name"
    return (
        "family_ending" if _ends_like_a_name(word) and not _COMMON_ENDINGS.search(word[-_ENDING:]) else None
    )


def _name_pairs(runs: list[Run], told: list[str | None], text: str, names: Names) -> None:
    """Know `Marlow and Finch`: two family names that are joined; of ordinary words one does not make them."""
    for at in range(len(runs) - 1):
        one, other = runs[at], runs[at + 1]
        if text[one.end : other.start] != " and " or len(one.words) + len(other.words) > _TWO:
            continue
        lows = {one.words[0].lower(), other.words[0].lower()}
        listed = [word for word in (*one.words, *other.words) if word in names.family]
        plain = [word for word in listed if word.lower() not in AMBIGUOUS]
        if plain and not lows & ORGANISATIONS:
            told[at] = told[at] or "pair"
            told[at + 1] = told[at + 1] or "pair"


def _family_first(runs: list[Run], told: list[str | None], text: str, names: Names) -> Iterator[Found]:
    """Join `Marlow, Anna`, which forms and lists tell in this order."""
    for at in range(len(runs) - 1):
        one, other = runs[at], runs[at + 1]
        if not (told[at] or told[at + 1]) or text[one.end : other.start] != ", " or len(one.words) > 1:
            continue
        family, given = one.words[0], other.words[0]
        if given in names.given and _is_a_familys(family, told[at], names):
            yield Found(one.start, other.end, Kind.PERSON, "family_first")


def _is_a_familys(name: str, rule: str | None, names: Names) -> bool:
    return rule == "introduced" or (name in names.family and name not in names.given)


def _told_again(runs: list[Run], told: list[str | None], known: set[str], text: str) -> Iterator[Found]:
    """Find names again where they stand alone, and those that are listed beside one."""
    for at, (run, rule) in enumerate(zip(runs, told, strict=True)):
        if rule:
            continue
        if not known.isdisjoint(run.words) and not any(word.lower() in ORGANISATIONS for word in run.words):
            yield Found(run.start, run.end, Kind.PERSON, "told_again")
            continue
        for other in (at - 1, at + 1):
            if 0 <= other < len(runs) and told[other] in _BESIDE:
                first, second = sorted((run, runs[other]))
                between = text[first.end : second.start]
                if between in (", ", " and ", " & ", ", and ", " und ", " et ", " y ", " or ") and _may_join(
                    run
                ):
                    told[at] = "told_again"
                    yield Found(run.start, run.end, Kind.PERSON, "beside_a_name")
                    break


# Whatever word it is: what ends the sentence after `her name is` is a name.
_NAMED_LAST = Linear(
    r"(?i:\b(?:first|last|maiden|middle|full|family|my|her|his) name (?:is|was)) (\p{Lu}\p{L}+)(?:[.!?]|\s*$)"
)


def _may_join(run: Run) -> bool:
    return len(run.words) <= _TWO and not run.words[0].isupper() and run.words[0].lower() not in _OF_PLACES


_BESIDE = frozenset({"given_name", "full_name", "initial", "title", "told_again", "pair"})
_ASKING = Linear(
    r"name|Name|NAME|older:|ient:|icant:|ustomer:|enger:|uest:|enant:|called|heiße|llamo|appelle|nombre",
    never_capture=True,
)
_SAID_SMALL = Linear(
    r"(?i)\b(?:my name is|my name's|name:|i am called|ich heiße|me llamo|je m'appelle|mi nombre es|mein "
    r"name ist) "
    r"([a-z\x{df}-\x{17e}]{2,20}(?:[ -][a-z\x{df}-\x{17e}]{2,20}){0,2})"
)


_LABELLED_SMALL = Linear(
    r"(?i:\b(?:applicant|card ?holder|holder|patient|passenger|customer|tenant|guest|client|name): ?)"
    # Letters of Latin; all small ones of Unicode are long to compile.
    r"([a-z\x{df}-\x{17e}]{2,20}(?: [a-z\x{df}-\x{17e}]{2,20}){1,2})(?:[,.;]|\s*$|\n)"
)


def _in_lower_case(text: str, names: Names) -> Iterator[Found]:
    """Find a name that its owner wrote without capitals: `my name is jane doe`."""
    for match in _SAID_SMALL.finditer(text):
        words = match.group(1).split(" ")
        taken = 0
        for word in words:
            if word in STARTERS or (taken and word in _LINKS):
                break
            taken += 1
        first = words[0].capitalize()
        if taken and (first in names.given or first in names.family or taken == len(words)):
            end = match.start(1) + len(" ".join(words[:taken]))
            yield Found(match.start(1), end, Kind.PERSON, "introduced")
    for match in _LABELLED_SMALL.finditer(text):
        first, *_, last = match.group(1).split(" ")
        if first.capitalize() in names.given and last.capitalize() in names.family:
            yield Found(match.start(1), match.end(1), Kind.PERSON, "introduced")


_LINKS = frozenset({"and", "und", "et", "y", "from", "but", "i", "my"})
