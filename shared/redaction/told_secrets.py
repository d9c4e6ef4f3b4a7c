"""Finds secrets by what stands before them: names of variables, words of prose, headers, addresses."""

import math
import re
from collections import Counter
from collections.abc import Container, Iterator
from functools import lru_cache
from typing import Any

from shared.redaction.kinds import Found, Kind
from shared.redaction.linear import Linear
from shared.redaction.places import SCHEMA_TYPES
from shared.redaction.pseudonyms import ANY_PSEUDONYM

_NAME = (
    r"(?:(?:api|access)[_-]?key|secret|token|passw(?:or)?d|pwd|passphrase|passcode"
    r"|(?:private|signing|encryption|account|shared|auth|master)[_-]?key|passwor[dt]|kennwort|contrase(?:ñ|n)a"
    r"|mot[_-]de[_-]passe|motdepasse)(?:[_-](?:id|key|value|access[_-]key))?"
)
# In a program these name many things; in front of a value that looks drawn at random they tell.
_WEAK_NAME = (
    r"(?:api|access|secret|private|account|security|recovery|licen[cs]e) keys?|mot de passe|secret code"
    r"|(?:access|auth|bearer|refresh|security) token|credentials?|pass ?phrase|clave|clé(?: api)?"
    r"|schlüssel|auth|key"
)
_PIN_NAME = (
    r"(?:pin|otp|cvv|cvc|passcode|código de verificación"
    r"|(?:one[- ]time|verification|security|access|confirmation|login|authentication) (?:pass)?code)"
)
_VALUE = r"[^\s\"'<>,;&(){}\[\]\\]"
_EQUALS = r"\\{0,3}[\"'`]?\s{0,4}(?:=>|:=|==?|:)\s{0,4}"
_IS = (
    r"(?: (?:for|to|of|für|para|pour|del?)(?: [\w@.'-]+){1,3}?)?"
    r" (?:is|was|are|ist|war|lautet|est|es|era)(?: now| jetzt)?:?\s{1,3}"
)
_TOLD = Linear(
    rf"(?i)({_NAME}|\b(?:{_WEAK_NAME}))({_EQUALS}|{_IS}|\s)(\\{{0,3}}[\"'`]?)({_VALUE}{{6}}{_VALUE}*)"
)
_PIN = Linear(
    rf"(?i)\b{_PIN_NAME}\\{{0,3}}[\"']?(?: (?:code|number))?"
    r"\s{0,2}(?:is|was|:|=|es|ist|est)\s{0,3}[\"']?([0-9]{4,8})\b"
)
_STRONG = re.compile(rf"(?i){_NAME}")
_SECRET_KEY = re.compile(rf"(?i){_NAME}$")
_PASSWORD = re.compile(r"(?i)pass|pwd|kennwort|contrase|clave")
# A word behind "token:" is prose; a value is quoted, long, or has a digit in it.
_TELLING = re.compile(r"[^\s,;&]{0,200}\d|[^\s,;&]{12}")
_WHOLE_VALUE = re.compile(rf"{_VALUE}{{6,}}")
_QUOTE_ENDS = re.compile(r"\\{0,3}[\"'`]")
# Tokens that are no secrets: marks and counts of a model, places in a list.
_PLAIN_TOKEN = re.compile(
    r"(?i)(?:^|[_-])(?:[bec]os|pad|unk|sep|cls|mask|stop|start|end|max|min|total|first|last|per|output|input"
    r"|prompt|completion|cached|next|prev|previous|page|continuation|sync|cursor|pagination|resume)"
    r"[_-]?(?:\w{1,20}[_-])?token(?:[_-]id)?$"
    r"|token[_-]id$"
)
_NO_KEY = re.compile(
    r"(?i)(?:idempotency|cache|partition|sort|primary|foreign|dedup|object|row|group)[ _-]?key$"
)
_NAME_REACH = 64
_NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
# Values that stand for one: a variable, a place where it is kept, a mask, an example's words.
_STANDS_FOR_ONE = re.compile(
    r"(?i)\$\{?[a-z_][a-z0-9_.]*\}?|%[a-z_]+%|(?:os|process)\.(?:environ|env|getenv)\b.*|getenv|self\.\w+"
    r"|projects/[^/]+/secrets/.*|[*•.x_#-]+|(?:\*+)\w{0,4}|\[?(?:redacted|hidden|masked|removed|filtered)\]?"
    r"|your[_-](?:\w+[_-])?(?:key|token|password|secret)(?:[_-]here)?|change[_-]?me|undefined|required|optional"
    r"|default|example|placeholder|invalid|missing|expired|incorrect|disabled|enabled"
)
_WORDS = re.compile(r"[a-z]+(?:[_-][a-z]+)+[.:]?|[A-Za-z]+[.:!?]?")
_NO_SECRET_WORD = re.compile(
    r"(?i)(?:sha|md|pbkdf|argon|oauth|base|utf|aes|rsa|http|hs|v)[-_]?\d|\d+(?:\.\d+)?-?[a-z]{1,12}(?:[-\s]|$)|\d+[-–.:/]\d+"
)
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DRAWN_LENGTH, _DRAWN_ENTROPY = 20, 3.5
_SPECIAL = re.compile(r"[!@#$%^&*+=~]")
_CASES = (re.compile("[a-z]"), re.compile("[A-Z]"), re.compile("[0-9]"))
_KEY_VALUE = re.compile(r"[A-Za-z0-9_+=-]{20,200}")

_HEADER = Linear(
    r"(?i)\b(?:(?:(authorization)|cookie2?)\\{0,3}[\"']?\s?[:=]\s?\\{0,3}[\"']?|(bearer )[A-Z0-9._~+/=-]{12})"
)
_AUTHORIZATION = re.compile(
    r"(?i)(?:(basic|bearer|token|digest|negotiate|ntlm|hawk|ssws|splunk|key|api-?key|geniekey) |\w{1,20} )?"
    rf"({_VALUE}{{6,}}+)"
)
_COOKIES = re.compile(
    r"[^\s=;\"\\]{1,200}+=\"?[^\s;\"\\]{1,4000}+\"?(?:; ?[\w.-]{1,100}+=\"?[^\s;\"\\]{1,4000}+\"?)*+"
)
_BEARER = re.compile(r"[A-Za-z0-9._~+/=-]{12,}+")
_PLAIN_BEARER = re.compile(r"(?i)[a-z]{1,19}[.]?|(?:authenti|authori)[a-z-]*[.]?")

_USER_INFO = Linear(r"://(?:([^\s/:@\"'<>\\]*)(:))?([^\s/\"'<>\\]+)@")
_WEB = re.compile(r"(?i)(?:https?|ftps?|sftp|git|ssh|svn|wss?)$")
_ODBC = Linear(r"(?i)(?:[;\"']|\s)\s?(?:password|pwd)\s?=\s?([^;\"'\s<>&]+)")
_ODBC_CONTEXT = Linear(
    r"(?i)(?:server|data source|host|user id|uid|user|database|initial catalog|driver|dsn)\s?="
)
_ODBC_REACH = 240
_QUERY = Linear(
    r"(?i)[?&;#]((?:access|id|refresh|auth|session|security)_?token|token|api[_-]?key|app_?key|client_secret|secret"
    r"|x-(?:amz|goog)-(?:signature|security-token|credential)|signature|sig|password|passwd|pwd|jwt|subscription-key"
    r"|hapikey|auth|key|code|sid|session)=([^&\s\"'<>#\\;,()]{6}[^&\s\"'<>#\\;,()]*)"
)
_WEAK_PARAMETERS = frozenset({"key", "sid", "session", "auth"})
_OAUTH = Linear(r"(?i)oauth|callback|authoriz|[?&]state=")
_OAUTH_REACH = 200
_TOKEN_LENGTH = 16

TELLING_PATTERNS = (_TOLD, _PIN, _HEADER, _USER_INFO, _ODBC, _QUERY)


def find_told_secrets(text: str) -> Iterator[Found]:
    """Find values that a name, a header or an address declares secret."""
    yield from _assigned(text)
    yield from (_found(match.span(1), "pin") for match in _PIN.finditer(text))
    yield from _headers(text)
    if "://" in text and "@" in text:
        yield from _user_infos(text)
    if "=" in text:
        yield from _connection_passwords(text)
        yield from _parameters(text)


def looks_secret(value: str) -> bool:
    """Say whether what a key calls a secret may be one."""
    return (
        _WHOLE_VALUE.fullmatch(value) is not None
        and _TELLING.match(value) is not None
        and not _is_no_value(value)
    )


@lru_cache(maxsize=8192)
def calls_a_secret(key: str) -> bool:
    """Say whether a key says that its value is secret, `db_password`."""
    return _SECRET_KEY.search(key) is not None and _PLAIN_TOKEN.search(key) is None


def _assigned(text: str) -> Iterator[Found]:
    for match in _TOLD.finditer(text):
        name, joint, quote, value = match.groups()
        start = match.start(4)
        before = text[max(0, match.start() - _NAME_REACH) : match.start()]
        whole = before[len(before.rstrip(_NAME_CHARACTERS)) :] + name
        if _PLAIN_TOKEN.search(whole) or _is_no_value(value):
            continue
        quoted = bool(quote) and _QUOTE_ENDS.match(text, start + len(value)) is not None
        if joint.isspace():
            rule = "told" if _PASSWORD.search(name) and _is_password(value) else ""
        elif "=" in joint or ":" in joint[:8].strip():
            rule = _rule_of_pair(text, start, whole, name, value, quoted=quoted)
        else:
            rule = "told" if _is_told(name, value, quoted=quoted) else ""
        if rule:
            end = start + (len(value) if rule == "assigned" else len(value.rstrip(".:?")))
            yield _found((start, end), rule)


def _rule_of_pair(text: str, start: int, whole: str, name: str, value: str, *, quoted: bool) -> str:
    """Judge `name = value`: names of variables tell by themselves, words only beside what looks drawn."""
    if not _STRONG.fullmatch(name):
        bare = name.lower() in ("key", "auth")
        drawn = _KEY_VALUE.fullmatch(value) and _is_mixed(value) if bare else _looks_drawn(value)
        return "entropy" if drawn and not _NO_KEY.search(whole) else ""
    if quoted:
        return "assigned"
    # "Invalid token: unexpected_end" speaks of one.
    is_prose = whole.isalpha() and not _PASSWORD.search(name) and _WORDS.fullmatch(value)
    return "assigned" if _TELLING.match(text, start) and not is_prose else ""


def _is_told(name: str, value: str, *, quoted: bool) -> bool:
    if quoted and _PASSWORD.search(name):
        return True
    digits = value.rstrip(".:?!")
    return (digits.isdecimal() and _PASSWORD.search(name) is not None) or _looks_drawn(value)


def _is_password(value: str) -> bool:
    """Judge what stands right behind the word: `password hunter22`, not `password reset`."""
    return value[0].isalpha() and _CASES[2].search(value) is not None and _looks_drawn(value)


def _looks_drawn(value: str) -> bool:
    """Tell what a person or a machine made up from a word: by its kinds of characters, or its entropy."""
    value = value.rstrip(".:?")
    if _NO_SECRET_WORD.match(value) or "://" in value or _UUID.fullmatch(value):
        return False
    lower, upper, digit = (kind.search(value) is not None for kind in _CASES)
    letters = lower or upper
    if letters and (digit or _SPECIAL.search(value[:-1])):
        return True
    return len(value) >= _DRAWN_LENGTH and lower and upper and _entropy(value) >= _DRAWN_ENTROPY


def _is_mixed(value: str) -> bool:
    return (
        all(kind.search(value) for kind in _CASES)
        and _entropy(value) >= _DRAWN_ENTROPY
        and not _UUID.fullmatch(value)
    )


def _entropy(value: str) -> float:
    """Measure Shannon's entropy of a value's first characters, in bits for each."""
    value = value[:200]
    return -sum(count / len(value) * math.log2(count / len(value)) for count in Counter(value).values())


def _is_no_value(value: str) -> bool:
    value = value[:400]
    return (
        value.lower() in SCHEMA_TYPES
        or ANY_PSEUDONYM.match(value) is not None
        or _STANDS_FOR_ONE.fullmatch(value) is not None
    )


def _headers(text: str) -> Iterator[Found]:
    past = 0
    for match in _HEADER.finditer(text):
        if match.start() < past:
            continue
        start, end = match.span()
        if match.start(2) >= 0:
            value = _BEARER.match(text, match.end(2))
            if value and not _PLAIN_BEARER.fullmatch(value[0]):
                past = value.end()
                yield _found((start, past), "bearer")
        elif match.start(1) >= 0:
            value = _AUTHORIZATION.match(text, end)
            told = value and (value[1] or _TELLING.match(text, value.start(2)))
            if value and told and not _is_no_value(value[2]):
                past = value.end()
                yield _found(value.span(2), "authorization")
        elif (value := _COOKIES.match(text, end)) and not ANY_PSEUDONYM.fullmatch(value[0]):
            past = value.end()
            yield _found(value.span(), "cookie")


def _user_infos(text: str) -> Iterator[Found]:
    for match in _USER_INFO.finditer(text):
        value = match.group(3)
        if match.start(2) < 0:
            if len(value) >= _TOKEN_LENGTH and _looks_drawn(value):
                yield _found(match.span(3), "url_token")
        elif not ANY_PSEUDONYM.match(value):
            is_web = _WEB.search(text, max(0, match.start() - 6), match.start()) is not None
            rule = "basic_auth" if is_web else "connection_string"
            yield _found((match.start(1 if is_web else 3), match.end(3)), rule)


def _connection_passwords(text: str) -> Iterator[Found]:
    values = [match.span(1) for match in _ODBC.finditer(text)]
    near = _near(_ODBC_CONTEXT, text, _ODBC_REACH) if values else ()
    yield from (_found(span, "connection_string") for span in values if span[0] // _ODBC_REACH in near)


def _parameters(text: str) -> Iterator[Found]:
    oauth: Container[int] | None = None
    for match in _QUERY.finditer(text):
        name, value = match.group(1).lower(), match.group(2)
        if name == "code":
            oauth = _near(_OAUTH, text, _OAUTH_REACH) if oauth is None else oauth
            told = match.start() // _OAUTH_REACH in oauth
        elif name in _WEAK_PARAMETERS:
            told = len(value) >= _DRAWN_LENGTH and _looks_drawn(value)
        else:
            told = _TELLING.match(value) is not None
        if told and not _is_no_value(value):
            yield _found(match.span(2), "url_parameter")


def _near(context: Any, text: str, reach: int) -> Container[int]:  # noqa: ANN401 - the library has no types
    """Number the stretches of a text, each as long as the reach, in or beside which a context stands."""
    stretches = {match.start() // reach for match in context.finditer(text)}
    return {stretch + step for stretch in stretches for step in (-1, 0, 1)}


def _found(span: tuple[int, int], rule: str) -> Found:
    return Found(*span, Kind.SECRET, rule)
