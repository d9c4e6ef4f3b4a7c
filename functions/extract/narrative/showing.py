"""A capture as lines of JSON, and what is left out of one that is too long.

The rule: a capture that fits is shown whole. Of one that does not, the texts of
all steps are shortened, those of the failing region least: the failing step, its
cause, the steps beside them, the root, those that hold the first and the last
thing that the user said, and the answer. Where that is not enough, steps are left
out, from the farthest to the nearest of the failing region. What was cut is said.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pydantic import JsonValue

from functions.extract.narrative.steps import aliases_of
from shared.domain.canonical import canonical_json
from shared.domain.captures import Capture
from shared.domain.conversation import answering_span, leaf_texts, user_turns
from shared.domain.patterns import FailurePattern
from shared.domain.spans import Span

# Texts of the failing region, and of the others, in characters: the first pair with which all fits.
_LENGTHS = ((12_000, 4_000), (6_000, 1_000), (3_000, 400), (1_000, 200), (400, 80))
_LONGEST_NAME = 120
# JSON of many short texts is cut as one text when it is so many times longer than one may be.
_MANY = 4
# What a reader could take for a line's end, or not see at all.
_UNSEEN = re.compile(
    "[\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


class Shown(NamedTuple):
    """The lines of a capture, the names of the steps on them, and what was cut."""

    lines: tuple[str, ...]
    steps: tuple[str, ...]
    cut: str


def shown(capture: Capture, pattern: FailurePattern, *, most: int) -> Shown:
    """Spell a capture in at most so many characters; the failing region stays longest."""
    names = aliases_of(capture)
    whole = [_line(span, names, None) for span in capture.spans]
    if _size(whole) <= most:
        return Shown(tuple(whole), tuple(names.values()), "")
    kept = _failing_region(capture, pattern)
    lines: list[str] = []
    for long, short in _LENGTHS:
        lines = [_line(span, names, long if span.span_id in kept else short) for span in capture.spans]
        if _size(lines) <= most:
            break
    left = _fitting(lines, _distances(capture, pattern, kept), most)
    shortened = sum(line != before for line, before in zip(lines, whole, strict=True))
    cut = f"the texts of {shortened} of {len(whole)} steps are shortened"
    if len(left) < len(whole):
        cut += f"; {len(whole) - len(left)} steps far from the failing one are left out"
    places = sorted(left)
    steps = list(names.values())
    return Shown(tuple(lines[at] for at in places), tuple(steps[at] for at in places), cut)


def spelled(value: JsonValue) -> str:
    """Spell a value as one line of JSON in which nothing is invisible, and nothing ends a line."""
    return _UNSEEN.sub(_escaped, canonical_json(value))


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _size(lines: list[str]) -> int:
    return sum(map(len, lines)) + len(lines)


def _line(span: Span, names: dict[str, str], longest: int | None) -> str:
    told: dict[str, JsonValue] = {
        "step": names[span.span_id],
        "under": names.get(span.parent_id or ""),
        "name": _cut(span.name, _LONGEST_NAME if longest else None),
        "kind": _cut(span.kind, _LONGEST_NAME if longest else None),
        "status": _cut(span.status, _LONGEST_NAME if longest else None),
        "milliseconds": span.duration_ns // 1_000_000,
        "input": span.input,
        "output": span.output,
        "metadata": span.metadata,
        "metrics": span.metrics,
        "error": span.extra.get("error"),
        "evaluations": {label: told.model_dump(mode="json") for label, told in span.evaluations.items()},
    }
    fields = {key: _bounded(value, longest) for key, value in told.items() if value not in (None, "", {}, [])}
    return spelled(fields)


def _bounded(value: JsonValue, longest: int | None) -> JsonValue:
    """Shorten the texts in a value; where there are too many of them, show its JSON as one short text."""
    if longest is None or not isinstance(value, str | dict | list):
        return value
    shorter = _shortened(value, longest)
    if isinstance(shorter, str) or len(told := canonical_json(shorter)) <= _MANY * longest:
        return shorter
    return _cut(told, longest)


def _shortened(value: JsonValue, longest: int) -> JsonValue:
    match value:
        case str():
            return _cut(value, longest)
        case dict():
            return {_cut(key, _LONGEST_NAME): _shortened(inner, longest) for key, inner in value.items()}
        case list():
            return [_shortened(inner, longest) for inner in value]
        case _:
            return value


def _cut(text: str, longest: int | None) -> str:
    """Keep the beginning and the end of a text, and say how much is missing between."""
    if longest is None or len(text) <= longest:
        return text
    head, tail = longest * 2 // 3, longest // 3
    return f"{text[:head]}…[{len(text) - head - tail} characters left out]…{text[-tail:]}"


def _failing_region(capture: Capture, pattern: FailurePattern) -> frozenset[str]:
    ids = [span.span_id for span in capture.spans]
    places = {span_id: at for at, span_id in enumerate(ids)}
    blamed = [places[one] for one in (pattern.failing_span_id, pattern.cause_span_id) if one in places]
    beside = {ids[near] for at in blamed for near in (at - 1, at, at + 1) if 0 <= near < len(ids)}
    trace = capture.trace
    return frozenset({*beside, trace.root.span_id, answering_span(trace).span_id, *_asking(capture)})


def _asking(capture: Capture) -> Iterator[str]:
    """Name the steps in which the first and the last thing that the user said stand first."""
    said = user_turns(capture.trace)
    for turn in {said[0], said[-1]} if said else ():
        holding = (span.span_id for span in capture.spans if turn in leaf_texts(span.input))
        yield from [found for found in [next(holding, None)] if found]


def _distances(capture: Capture, pattern: FailurePattern, kept: frozenset[str]) -> list[int]:
    """Say how far each step is from the failing one and its cause; the failing region is nearest."""
    blamed = [
        at
        for at, span in enumerate(capture.spans)
        if span.span_id in (pattern.failing_span_id, pattern.cause_span_id)
    ] or [len(capture.spans) - 1]
    return [
        min(abs(at - one) for one in blamed) + (0 if span.span_id in kept else len(capture.spans))
        for at, span in enumerate(capture.spans)
    ]


def _fitting(lines: list[str], distances: list[int], most: int) -> set[int]:
    """Take steps from the nearest on while they fit; the nearest is always shown."""
    chosen: set[int] = set()
    room = most
    for at in sorted(range(len(lines)), key=lambda at: (distances[at], at)):
        room -= len(lines[at]) + 1
        if room < 0 and chosen:
            break
        chosen.add(at)
    return chosen
