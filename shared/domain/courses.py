"""The course of a run: what it was asked and did, in short; runs are held against each other by it."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Self

from shared.domain.canonical import canonical_json, digest
from shared.domain.captures import Capture
from shared.domain.conversation import ToolCall, last_user_turn, tool_calls, user_turns
from shared.domain.model import Model
from shared.domain.spans import Span

LONGEST_TURN = 4000
_LONGEST_REQUEST = 20_000
_MOST_CALLS = 200
_LONGEST_ARGUMENTS = 2000
_LONGEST_NAME = 200
# A run that is said to take longer has a clock that is wrong.
_MOST_SECONDS = 1e9
_OPENING = 300
_WORD = re.compile(r"[^\W_]{2,40}")
# Names one thing among many: an order, a day, a user by a hash that is the same in every trace.
_NAME = r"\b(?:user_[a-p]{16}|id_[a-p]{32})\b|\b(?=[\w-]{0,40}\d)[\w-]{4,64}\b"
# Names one thing within its own trace, and another in another.
_PLACEHOLDER = r"<[A-Z][A-Z0-9]{1,9}_\d{1,6}>"
_IDENTIFIER = re.compile(f"{_PLACEHOLDER}|{_NAME}")
# How users say yes, in the languages that the redaction reads as well.
_YES = re.compile(
    r"(?i)\b(?:yes|yeah|yep|yup|sure|okay|ok|agreed|absolutely|correct|confirm(?:ed)?|go ahead|proceed"
    r"|please do(?! not|n['’]?t)|sounds good|that works|do it"
    r"|ja|jawohl|genau|klar|einverstanden|bestätige|(?:richtig|stimmt|passt|in ordnung)(?! nicht)"
    r"|mach das|machen sie das|oui|ouais|d['’]accord|bien sûr|volontiers|confirme|allez-y|vas-y|c['’]est bon"
    r"|sí|si(?=[,.! ]*$|[,.!]| por favor| claro| confirmo)|claro|vale|confirmo|adelante|correcto|de acuerdo"
    r"|por supuesto)\b"
)
# What turns the yes behind it into a no, with one word between them at most.
_NOT = re.compile(r"(?i)(?:\b(?:not|never|no|nicht|nie|kein|pas|nunca)|n['’]t)\s{1,3}(?:\w{1,12}\s{1,3})?$")
_LONGEST_NO = 32
# Tools whose name starts so only look; the others leave something changed behind.
_READING = frozenset(
    {
        *("get", "list", "search", "find", "fetch", "read", "lookup", "query", "check", "calculate", "think"),
        *("retrieve", "show", "view", "count", "describe", "browse", "load", "compute", "validate", "verify"),
    }
)


class Action(Model):
    """One call of a tool that succeeded; `confirmed` says whether the user said yes right before."""

    tool: str
    arguments: str
    span_id: str
    confirmed: bool

    @property
    def key(self) -> tuple[str, str]:
        """What makes two actions equal: the tool and its arguments."""
        return self.tool, self.arguments

    @property
    def shape(self) -> tuple[str, str]:
        """What makes two actions alike for two users: the tool and its arguments but for what they name."""
        return self.tool, _IDENTIFIER.sub("*", self.arguments)

    @property
    def changes(self) -> bool:
        """Say whether it left something changed behind."""
        return not is_reading(self.tool)


# What changes something wherever it stands in a name, whatever else is done beside it.
_CHANGING = frozenset(
    {
        *(
            "add",
            "book",
            "cancel",
            "charge",
            "create",
            "delete",
            "insert",
            "modify",
            "pay",
            "refund",
            "remove",
        ),
        *("replace", "reserve", "save", "send", "set", "submit", "transfer", "update", "upsert", "write"),
    }
)
_LEAVING = frozenset({("check", "out"), ("check", "in")})
# What only looks where it stands last: `order_lookup`, `web_search`, `orders.get`.
_LOOKS = frozenset(
    {"lookup", "search", "query", "get", "list", "find", "read", "fetch", "retriever", "retrieval"}
)
_NAME_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


class Reference(Model):
    """A healthy run that a failing one is held against, as it was then."""

    trace_id: str
    content_hash: str


class Course(Model):
    """What a run was asked, by its terms, what it did in its order, and how long it took."""

    trace_id: str
    content_hash: str
    terms: dict[str, int]
    actions: tuple[Action, ...]
    seconds: float

    @classmethod
    def of(cls, capture: Capture) -> Self:
        """Sum a capture up."""
        return cls(
            trace_id=capture.trace_id,
            content_hash=capture.content_hash,
            terms=terms_of(request_of(capture)),
            actions=tuple(_actions(capture)),
            seconds=min(max(capture.trace.root.duration_ns, 0), _MOST_SECONDS * 1e9) / 1e9,
        )

    @property
    def reference(self) -> Reference:
        """Name the run as it is now."""
        return Reference(trace_id=self.trace_id, content_hash=self.content_hash)

    @property
    def identifiers(self) -> frozenset[str]:
        """The things that its calls name: two runs that name one in common are about the same."""
        found = (name for action in self.actions for name in _IDENTIFIER.findall(action.arguments))
        return frozenset(name for name in found if not name.startswith("<"))

    @property
    def changes(self) -> tuple[Action, ...]:
        """What it did that left something changed behind."""
        return tuple(action for action in self.actions if action.changes)


def request_of(capture: Capture) -> tuple[str, ...]:
    """List what the user asked for, each turn as long as patterns keep it."""
    return tuple(turn[:LONGEST_TURN] for turn in user_turns(capture.trace))


def terms_of(request: Sequence[str]) -> dict[str, int]:
    """Count the words of a request, and its pairs of words, which tell more."""
    counted: Counter[str] = Counter()
    left = _LONGEST_REQUEST
    for turn in request:
        words = _WORD.findall(turn[:left].lower())
        counted.update(words)
        counted.update(f"{one} {two}" for one, two in pairwise(words))
        left = max(0, left - len(turn))
    return dict(counted)


def is_reading(tool: str) -> bool:
    """Say whether a tool's name says that it only looks: by its first word or its last, if none says more."""
    own = re.split(r"__|[./:]", tool.strip("_./: "))
    words = [word.lower() for part in own[-2:] for word in _NAME_WORDS.findall(part)]
    last = [word.lower() for word in _NAME_WORDS.findall(own[-1])]
    if not last or not _CHANGING.isdisjoint(last) or tuple(last[:2]) in _LEAVING:
        return False
    return last[0] in _READING or words[0] in _READING or words[-1] in _LOOKS


def says_yes(said: str) -> bool:
    """Say whether words agree to what was proposed; "not sure" does not."""
    return any(
        not _NOT.search(said, max(0, found.start() - _LONGEST_NO), found.start())
        for found in _YES.finditer(said)
    )


def _actions(capture: Capture) -> Iterator[Action]:
    said: dict[str, str] = _said_before(capture.spans)
    for call in tool_calls(capture.trace)[:_MOST_CALLS]:
        if not call.failed:
            yield Action(
                tool=call.name[:_LONGEST_NAME],
                arguments=_spelled(call),
                span_id=call.span.span_id,
                confirmed=says_yes(said.get(call.span.span_id, "")),
            )


def _said_before(spans: Sequence[Span]) -> dict[str, str]:
    """Say for each step how the user's last words before it begin."""
    said, before = "", dict[str, str]()
    for span in spans:
        if span.kind == "llm" and (told := last_user_turn(span)):
            said = told[:_OPENING]
        before[span.span_id] = said
    return before


def _spelled(call: ToolCall) -> str:
    """Spell arguments in one way; of those that are very long a hash stands for the rest."""
    spelled = canonical_json(call.arguments)
    if len(spelled) <= _LONGEST_ARGUMENTS:
        return spelled
    return f"{spelled[:_LONGEST_ARGUMENTS]}#{digest(spelled, length=16)}"
