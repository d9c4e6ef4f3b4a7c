"""What stands around a name and says that it is one."""

import re
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from shared.redaction.linear import Linear
from shared.redaction.name_runs import Run
from shared.redaction.names import Names
from shared.redaction.words import AMBIGUOUS, words

# What stands before a name, up to its first letter.
_BEFORE = {
    "introduced": Linear(
        r"(?i)\b(?:(?:surname|(?:last|first|full|given|family|customer)[ _]?name)\s?[:=]\s?[\"'“]"
        r"|(?:name|names|surname|nickname|nombre|apellido|nom|prénom|vorname|nachname)"
        r"\s{0,2}(?:is|was|are|to|es|est|ist|as|should be|must be|:|=|-)\s{0,6}(?:to\s)?"
        r"|(?:first|last|full|maiden|middle|legal|my|his|her|their|the) name\b[^.?!\n]{0,20}?\b(?:is|was"
        r"|to)\s"
        r"|(?:called|named|known as|nicknamed|call me)\s(?:him\s|her\s|them\s|it\s)?"
        r"|(?:my|his|her|their) (?:last|first|maiden|middle) name (?:of )?"
        r"|(?:ich heiße|ich bin|je m['’]appelle|je suis|me llamo|soy|hier ist|hier spricht)\s"
        r"|name\b[^.?!\n]{0,30}\?\s{1,3}(?:[\pL ]{1,12}:\s{0,2})?[\"'“]?"
        r"|(?:full|first|last|middle|maiden|customer|client|patient|passenger|guest|contact|account"
        r"|billing|shipping"
        r"|card ?holder|recipient|sender|employee|manager|author)[ "
        r"_-]?name[*]{0,2}\s?[:=]\s{0,6}[*]{0,2}"
        r"|(?:name|surname|cardholder|holder|recipient|sender|patients?|passengers?|attendees?|attn|attention"
        r"|applicant|insured|claimant|witness|landlord"
        r"|contact person"
        r"|beneficiary|owner|from|to|cc|bcc|by|author|assignee|reporter"
        r"|signature)[*]{0,2}\s?[:=][*]{0,2}\s{0,6}"
        r"[*]{0,2})"
    ),
    "salutation": Linear(
        r"(?i)\b(?:dear|hi|hello|hey|hiya|good (?:morning|afternoon|evening|day)|welcome|thanks|thank you"
        r"|lieber?"
        r"|hallo|guten (?:tag|morgen|abend)|sehr geehrter?|cher|chère|bonjour|bonsoir|estimad[oa]"
        r"|querid[oa]|hola"
        r"|buenos días|buenas tardes|sorry|okay|ok|bye|goodbye|congratulations),? "
    ),
    "signature": Linear(
        r"(?i)\b(?:regards|sincerely|cheers|best wishes|best|yours truly|yours faithfully|thanks|thank you"
        r"|many thanks"
        r"|respectfully|love|mit freundlichen grüßen|viele grüße|liebe grüße|cordialement|bien à vous|saludos"
        r"|atentamente|un saludo|gracias|merci|danke|signed|sent by|written by)[ \t]{0,2}[,.!:]?[ "
        r"\t]{0,3}\n{0,2}"
        r"[ \t]{0,6}(?:[-–—]\s?)?"
    ),
    "self": Linear(r"(?i)\b(?:i ?am|i['’]m|this is|it['’]s|here is|here['’]s|speaking with|yours,?)\s"),
    "author": Linear(r"\bby\s"),
    "spoken_of": Linear(
        r"(?i)\b(?:friend|brother|sister|uncle|aunt|cousin|boss|colleague|manager|husband|wife|son"
        r"|daughter|mother"
        r"|father|mom|dad|doctor|between (?:him|her|them) and|(?:speak|talk|chat|meet)(?:s|ing|ed)? (?:to"
        r"|with)"
        r"|assistant to|(?:son|daughter|wife|husband|mother|father|behalf) of|grandmother|grandfather|user"
        r"|customer"
        r"|passenger),?\s"
    ),
    "quoted": Linear(r"[\"”!?,] ?(?:said|says|asked|replied|wrote|explained|answered) "),
    "spoken_to": Linear(
        r"(?i)\b(?:met|ask|asked|told|tell|married|marry|contact|emailed|called|phoned|texted|visited"
        r"|visit|thank|add"
        r"|remove|see|seen|saw|know|knew|knows|love|loves|hate|remember|invite|invited|congratulate|pay"
        r"|paid|interviewed|beat|beats|defeated|lost to|against|according to"
        r"|(?:ask|asks|asked|asking|look|looks|looked|looking|ring|rang|search|searching|wait|waiting|page|call"
        r"|message|letter|parcel|package|table|room) for"
        r"|(?:tenant|caller|buyer|seller|driver|speaker|student|teacher|resident|renter|employee"
        r"|guests?(?: list)?):"
        r"|(?:holder|tenant|renter|beneficiary|applicant) (?:is|was)|renter"
        r"|starring|featuring|and|with|or)\s"
    ),
}
_DOES = re.compile(
    r"(?ix)^(?:['’]s)?\s?,?\s(?:said|says|saying|told|tells|asked|asks|wrote|writes|explained|explains"
    r"|replied|answered|added|began|born|married|lives|lived|works|worked"
    r" |thinks|thought|wants|wanted|likes|loves|loved|hates|met|went|flew|came|called|emailed|sings|sang"
    r"|plays|played|points\ out|pointed\ out|recorded|spent|grew|studied|died"
    r" |has\ (?:been|never|always)|had\ (?:been|never)|is\ (?:a|an|very|the|my|from|his|her|our|not|so"
    r"|really)|was\ (?:a|an|born|very|the|my|from)|will\ be|listed|joined|moved|left)\b"
)
# What a firm has not.
_OWNS_AS_A_PERSON = re.compile(
    r"(?i)^['’]s (?:daughter|son|wife|husband|mother|father|mom|dad|brother|sister|birthday|funeral"
    r"|girlfriend|boyfriend)\b"
)
_PLAYS = re.compile(
    r"(?i)^,? \((?:(?:born|b\.) (?:\w{1,9} ){0,2}\d"
    r"|(?:drums|bass|vocals|guitars?|keyboards?|piano|violin|cello|trumpet|saxophone)[),])"
)
_OWNS = re.compile(
    r"(?i)^['’]s? (?:daughter|son|wife|husband|mother|father|mom|dad|brother|sister|kid|kids|child"
    r"|children|birthday|address|account|card|phone|email|name|passport|house|friend"
    r"|boss|office|family|doctor|lawyer|assistant|killers?|death|life|car|order|booking|reservation"
    r"|concert|album)\b"
)
_VOCATIVE = re.compile(
    r"(?i)^[,!] (?:can|could|please|would|will|do|i|you|we|thank|thanks|what|how|why|when|where|is|are|let"
    r"|just|don['’]t|sorry|my|the)\b"
)
_REQUEST = re.compile(r", (?:can|could|please|would you|will you)\b")
_SPEAKS = re.compile(r"^:\s?[\"“]")
_CARD = re.compile(
    r"^[ \t,]{0,4}\n{1,2}(?:[>?|*# \t]{0,8}[^\n]{1,60}\n){0,4}?[>?|*# \t]{0,8}"
    r"(?:[^\n]{0,30}\d[^\n]{0,40}|(?i:phone|tel|mobile|e-?mail|address|website|personal)[^\n]{0,40})(?:\n|$)"
)
_MARKS = words("user bot agent assistant system human customer note answer question q ai")


_OPENING = frozenset('.!?:"“”(>*')
_ADDRESSED = re.compile(r"\s?(?:[,!.:;]|\n|$|[-–—])")
_SIGNS_OFF = re.compile(r"\s{0,3}(?:$|\n|,|\.)")
_QUOTE_MARK = re.compile(r"[>?*|#]\s$")
_SAYS_WHO = re.compile(r"\s?(?:[,.!]|and\b|from\b|\n|$)")
_ADVERB = re.compile(r"(?:ly|wise|ward|ed|ing)$")
_TWO = 2
_LONGEST = 5


# What has a name and is no person.
_THING = re.compile(
    r"(?i)\b(?:product|item|file|tool|function|app|application|brand|model|city|street|company|host|domain|event|plan"
    r"|project|service|table|column|field|variable|hotel|airline|airport|course|song|album|book|movie|game|dish"
    r"|category|store|restaurant|team|device|package|branch|server|cluster)(?:'s|s)?\b"
)
_THING_BEFORE = 16


class Cues:
    """Where in a text something ends that stands before a name; looked for when it is first asked."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._ends: dict[str, frozenset[int]] = {}

    def before(self, run: Run, rule: str) -> bool:
        """Say whether what this rule looks for ends where the run begins."""
        if (ends := self._ends.get(rule)) is None:
            spans = _BEFORE[rule].spans(self._text)
            ends = frozenset(end for start, end in spans if not self._names_a_thing(start, end))
            self._ends[rule] = ends
        return run.start in ends

    def _names_a_thing(self, start: int, end: int) -> bool:
        return _THING.search(self._text, max(0, start - _THING_BEFORE), end) is not None


class Seen(NamedTuple):
    """What a run is judged by."""

    text: str
    names: Names
    cues: Cues


def rule_by_context(run: Run, right: str, seen: Seen) -> str | None:
    """Know a name by what is said of it: who speaks, is spoken to, signs, or owns something."""
    return next(_rules_by_context(run, right, seen), None)


def _rules_by_context(run: Run, right: str, seen: Seen) -> Iterator[str]:  # noqa: C901, PLR0912 - a list of rules
    """Yield the rules that hold, in order: no rule is looked at behind one that does."""
    words, text, before = run.words, seen.text, seen.text[max(0, run.start - 3) : run.start]
    low, several, at = words[0].lower(), len(words) > 1, partial(seen.cues.before, run)
    listed = not (seen.names.given.isdisjoint(words) and seen.names.family.isdisjoint(words)) or (
        several and all(map(seen.names.know, words))
    )
    opens = not before.strip() or before.rstrip(" ")[-1:] in _OPENING or before.endswith("\n")
    if _ADDRESSED.match(right) and at("salutation"):
        yield "salutation"
    if len(words) < _LONGEST and _SIGNS_OFF.match(right) and at("signature"):
        yield "signature"
    if 1 < len(words) < _LONGEST and _stands_on_a_card(run, before, text):
        yield "contact_card"
    if _SPEAKS.match(right) and low not in _MARKS and (listed or not several):
        yield "speaker"
    if _OWNS.match(right) and (listed or several or any(map(at, _BEFORE))):
        yield "owner"
    if (listed or several) and at("spoken_of"):
        yield "spoken_of"
    if _OWNS_AS_A_PERSON.match(right) and low not in AMBIGUOUS:
        yield "owner"
    if several and _PLAYS.match(right):
        yield "subject"
    if at("quoted"):
        yield "quoted"
    if (listed or _SAYS_WHO.match(right)) and at("self"):
        yield "self"
    if opens and _VOCATIVE.match(right) and (listed or _REQUEST.match(right)):
        yield "subject"
    if (listed or len(words) == _TWO or (opens and not _ADVERB.search(low))) and _DOES.match(right):
        yield "subject"
    if several and at("author"):
        yield "author"
    if listed and (several or low not in AMBIGUOUS) and at("spoken_to"):
        yield "spoken_to"


def _stands_on_a_card(run: Run, before: str, text: str) -> bool:
    own_line = not before or before.endswith("\n") or _QUOTE_MARK.search(before) is not None
    return own_line and _CARD.match(text[run.end : run.end + 240]) is not None
