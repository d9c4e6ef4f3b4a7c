"""From an error's class, code or text to a failure type: by names first, by words last."""

import re
from collections.abc import Iterator

from pydantic import JsonValue

from shared.domain.conversation import error_text
from shared.domain.json_text import json_in
from shared.domain.spans import Span
from shared.domain.taxonomy import FailureType

_F = FailureType
TOOL_KINDS = frozenset({"tool", "retrieval"})
# What such a step owes is a result, so what it puts out when it fails tells of its error.
RESULT_KINDS = TOOL_KINDS | {"llm", "embedding"}
# What was asked for was wrong: a tool's caller is the application, a model's its programmer.
_ASKED_WRONGLY = FailureType.WRONG_ARGUMENTS


def _named(spelled: str) -> frozenset[str]:
    return frozenset(spelled.split("|"))


# Names as words in lower case, however they were spelled; what says more precisely what happened comes
# first, for an error may have several: `invalid_request_error` beside `context_length_exceeded`.
ERROR_NAMES: tuple[tuple[FailureType, frozenset[str]], ...] = (
    (
        _F.CONTEXT_OVERFLOW,
        _named(
            "context length|context window|context overflow|max context|maximum context|context limit"
            "|context size|token limit|tokens limit|max tokens|too many tokens|prompt too long"
            "|input too long|prompt is too long|string above max length"
        ),
    ),
    (
        _F.RUNAWAY_LOOP,
        _named(
            "recursion limit|graph recursion|recursion|max turns|max iterations|iteration limit"
            "|max steps|max iteration"
        ),
    ),
    (
        _F.RATE_LIMITED,
        _named(
            "rate limit|rate limited|rate limiting|rate limits|ratelimit|ratelimited|ratelimiter"
            "|resource exhausted|throttling|throttled|throttle|too many requests|quota|quotas|slow down"
            "|request limit|requests limit|limit exceeded|provisioned throughput|token quota"
        ),
    ),
    (_F.GUARDRAIL_FAILURE, _named("guardrail|guardrails|tripwire")),
    # A provider's filter is the model's own way to decline; a guardrail that failed says so by its name.
    (
        _F.REFUSAL,
        _named(
            "content filter|content filtered|contentfilter|content policy|policy violation|safety|refusal"
            "|responsible ai|content management|moderation|prohibited content|blocked prompt|stop candidate"
            "|blocklist|recitation|blocked reason|block reason"
        ),
    ),
    (
        _F.WRONG_TOOL,
        _named(
            "no such tool|unknown tool|tool not found|unknown function|function not found"
            "|tool does not exist|no such function"
        ),
    ),
    (
        _F.MALFORMED_OUTPUT,
        _named(
            "json decode|json parse|json parser|json error|invalid json"
            "|output parser|output parsing|output parse|output fixing"
            "|malformed|malformed function call|parse|parsing|parser|length finish reason|decoding"
            "|unexpected model behavior|incomplete output|max output|structured output"
        ),
    ),
    (
        _F.INFRASTRUCTURE_ERROR,
        _named(
            "deadline exceeded|deadline|timeout|timeouts|timed out|time out|connect|connection|connector"
            "|econnreset|econnrefused|econnaborted|etimedout|enotfound|eai again|epipe|ehostunreach"
            "|service unavailable|unavailable|internal server|internal|bad gateway|gateway|server error"
            "|api connection|network|socket|ssl|dns|overloaded|broken pipe|out of memory|memory error"
            "|disconnected|remote protocol|incomplete read|unreachable|aborted|data loss|model not ready"
            "|operational|transport|upstream|proxy|retry|retries|model stream"
            "|circuit breaker|pool"
        ),
    ),
    (
        _F.CLIENT_ERROR,
        _named(
            "authentication|authorization|unauthenticated|unauthorized|permission denied|permission"
            "|permissions|forbidden|access denied|api key|credential|credentials|expired token"
            "|method not allowed|not implemented|unimplemented|payment required|billing"
            "|unrecognized client|security token"
        ),
    ),
    (
        _ASKED_WRONGLY,
        _named(
            "bad request|not found|validation|invalid|unprocessable|unprocessable entity|out of range"
            "|failed precondition|already exists|conflict|missing|argument|arguments|parameter|no such"
            "|does not exist|unsupported|precondition|required"
        ),
    ),
)
_CODES = {
    **dict.fromkeys((408, 425, 499), _F.INFRASTRUCTURE_ERROR),
    **dict.fromkeys((400, 404, 409, 412, 413, 414, 415, 416, 422), _ASKED_WRONGLY),
    429: _F.RATE_LIMITED,
}
_LOWEST_FAULT, _LOWEST_SERVER_FAULT, _NO_CODE = 400, 500, 600
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NAMING_KEYS = ("type", "kind", "code", "status", "name", "class", "reason", "status_code", "error_code")
_NOTED_KEYS = (
    *("error_type", "error.type", "error_code", "error.code", "exception.type", "error_class"),
    *("http.status_code", "http_status_code", "status_code", "http.response.status_code"),
)
_LONGEST_NAME, _LONGEST_TEXT = 120, 2000
# A class at the head of a text, as `str(error)` and tracebacks spell it: `openai.RateLimitError: …`
_HEAD = re.compile(r"\s{0,8}(?:Error: )?([A-Za-z_][\w.]{2,100})\s?[:(]")
_CLASS = re.compile(
    r"(?:error|exception|timeout|exceeded|fault|failure|exhausted|denied|unavailable)$", re.IGNORECASE
)
_CODE_IN_TEXT = re.compile(
    r"(?i)(?:^\s{0,4}(?:error[ :]{1,3})?|\bhttp\S{0,8} |\bstatus(?: ?code)?[ :=]{1,3}|\bcode[ :=]{1,3}|\()"
    r"([45]\d\d)\b"
)
_WORDS_OF_TEXT: tuple[tuple[FailureType, re.Pattern[str]], ...] = (
    (
        _F.RATE_LIMITED,
        re.compile(r"(?i)rate[ _-]?limit|too many requests|\bquota\b|resource.exhausted|throttl"),
    ),
    (
        _F.CONTEXT_OVERFLOW,
        re.compile(
            r"(?i)(?:max\w{0,4}|exceed\w{0,3}) (?:the )?context|context (?:length|window)"
            r"|prompt is too long"
        ),
    ),
    (
        _F.REFUSAL,
        re.compile(r"(?i)content (?:filter|policy|management policy)|safety (?:filter|settings|system)"),
    ),
    (
        _F.MALFORMED_OUTPUT,
        re.compile(
            r"(?i)(?:invalid|malformed|not valid|could not parse|parsing) (?:llm )?(?:json|output)"
            r"|expecting value:"
        ),
    ),
    (
        _F.INFRASTRUCTURE_ERROR,
        re.compile(
            r"(?i)\b(?:timed? ?out|\w{0,40}timeout(?:error|exception)?|deadline exceeded|unavailable"
            r"|connection ?(?:reset|refused|error|aborted|closed)|internal (?:server )?error|bad gateway)\b"
        ),
    ),
    (
        _F.CLIENT_ERROR,
        re.compile(r"(?i)\b(?:unauthori[sz]ed|permission denied|access denied|forbidden|api key)\b"),
    ),
    (
        _ASKED_WRONGLY,
        re.compile(
            r"(?i)\b(?:invalid|argument|parameter|required|missing|malformed|schema|mismatch|not found"
            r"|does not|must)\b"
        ),
    ),
)


def type_of_error(span: Span) -> FailureType:
    """Tell a service's fault from a call that was refused for what it asked.

    The class or the code decides where it says anything; the text where it does not.
    """
    names, text = list(error_names(span)), said_of_error(span)[:_LONGEST_TEXT]
    if not names and not text.strip():
        return FailureType.LLM_ERROR
    kind = _by_name(names) or _by_text(text)
    if span.kind in TOOL_KINDS:
        return kind or FailureType.CLIENT_ERROR
    return FailureType.CLIENT_ERROR if kind is _ASKED_WRONGLY else kind or FailureType.LLM_ERROR


def said_of_error(span: Span) -> str:
    """Read what a step said of its error; what an agent answers its user is no word about its error."""
    owes = span.kind in RESULT_KINDS
    return error_text(span if owes else span.model_copy(update={"output": None}))


def error_class(span: Span) -> str:
    """Name what an error is in the words of its first class that says something, else its code."""
    names = list(error_names(span))
    telling = [" ".join(_words(name)) for name in names if _by_name([name]) is not None]
    spoken = [told for told in telling if not told.isdigit()]
    return next(iter(spoken or telling), "")


def error_names(span: Span) -> Iterator[str]:
    """Yield the classes and codes that a step tells of its error, wherever it tells them."""
    error = span.extra.get("error")
    if isinstance(error, dict):
        yield from _names_in(error)
    for key in ("error_type", "error.type"):
        if told := span.tag(key):
            yield told[:_LONGEST_NAME]
    for noted in (span.metadata, span.metrics, span.extra):
        yield from _spelled(noted, _NOTED_KEYS)
    if span.kind in RESULT_KINDS:
        yield from _names_told(span)


def _names_told(span: Span) -> Iterator[str]:
    """Read names out of what a step answered: an error object, or a text that begins with a class."""
    content = span.output
    if isinstance(content, dict) and "value" in content:
        content = content["value"]
    parsed = json_in(content) if isinstance(content, str) and len(content) <= _LONGEST_TEXT else content
    if isinstance(parsed, dict):
        yield from _names_in(parsed)
        if isinstance(inner := parsed.get("error"), dict):
            yield from _names_in(inner)
    head = _HEAD.match(error_text(span)[:_LONGEST_TEXT])
    if head and _CLASS.search(head[1]):
        yield head[1]


def _names_in(error: dict[str, JsonValue]) -> Iterator[str]:
    yield from _spelled(error, _NAMING_KEYS)


def _spelled(told: dict[str, JsonValue], keys: tuple[str, ...]) -> Iterator[str]:
    for key in keys:
        value = told.get(key)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            yield str(value)[:_LONGEST_NAME]


def _words(name: str) -> list[str]:
    """Split a name of any casing into words; of a dotted one the last part, which is the class."""
    return [word.lower() for word in _WORD.findall(name.rsplit(".", 1)[-1] if "." in name else name)]


def _by_name(names: list[str]) -> FailureType | None:
    spelled = [f" {' '.join(words)} " for name in names if (words := _words(name))]
    for kind, known in ERROR_NAMES:
        if any(f" {one} " in name for name in spelled for one in known):
            return kind
    codes = [int(name) for name in map(str.strip, spelled) if name.isascii() and name.isdigit()]
    return next((told for code in codes if (told := _by_code(code))), None)


def _by_code(code: int) -> FailureType | None:
    if not _LOWEST_FAULT <= code < _NO_CODE:
        return None
    if code >= _LOWEST_SERVER_FAULT:
        return FailureType.INFRASTRUCTURE_ERROR
    return _CODES.get(code, FailureType.CLIENT_ERROR)


def _by_text(text: str) -> FailureType | None:
    words = [kind for kind, pattern in _WORDS_OF_TEXT if pattern.search(text)]
    if words and words[0] is not _ASKED_WRONGLY:
        return words[0]
    found = _CODE_IN_TEXT.search(text)
    return (_by_code(int(found[1])) if found else None) or next(iter(words), None)
