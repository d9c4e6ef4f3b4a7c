"""Finds how a person can be reached: e-mail addresses, phone numbers, user names and handles."""

import re
from collections.abc import Iterator

from shared.redaction.kinds import Found, Kind
from shared.redaction.linear import Linear
from shared.redaction.phone_plans import is_international, is_national, is_valid
from shared.redaction.places import SCHEMA_TYPES
from shared.redaction.pseudonyms import ANY_PSEUDONYM

# ---- e-mail: read outwards from the sign, so that no text before it is searched in vain
_LONGEST_LOCAL = 64
_LOCAL_BACKWARDS = re.compile(r"[\w.%+'-]{1,64}")
_LOCAL_START = re.compile(r"['.-]*")
_QUOTED_LOCAL = re.compile(r"(?:^|[\s<(:,;])(\\?\"\w(?:[\w.!+ @-]{0,60}\w)?\\?\"?)$")
_DOMAIN = re.compile(r"(?:[\w-]{1,63}\.){1,8}[^\W\d_][\w-]{0,62}[^\W_]")
_SPELLED_EMAIL = Linear(
    r"(?i)[a-z0-9_.+-]+(?: dot [a-z0-9_.+-]+)?(?P<at> at | ?[\[({<] ?(?:at|@) ?[\])}>] ?)"
    r"[a-z0-9-]+(?:(?: dot | ?[\[({<] ?(?:dot|\.) ?[\])}>] ?|\.)[a-z0-9-]{2,63}){1,4}"
)
_ENDS_IN_COMMON_DOMAIN = re.compile(
    r"(?i) dot (?:com|org|net|edu|gov|io|co|info|biz|dev|uk|de|fr|es|it|nl|eu|us)$"
)
_EMAIL_WORD = re.compile(
    r"(?i)e-?mail|correo|courriel|adresse|(?<!<)address|contact|write|reach|send|\bme\b|schreib"
)

# ---- phone
# What was always a phone number by its looks: the American groups, and a plus with groups behind it.
_BY_LOOKS = re.compile(
    r"(?<![\w.+-])(?:(?:\+?\d{1,3}[ .-]?)?(?:\(\d{3}\) ?\d{3}[ .-]?\d{4}|\d{3}([ .-])\d{3}\1\d{4})"
    r"(?![\w-])"
    # An extension may follow at once, `x77`, as a height may follow a width.
    # Hardly anything is one: what must follow is asked first.
    r"|(?=[\d+(). -]{12,19}x\d)"
    r"(?:\+?\d{1,3}[.-]?)?(?:\([2-9]\d{2}\) ?\d{3}[.-]?\d{4}|[2-9]\d{2}([.-])\d{3}\2\d{4})"
    r"(?=x\d))"
    # The engine is quick to leave an alternative that begins with a character.
    r"|\+(?<![\w.].)\d{1,3}[ .-]?(?:\(0\) ?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}(?![\w-])"
    r"|\+(?<=\w.)\d{11}(?![\w-])"
    r"|\(\d{3}\) ?\d{3}[ .-]?\d{4}(?!\w)"
)
_MARK = r"[ .()/\u00a0\u2010-\u2015-]"
_DENSE = re.compile(rf"[0-9](?:{_MARK}{{0,3}}[0-9]){{6,}}")
_INTERNATIONAL = re.compile(rf"(?:\+|0(?<![\w.].)0) ?\(?[1-9](?:{_MARK}{{0,3}}[0-9]){{6,14}}(?![0-9])")
_GROUPED = re.compile(
    r"(?<![\w.,:+$€£#-])(?<![$€£] )\(?\d{1,6}\)?(?:(?:[ ./\u00a0\u2010-\u2015-]{1,2}|(?<=\)))\(?\d{2,9}\)?)"
    r"{1,6}"
    r"(?![\w%-]|[.,:/]\d| ?[$€£%])"
)
_DATE_LIKE = re.compile(
    r"(?:19|20)\d\d[-/. ]\d{1,2}[-/. ]\d{1,2}\b|\d{1,2}[-/. ]\d{1,2}[-/. ](?:19|20)\d\d\b"
    r"|(?:19|20)\d\d ?[-/\u2010-\u2015 ] ?(?:19|20)\d\d$"
)
# Counts, fractions and days fill the results of tools: what is one needs no closer look.
_NO_PHONE = re.compile(r"\d+(?:\.\d+)?|(?:19|20)\d\d-\d\d-\d\d")
_PHONE_DIGITS = range(7, 16)
_REACH, _SUBJECT_REACH = 45, 24
_STRONG_WORDS = (
    r"(?:tele)?phone|\btel\b|\bmobile\b|\bcell(?:ular|phone)?\b|\bfax\b|whats ?app|\bsms\b|telefon"
    r"|\bhandy|rufnummer"
    r"|mobil(?:nummer|funk)|t[ée]l[ée]phone|\bportable\b|appelez|appelle|joindre|tel[ée]fono|\bm[óo]vil\b"
    r"|\bcelular\b"
    r"|ll[áa]ma(?:me|nos|r)\b|(?:call|reach|text|ring) (?:me|us|him|her|back)|call ?back|contact number"
    r"|emergency contact|contact no[.:]|\bland ?line\b|\bswitchboard\b"
    r"|\b(?:call|text|ring)(?:ing|ed|s) (?:me|us|him|her|them) (?:from|on|at)\b"
    r"|\b(?:my|his|her|their) number(?: is| as|:)"
)
_STRONG = re.compile(rf"(?i){_STRONG_WORDS}")
_WEAK = re.compile(
    r"(?i)\bcall|\btext\b|\breach|\bring\b|\bcontact|\bregistered|messages? to|number is|anrufen"
    r"|erreich|\bmy number|\bdial\b(?! tone)|\bpicks? up,? (?:please )?try\b|\bget hold of"
)
_OTHER_NUMBER = re.compile(
    r"(?i)\b(?:order|flight|reserv|confirm|booking|track|ticket|invoice|account|case|ref|card|item|product|price"
    r"|amount|total|date|isbn|serial|policy|ssn|licen[cs]e|passport|zip|version|bestell|commande|pedido|model)"
)
_BARE_PHONE = Linear(
    rf"(?i)({_STRONG_WORDS}|\b(?:call|text|dial|ring|help ?desk|(?:hot|help) ?line)\b)"
    rf"([^0-9\n]{{0,35}}\n?[^0-9\n]{{0,10}})([0-9]{{7,15}})\b"
)
_LOCAL_PHONE = Linear(
    r"(?i)\b(?:phone|call|tel|mobile|cell|reach me|text me)([^0-9\n]{1,16})([0-9]{3}-[0-9]{4})\b"
)
_CALL_OF_A_PROGRAM = re.compile(
    r"(?i)\b(?:tool|function|api|system|model|llm|async|the|an?|this|each|every) $"
)
# A day, or seconds or milliseconds since 1970.
_MOMENT = re.compile(r"(?:19|20)\d{6}|1[67]\d{8}(?:\d{3}){0,3}")
# Somebody is asked to: a call that stands alone is as often one of a program, with its number.
_TO_CALL = re.compile(r"(?i)(?:,|\b(?:please|pls|plz|just|or)) $")
_SENTENCE_STOPS = re.compile(r"\s*(?:$|[.!?,;\n])")
_RUNG = frozenset({"ring", "dial"})
_NEXT_TO = frozenset({"", "on", "at", "to", "is", "the number", "number"})
# What stands on a card or under a letter: `T: 030 1234567 | M: 0171 7654321`.
_LETTERED = Linear(
    r"(?m)(?:^|[|\x{2022}\x{b7},;])[ \t]{0,3}(?:[TMF]|Ph|Mob)[.:] ?(\(?\+?[0-9][0-9 ()./-]{6,18}[0-9])"
)
# A plus, a bracket or a zero in front, or three groups and more of two or three digits.
_LIKE_A_PHONE = re.compile(r"(?:\+|\(|0(?!\.))[\d ()./-]+|\d{2,3}(?:[ -]\d{2,3}){2,4}")
_DIGIT_ALONE = re.compile(r"(?<!\d)\d(?: \d(?!\d)){2}")
_ENDS_THERE = re.compile(r"[ \t]{0,3}(?:$|[\n|•·,;])")
# `my phone is 207 555 0134 or`
_AFTER_ANOTHER = re.compile(r"[^\d\n]{0,30}\d[\d ().-]{5,18}\d(?: or | and | / )")
_COUNTRY_IN_BRACKETS = re.compile(r"\(([1-9]\d{1,2})\) ?\d")
_EXTENSION = re.compile(r"(?i),? ?(?:ext(?:ension)?\b\.?:?|x|durchwahl|poste) ?\d{1,6}(?!\w)")
_REGIONS = (
    "GB",
    "DE",
    "FR",
    "ES",
    "IT",
    "NL",
    "BE",
    "CH",
    "AT",
    "AU",
    "IE",
    "PL",
    "SE",
    "BR",
    "IN",
    "JP",
    "ZA",
)
_NATIONAL_DIGITS = range(9, 13)
_SPANISH_OR_FRENCH = re.compile(r"0[1-9](?:([ .-])\d\d)(?:\1\d\d){3}|[6789]\d\d([ .-])\d\d\2\d\d\2\d\d")
_DOTS_IN_ADDRESS = 3
_NO_BRACKETS = str.maketrans("", "", "()")
_LETTER = re.compile(r"[^\W\d_]")

# ---- user names and handles
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,38}[A-Za-z0-9_])?"
_TOLD_NAME = Linear(
    r"(?i)\b(?P<word>user[ _-]?name|user id|usuario|nom d'utilisateur|benutzername|pseudo|nutzername"
    r"|log-?in(?: name)?"
    r"|handle|screen[ _]?name|nick(?:name)?|gamertag|account name"
    r"|(?:instagram|insta|twitter|discord|telegram|github|gitlab|tiktok"
    r"|snapchat|skype|reddit|mastodon|linkedin|facebook|slack)"
    r"(?: (?:handle|user(?:name)?|account|name|id))?)"
    r"(?P<mark> ?(?:=|:| is:?| ist:?| est:?| es:?) ?[\"'`]?|[ (]{1,2})"
    rf"(?P<name>@?{_NAME}(?:#[0-9]{{4}}\b)?)"
)
_AT_NAME = re.compile(
    r"(?<![\w@/.\"'`\\])@([A-Za-z0-9_](?:[A-Za-z0-9_.]{0,28}[A-Za-z0-9_])?)(?![\w@/:(\[-]|[.:]\w)"
)
_AT_WORD = re.compile(
    r"(?i)\b(?:follow|tweet|dm|instagram|insta|ig|twitter|telegram|discord|tiktok|snapchat|threads"
    r"|mastodon|handle|user ?name"
    r"|ping|message|contact|github|gitlab|slack|social|find (?:me|us)|tag(?:ged)?|reach|mention(?:ed)?"
    r"|i am|i'm|account"
    r"|thanks|thank you|hey|hi|hello|cc|by|via|ask)\b[^\n]{0,25}$"
)
# Words that stand where a name would.
_NO_NAME = frozenset(
    {
        *("a", "an", "the", "is", "are", "was", "not", "no", "none", "null", "nil", "true", "false", "yes"),
        *("required", "invalid", "incorrect", "unknown", "missing", "already", "taken"),
        *("available", "optional", "empty", "valid", "wrong", "failed", "failure", "success"),
        *("successful", "error", "denied", "page", "form", "screen", "button", "here", "please"),
        *(
            "and",
            "or",
            "for",
            "with",
            "at",
            "in",
            "on",
            "to",
            "of",
            "my",
            "your",
            "his",
            "her",
            "their",
            "name",
        ),
        *("username", "user", "password", "email", "undefined", "string", "account", "handle"),
        *("login", "redacted", "property", "media", "param", "return", "returns", "override"),
        *("import", "staticmethod", "classmethod", "dataclass", "deprecated", "test"),
        *("everyone", "channel", "all", "example", "given", "self"),
    }
)
_NO_PEOPLE = (
    "webhook",
    "slack-",
    "pagerduty",
    "opsgenie",
    "teams-",
    "evaluation",
    "ml_app",
    "meta",
    "metrics",
)


def find_contacts(text: str) -> Iterator[Found]:
    """Find e-mail addresses, phone numbers, and user names where the words around say that they are some."""
    yield from _emails(text)
    yield from _phones(text)
    yield from _handles(text)


def _emails(text: str) -> Iterator[Found]:
    at = text.find("@")
    while at >= 0:
        yield from _email_at(text, at)
        at = text.find("@", at + 1)
    for match in _SPELLED_EMAIL.finditer(text) if _may_spell_an_email(text) else ():
        spelled, plain = match.group(), match.group("at") == " at "
        before = text[max(0, match.start() - _REACH) : match.start()]
        if not plain or (_ENDS_IN_COMMON_DOMAIN.search(spelled) and _EMAIL_WORD.search(before)):
            yield Found(match.start(), match.end(), Kind.EMAIL, "spelled_email")


def _may_spell_an_email(text: str) -> bool:
    """Say whether an `at` or a sign in brackets may be there, and a dot behind it."""
    small = text.lower()
    bracketed = ("(" in text or "[" in text or "{" in text or "<" in text) and ("@" in text or "at" in small)
    return (bracketed or " at " in small) and ("." in text or "dot" in small)


def _email_at(text: str, at: int) -> Iterator[Found]:
    domain = _DOMAIN.match(text, at + 1)
    if not domain:
        return
    backwards = _LOCAL_BACKWARDS.match(text[max(0, at - _LONGEST_LOCAL) : at][::-1])
    if backwards:
        start = at - backwards.end()
        start = min(_end(_LOCAL_START, text, start), at)
    else:
        quoted = (
            _QUOTED_LOCAL.search(text, max(0, at - _LONGEST_LOCAL - 2), at) if text[at - 1] == '"' else None
        )
        start = quoted.start(1) if quoted else at
    if start < at:
        yield Found(start, domain.end(), Kind.EMAIL, "email")


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    match = pattern.match(text, start)
    return match.end() if match else start


def _phones(text: str) -> Iterator[Found]:
    if not _DENSE.search(text):
        return
    for dense in _DENSE.finditer(text):
        start, end = dense.span()
        # A plus or a bracket may stand in front, and what follows decides.
        first, beyond = max(0, start - 3), min(len(text), end + 2)
        if "+" not in text[first:start] and _NO_PHONE.fullmatch(text, start, end):
            yield from _international(text, start, end) if text.startswith("00", start) else ()
            continue
        yield from _in_dense(text, first, beyond)
    for match in _BARE_PHONE.finditer(text):
        word, gap, number = match.groups()
        sure = _STRONG.fullmatch(word) or _is_called(text, match, word.lower(), gap, number)
        if sure and not _OTHER_NUMBER.search(gap):
            start, end = match.span(3)
            yield _with_extension(text, start, end, "cued_phone")
    for match in _LETTERED.finditer(text):
        number = match.group(1)
        digits = sum(map(str.isdigit, number))
        like_one = _LIKE_A_PHONE.fullmatch(number) or (number.isdigit() and is_valid(number, "US"))
        told = digits in _PHONE_DIGITS and like_one and _ENDS_THERE.match(text, match.end())
        if told and not (_DATE_LIKE.match(number) or _DIGIT_ALONE.search(number)):
            yield Found(*match.span(1), Kind.PHONE, "lettered_phone")
    for match in _LOCAL_PHONE.finditer(text):
        start, end = match.span(2)
        if not _OTHER_NUMBER.search(match.group(1)) and text[end : end + 1] != "-":
            yield _with_extension(text, start, end, "local_phone")


def _is_called(text: str, match: re.Match[str], word: str, gap: str, number: str) -> bool:
    """Say whether somebody is to call a number; programs call, and texts have times, as well."""
    start, end = match.span()
    if _CALL_OF_A_PROGRAM.search(text, max(0, start - _REACH), start) or _MOMENT.fullmatch(number):
        return False
    follows = gap.strip(" :(").lower() in _NEXT_TO
    if follows and is_valid(number, "US"):
        return True
    if len(number) not in _NATIONAL_DIGITS:
        return gap.endswith(" on ")
    desk = word.startswith(("help", "hot")) and follows and number[0] == "0"
    asked = word in _RUNG or (
        word == "call"
        and _TO_CALL.search(text, max(0, start - _REACH), start) is not None
        and (number[0] == "0" or _SENTENCE_STOPS.match(text, end) is not None)
    )
    return gap.endswith(" on ") or desk or (not gap.strip() and asked)


def _in_dense(text: str, start: int, end: int) -> Iterator[Found]:
    for match in _BY_LOOKS.finditer(text, start, end):
        yield _with_extension(text, *match.span(), "phone")
    yield from _international(text, start, end)
    for match in _GROUPED.finditer(text, start, end):
        value = match.group()
        if sum(map(str.isdigit, value)) in _PHONE_DIGITS and not _DATE_LIKE.match(value):
            yield from _grouped(text, match.start(), value)


def _international(text: str, start: int, end: int) -> Iterator[Found]:
    if text.find("+", start, end) < 0 and text.find("00", start, end) < 0:
        return
    for match in _INTERNATIONAL.finditer(text, start, end):
        value, first = match.group(), match.start()
        parted = value.startswith("+") or not value.isdigit() or _has_word(text, first)
        if parted and is_international("+" + value.lstrip("+0 ")):
            # `(+44) 20 …`
            opened = first > 0 and text[first - 1] == "(" and value.count(")") > value.count("(")
            yield _with_extension(text, first - opened, match.end(), "international_phone")


def _grouped(text: str, start: int, value: str) -> Iterator[Found]:
    end = start + len(value)
    # A bracket that the number did not open ends the sentence's own.
    if value.endswith(")") and value.count("(") < value.count(")"):
        value, end = value[:-1], end - 1
    if _has_word(text, start) or _is_national(value) or _is_of_a_country(text, start, value):
        yield _with_extension(text, start, end, "national_phone")


def _has_word(text: str, start: int) -> bool:
    """Look for a word in front that says phone, with nothing between that says another number."""
    before = text[max(0, start - _REACH) : start]
    if not _LETTER.search(before):
        return False
    strong = max((match.end() for match in _STRONG.finditer(before)), default=-1)
    weak = max((match.end() for match in _WEAK.finditer(before)), default=-1)
    said = max(strong, weak)
    if said < 0 or (_has_digits(before[said:]) and not _AFTER_ANOTHER.fullmatch(before, said)):
        return False
    # "The order number is": what a weak word speaks of stands in front of it.
    return _OTHER_NUMBER.search(before, strong if strong >= weak else max(0, weak - _SUBJECT_REACH)) is None


def _is_of_a_country(text: str, start: int, value: str) -> bool:
    """Know `(351) 919 367 613` where a field or a line begins; counts stand in brackets too."""
    begins = text[max(0, start - 3) : start].rstrip(" ")[-1:] in ("", ":", "\n", ",", ";", "|")
    return (
        begins
        and _COUNTRY_IN_BRACKETS.match(value) is not None
        and is_international("+" + value.translate(_NO_BRACKETS))
    )


def _has_digits(gap: str) -> bool:
    return any(map(str.isdigit, gap))


def _is_national(value: str) -> bool:
    """Say whether a number that no word tells of is valid somewhere and grouped as phone numbers are."""
    digits = sum(map(str.isdigit, value))
    if digits not in _NATIONAL_DIGITS or value.count(".") == _DOTS_IN_ADDRESS:
        return False
    if _SPANISH_OR_FRENCH.fullmatch(value):
        return is_valid(value, "FR") or is_valid(value, "ES")
    opening = value.lstrip("(")
    if not opening.startswith("0") or opening.startswith("00"):
        return False
    return is_national(value, _REGIONS)


def _with_extension(text: str, start: int, end: int, rule: str) -> Found:
    return Found(start, _end(_EXTENSION, text, end), Kind.PHONE, rule)


def _handles(text: str) -> Iterator[Found]:
    for match in _TOLD_NAME.finditer(text):
        if _is_told_name(match.group("word"), match.group("mark"), match.group("name")):
            start, end = match.span(3)
            if text[end : end + 1] not in ("(", "["):
                yield Found(start, end, Kind.HANDLE, "user_name")
    for match in _AT_NAME.finditer(text) if "@" in text else ():
        name = match[1].lower()
        if name in _NO_NAME or name.startswith(_NO_PEOPLE) or ANY_PSEUDONYM.fullmatch(name):
            continue
        if _AT_WORD.search(text, max(0, match.start() - _REACH), match.start()):
            yield Found(*match.span(), Kind.HANDLE, "at_name")


def _is_told_name(word: str, mark: str, name: str) -> bool:
    plain = name.lstrip("@").lower()
    if plain in _NO_NAME or plain in SCHEMA_TYPES or ANY_PSEUDONYM.fullmatch(name):
        return False
    if name.startswith("@") or any(map(str.isdigit, plain)) or "_" in plain:
        return not mark.isspace() or name.startswith("@") or _mixed(plain)
    # A word of letters alone is a name only where a sign or an explicit "username is" stands before it.
    return word.lower().startswith(("user", "handle", "nick", "benutzer")) and mark.strip(" \"'`") in (
        ":",
        "=",
        "is",
    )


def _mixed(name: str) -> bool:
    return any(map(str.isdigit, name)) and any(map(str.isalpha, name))
