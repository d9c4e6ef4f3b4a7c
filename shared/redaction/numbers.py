"""Finds numbers that name a person or an account: cards, IBANs, national ids, papers, dates of birth."""

import importlib
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from shared.redaction.cards import find_cards
from shared.redaction.kinds import Found, Kind
from shared.redaction.linear import Linear, any_pattern

# Dense stretches of digits; Python's engine enters and leaves matches far faster than RE2, and
# digits and marks between them cannot stand for each other, so that it needs no way back.
_RUN = re.compile(r"[0-9](?:[ \t\n\u00a0\u2010-\u2015./+-]{0,2}[0-9]){8,}")
_FRACTION = re.compile(r"\d{1,8}\.\d+")

# ---- IBAN: the length that each country gave it (ISO 13616)
_COUNTRIES_BY_LENGTH = {
    15: "NO",
    16: "BE",
    18: "DK FI FO GL NL SD FK",
    19: "MK SI",
    20: "AT BA EE KZ LT LU XK MN",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
_IBAN_LENGTHS = {
    country: length for length, countries in _COUNTRIES_BY_LENGTH.items() for country in countries.split()
}
_IBAN_FORM = r"[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}"
_IBAN_WORD = re.compile(r"(?i)\biban\b")
_IBAN_START = re.compile(r"(?i)[A-Z]{2}[0-9]{2}(?![0-9]{0,2}$)")

# ---- national ids and tax numbers that tell themselves: by letters or by their own marks, and a check


class _Scheme(NamedTuple):
    module: str
    form: str


_LETTERED = (
    _Scheme("es.dni", r"[0-9]{8}[ -]?[A-Z]"),
    _Scheme("es.nie", r"[XYZ][ -]?[0-9]{7}[ -]?[A-Z]"),
    _Scheme("it.codicefiscale", r"[A-Z]{6}[0-9]{2}[A-Z][0-9]{2}[A-Z][0-9]{3}[A-Z]"),
    _Scheme("mx.curp", r"[A-Z]{4}[0-9]{6}[A-Z]{6}[A-Z0-9][0-9]"),
    _Scheme("in_.pan", r"[A-Z]{3}P[A-Z][0-9]{4}[A-Z]"),
    _Scheme("fi.hetu", r"[0-9]{6}[-+A][0-9]{3}[0-9A-Y]"),
    _Scheme("cn.ric", r"[1-9][0-9]{16}[0-9X]"),
    _Scheme("fr.nir", r"[12][0-9]{4}2[AB][0-9]{8}"),
)
_CHINESE_LENGTH = 18
_NINO = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] \d\d \d\d \d\d [A-D]")
_PUNCTUATED = (
    _Scheme("be.nn", r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}"),
    _Scheme("br.cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}"),
    _Scheme("ch.ssn", r"756\.\d{4}\.\d{4}\.\d{2}"),
    _Scheme("kr.rrn", r"\d{6}-\d{7}"),
    _Scheme("se.personnummer", r"\d{6}[-+]\d{4}"),
    _Scheme("cz.rc", r"\d{6}/\d{4}"),
    _Scheme("fr.nir", r"[12] \d{2} \d{2} \d{2} \d{3} \d{3} \d{2}"),
    _Scheme("ar.cuit", r"2[0347]-\d{8}-\d"),
)
_LETTERED_FORMS = tuple((scheme.module, re.compile(scheme.form)) for scheme in _LETTERED)
_PUNCTUATED_FORMS = tuple((scheme.module, re.compile(scheme.form)) for scheme in _PUNCTUATED)
_SSN = re.compile(r"\d{3}(?:[-\u2010-\u2015]\d{2}[-\u2010-\u2015]|( )\d{2} |\.\d{2}\.)\d{4}")
_BARE_SSN = re.compile(r"(?!000|666|9)\d{3}.(?!00)\d{2}.(?!0000)\d{4}")
_MARKED = re.compile(
    r"(?<![\w.-])(?:"
    + "|".join([_SSN.pattern.replace("( )", " "), *(s.form for s in _PUNCTUATED)])
    + r")(?![\w-])"
)
_TOLD_BY_FORM = Linear(
    rf"\b(?:(?i:{_IBAN_FORM})|[A-Z]{{2}} [0-9]{{2}} [0-9]{{2}} [0-9]{{2}} [A-D]|"
    + "|".join(scheme.form for scheme in _LETTERED)
    + r")\b"
)

# ---- what only the words in front of it tell
_CUE = Linear(
    r"(?i)(?P<passport>passport|reisepass|personalausweis|passeport|pasaporte|passaporto|paspoort)"
    r"|(?P<licence>driv(?:er(?:'|’)?s?(?:'|’)?|ing)[ _-]?licen[cs]e|driverslicen[cs]e|f(?:ü|ue)hrerschein"
    r"|permis de conduire|(?:carnet|permiso|licencia) de conducir|rijbewijs|patente di guida"
    r"|(?-i:\bDLN?\b)(?: ?(?:#|:|(?-i:no\b|number)| is\b)))"
    r"|(?P<birth>\bborn\b|date[ _]of[ _]birth|birth[ _]?da(?:te|y)|\bdob\b|\bd\.o\.b\b|\bgeboren\b"
    r"|geburts(?:datum|tag)|date de naissance|\bn(?:é|ée|é\(e\)|ee?) le\b|\bnacid[oa] el\b|\bnac[ií] el\b"
    r"|fecha de nacimiento|data di nascita|\bnat[oa] il\b|geboortedatum)"
    r"|(?P<ssn>\bssn\b|_ssn\b|social[ _-]?security)"
    r"|(?P<national>steuer-?(?:id|identifikationsnummer|nummer|nr)|sozialversicherungsnummer"
    r"|num[ée]ro fiscal|num[ée]ro de s[ée]curit[ée] sociale|s[ée]curit[ée] sociale|codice fiscale"
    r"|national[ _-]?(?:id|insurance|identity)|identity (?:card|number)|id[ _-]card|tax(?:payer)?[ _-]id"
    r"|\bnhs\b|\baadhaar\b|\bpesel\b|\bpersonnummer\b|f[øo]dselsnummer|\bcpr-?(?:nummer|number|nr)\b"
    r"|burgerservicenummer|social insurance (?:no|number)|tax file n(?:o|umber)|n[úu]mero de identidad"
    r"|documento nacional|(?-i:\b(?:DNI|NIE|NIF|NIR|INSEE|CURP|CPF|BSN|TFN|NINO|NRIC|ITIN|TIN|PPSN|IdNr"
    r"|RFC|SIN)\b))"
)
# Words that mean much else: only what stands right behind them is meant.
_WEAK_CUE = Linear(
    r"(?i)\b(?:(?P<bare_licence>licen[cs]e(?: (?:no|number)\b)?)"
    r"|(?P<social>social(?: (?:no|number|is)\b)?))\b"
)
_NUMBER_TOLD = Linear(
    r"(?i)\b(?:my|his|her|their|your) licen[cs]e\b([^.!?\n]{0,40}\bnumber(?: is|:) )"
    r"([a-z]{0,2}[- ]?[0-9]{2}[0-9-]{3,16}[0-9])\b"
)
_OF_A_PROGRAM = re.compile(r"(?i)\b(?:key|plate|request|port|line|error|build|serial|seats?)\b")
_YEARS = re.compile(r"(?:19|20)\d\d-(?:19|20)?\d\d")
_IDENTIFIER = re.compile(
    r"(?<![\w$€£.#-])#?((?:[A-Z]{1,5}[ -])?[A-Za-z0-9]{0,20}[0-9][A-Za-z0-9]{0,20}"
    r"(?:[ ./-][A-Za-z0-9]{0,20}[0-9][A-Za-z0-9]{0,20}){0,8})(?![\w@%])"
)
_SENTENCE_END = re.compile(r"[!?;{}]|[.,] +[A-Z]|\.\s*$|\n\n|<[A-Z]")
_OTHER_THING = re.compile(
    r"(?i)flight|reserv|order|booking|\$|€|£|price|cost|fee|expir|valid|ticket|gültig|expire|track|issue"
    r"|version"
)
# Between the cue and its value: what says nothing else.
_FILLER = re.compile(
    r"(?i)(?:[\s\"'\\:=#°º*()_.-]|is|was|number|num|no|nr|nummer|numéro|número|n|ist|lautet|est|es|id|my"
    r"|meine"
    r"|the|ssn|value|card|mi|mon|le|of)*"
)
_MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|jän|mär|mai|okt|dez|janv|févr|fevr|avr|juin|juil"
    r"|août"
    r"|aout|déc|ene|abr|ago|dic)[a-zéûäô]{0,8}\.?"
)
_YEAR = r"(?:[12]\d{3}|\d{2})"
_DATE = re.compile(
    rf"(?i)(?<![\w.])(?:[12]\d{{3}}[-/. ]\d{{1,2}}[-/. ]\d{{1,2}}|\d{{1,2}}([-/.]|[ ])\d{{1,2}}\1{_YEAR}"
    rf"|(?:19|20)\d{{6}}"
    rf"|\d{{1,2}}(?:st|nd|rd|th|er|º|\.)?[ -]?(?:(?:of|de) )?{_MONTH}(?:,?[ -](?:del? )?{_YEAR})?"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? [12]\d{{3}})?)(?![\w%])"
)
_REACH = 40
_LONGEST_VALUE = 32
_ROOM = {
    "passport": range(5, 21),
    "licence": range(5, 21),
    # Licences of programs have numbers too, short ones.
    "bare_licence": range(7, 21),
    "ssn": range(9, 10),
    "social": range(9, 10),
    "national": range(7, 21),
}
_KINDS = {
    "passport": Kind.PASSPORT,
    "licence": Kind.LICENCE,
    "bare_licence": Kind.LICENCE,
    "birth": Kind.BIRTH,
    "ssn": Kind.SSN,
    "social": Kind.SSN,
    "national": Kind.NATIONALID,
}
_FEWEST_DIGITS = {"passport": 2, "licence": 2, "bare_licence": 5, "ssn": 9, "social": 9, "national": 5}
# A value that stands apart from its cue must look more like one.
_SHORTEST_APART, _FEWEST_DIGITS_APART = 7, 4


# Four digits tell of a card where the words around them say so.
_LAST_FOUR = Linear(
    r"(?i)\b(?:cards?|visa|master ?card|amex|american express|discover|maestro|debit|credit"
    r"|account)\b[^.\n]{0,24}?"
    r"(?:end(?:s|ed|ing)?(?: (?:in|with|on))?|last (?:four|4)(?: digits)?(?: are| is| of)?"
    r"|[*x\x{2022}]{2,}[ -]?)[ :*\"']*(\d{4})\b"
    r"|(?i)\b(?:my|your|the|his|her|their) (\d{4}) (?:credit |debit )?(?:card|visa|mastercard|amex)\b"
)

# One scan clears most texts.
_HINT = any_pattern(*(one.pattern for one in (_TOLD_BY_FORM, _LAST_FOUR, _CUE, _WEAK_CUE, _NUMBER_TOLD)))


def find_numbers(text: str) -> Iterator[Found]:
    """Find payment cards, IBANs, national ids, passports, driving licences and dates of birth."""
    for run in _RUN.finditer(text):
        yield from _in_digits(text, *run.span())
    if not _HINT.is_in(text):
        return
    for match in _TOLD_BY_FORM.finditer(text):
        yield from _by_form(text, match.start(), match.group())
    yield from _told_in_words(text)
    cues = list(_CUE.finditer(text))
    for at, cue in enumerate(cues):
        # What stands behind the next cue is that one's: so no character is looked at twice.
        limit = cues[at + 1].start() if at + 1 < len(cues) else len(text)
        # The name of a placeholder is no cue.
        if not text.startswith("<", max(0, cue.start() - 1)):
            yield from _behind_cue(text, cue.end(), limit, cue.lastgroup or "")
    for cue in _WEAK_CUE.finditer(text):
        for found in _behind_cue(text, cue.end(), len(text), cue.lastgroup or ""):
            between, value = text[cue.end() : found.start], text[found.start : found.end]
            if _FILLER.fullmatch(between) and not _YEARS.fullmatch(value):
                yield found


def _told_in_words(text: str) -> Iterator[Found]:
    for match in _LAST_FOUR.finditer(text):
        group = 1 if match.group(1) else 2
        yield Found(match.start(group), match.end(group), Kind.CARD, "last_four")
    for match in _NUMBER_TOLD.finditer(text):
        gap, number = match.groups()
        if not (_OTHER_THING.search(gap) or _OF_A_PROGRAM.search(gap) or _DATE.match(number)):
            yield Found(*match.span(2), Kind.LICENCE, "told_number")


def find_bare_numbers(digits: str) -> Iterator[Found]:
    """Find what digits are that nothing stands beside: a card, or a Chinese identity number."""
    yield from find_cards(digits, 0, len(digits))
    if len(digits) == _CHINESE_LENGTH and digits[0] != "0" and _is_valid("cn.ric")(digits):
        yield Found(0, len(digits), Kind.NATIONALID, "cn.ric")


def _in_digits(text: str, start: int, end: int) -> Iterator[Found]:
    if _FRACTION.fullmatch(text, start, end):
        return
    yield from find_cards(text, start, end)
    if text[start:end].isdigit():
        return
    # The character that follows decides, so the search looks one beyond the run.
    for match in _MARKED.finditer(text, start, min(end + 1, len(text))):
        yield from _marked(match.group(), match.start(), text)


def _marked(value: str, start: int, text: str) -> Iterator[Found]:
    end = start + len(value)
    if _SSN.fullmatch(value):
        dashed = value[3] not in " ."
        told = dashed or _BARE_SSN.fullmatch(value) is not None
        if told and not text[max(0, start - 2) : start].strip(" -.\t").isdigit():
            yield Found(start, end, Kind.SSN, "us_ssn")
        return
    for module, form in _PUNCTUATED_FORMS:
        if form.fullmatch(value) and _is_valid(module)(value):
            yield Found(start, end, Kind.NATIONALID, module)


def _by_form(text: str, start: int, value: str) -> Iterator[Found]:
    if _IBAN_START.match(value):
        yield from _ibans(text, start, value)
    if _NINO.fullmatch(value):
        yield Found(start, start + len(value), Kind.NATIONALID, "gb.nino")
    for module, form in _LETTERED_FORMS:
        if form.fullmatch(value) and _is_valid(module)(value):
            yield Found(start, start + len(value), Kind.NATIONALID, module)


def _ibans(text: str, start: int, value: str) -> Iterator[Found]:
    """Find an IBAN at the beginning of a run of letters and digits that may go on with other words."""
    length = _IBAN_LENGTHS.get(value[:2].upper())
    places = [at for at, character in enumerate(value) if character.isalnum()]
    if length is None or len(places) < length:
        return
    end = places[length - 1] + 1
    spelled = "".join(value[at] for at in places[:length]).upper()
    if start + end < len(text) and text[start + end].isalnum():
        return
    said = _IBAN_WORD.search(text, max(0, start - _REACH), start) is not None
    if said or int("".join(str(int(c, 36)) for c in spelled[4:] + spelled[:4])) % 97 == 1:
        yield Found(start, start + end, Kind.IBAN, "iban")


@cache
def _is_valid(module: str) -> Callable[[str], bool]:
    # Loaded when the first value of its form turns up: all of them together take long to import.
    check: Callable[[str], bool] = importlib.import_module(f"stdnum.{module}").is_valid

    def is_valid(value: str) -> bool:
        try:
            return check(value)
        except (KeyError, ValueError, IndexError):
            # Some checks look a place up that their table does not hold.
            return False

    return is_valid


def _behind_cue(text: str, cue_end: int, limit: int, group: str) -> Iterator[Found]:
    limit = min(limit, cue_end + _REACH + _LONGEST_VALUE)
    form = _DATE if group == "birth" else _IDENTIFIER
    for match in form.finditer(text, cue_end, limit):
        start, end = match.span() if group == "birth" else match.span(1)
        gap = text[cue_end:start]
        if len(gap) > _REACH or (_SENTENCE_END.search(gap) and not _FILLER.fullmatch(gap)):
            return
        if group == "birth" or _is_identifier(match[1], gap, group):
            yield Found(start, end, _KINDS[group], group)
            return


def _is_identifier(value: str, gap: str, group: str) -> bool:
    characters = sum(map(str.isalnum, value))
    digits = sum(map(str.isdigit, value))
    if characters not in _ROOM[group] or digits < _FEWEST_DIGITS[group] or _DATE.fullmatch(value):
        return False
    if _FILLER.fullmatch(gap):
        return True
    apart = characters >= _SHORTEST_APART and digits >= _FEWEST_DIGITS_APART
    return apart and _OTHER_THING.search(gap) is None
