"""Answers that say something else than the tools did."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pydantic import JsonValue

from functions.extract.rules.finding import LONGEST_QUOTE, Finding, around_place, quote_holding
from functions.extract.rules.view import CaptureView
from shared.domain.conversation import ToolCall, leaf_texts, objects_in
from shared.domain.courses import is_reading
from shared.domain.taxonomy import FailureType

UNAVAILABLE = (
    "discontinued",
    "unavailable",
    "out_of_stock",
    "out of stock",
    "sold_out",
    "expired",
    "retired",
)
_AVAILABILITY_KEYS = ("status", "availability", "state")
_NAME_KEYS = ("name", "title", "product_name", "id", "sku")
_SHORTEST_NAME = 4
_LONGEST_ANSWER = 20_000
_MOST_NUMBERS = 150
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NUMBER = re.compile(r"(?<![\w.,/:-])[$€£]?(\d{1,15}(?:,\d{3}){0,4}(?:\.\d{1,6})?)(?![\w/:-]|[.,]\d)")
_TOKEN = re.compile(r"[^\W\d_]+|[^\s\w*`]")
# What may stand between a label and its value.
_LINKS = frozenset({":", "=", "is", "was", "ist", "beträgt", "war", "est", "es", "$", "€", "£"})
# What stands before a label and is no part of it.
_BEFORE = frozenset(
    {"the", "your", "a", "its", "and", "with", "der", "die", "das", "dein", "ihr", "le", "la"}
)
_BEFORE_LABEL = 60
_FACTORS = range(2, 13)
# States of which one rules the others out.
_STATES = {
    **dict.fromkeys(("pending", "processing", "on hold", "awaiting payment", "unpaid"), "waiting"),
    **dict.fromkeys(("shipped", "in transit", "out for delivery"), "moving"),
    **dict.fromkeys(("delivered", "completed", "refunded"), "done"),
    **dict.fromkeys(("cancelled", "canceled", "rejected", "declined", "failed", "expired"), "off"),
}
_STATE_SAID = re.compile(
    r"(?i)\bstatus[*`_]{0,3} ?(?:is|:|=)[*`_]{0,3} ?(?:now |currently )?[\"'*`_]{0,3}"
    rf"({'|'.join(_STATES)})\b"
)


class _Told(NamedTuple):
    """A value that a call gave under a key."""

    call: ToolCall
    key: str
    value: float


def unavailable_item(view: CaptureView) -> Finding | None:
    """Blame an answer that offers what a tool result marks as unavailable."""
    said = view.answer.lower()
    if not said or view.answering is None:
        return None
    for call in view.calls:
        for told in objects_in(call.result):
            state = next((s for key in _AVAILABILITY_KEYS if (s := _unavailable(told.get(key)))), None)
            if state is None or state.replace("_", " ") in said or "no longer" in said:
                continue
            names = [name for key in _NAME_KEYS if isinstance(name := told.get(key), str)]
            if any(len(name) >= _SHORTEST_NAME and name.lower() in said for name in names):
                return Finding(
                    rule="unavailable_item",
                    failure_type=FailureType.HALLUCINATION,
                    span_id=view.answering.span_id,
                    cause_span_id=call.span.span_id,
                    reason=f"the answer offers an item that a tool result marks as {state}",
                    quote=quote_holding(call.span, re.compile(re.escape(state), re.IGNORECASE)),
                    stable=state,
                )
    return None


def contradicted_value(view: CaptureView) -> Finding | None:
    """Blame an answer that labels a value as a tool result does, and gives another than all results.

    What was said elsewhere or can be reckoned from the results is no contradiction,
    nor what a later call may have changed.
    """
    if view.answering is None or not (settled := _settled(view)):
        return None
    said = view.answer[:_LONGEST_ANSWER]
    return _other_number(view, settled, said) or _other_state(view, settled, said)


def _settled(view: CaptureView) -> list[ToolCall]:
    """List the calls whose results still held when the answer was written."""
    answering = view.answering
    calls = [call for call in view.calls if answering is not None and _is_before(view, call)]
    if any(not call.failed and not is_reading(call.name) for call in calls):
        return []
    return [call for call in calls if not call.failed]


def _is_before(view: CaptureView, call: ToolCall) -> bool:
    answering = view.answering
    place = view.places[answering.span_id] if answering else 0
    return answering is view.root or view.places[call.span.span_id] < place


def _other_number(view: CaptureView, calls: list[ToolCall], said: str) -> Finding | None:
    labelled = [(found, label) for found in _NUMBER.finditer(said) if (label := _label_before(said, found))]
    if not labelled:
        return None
    told = _numbers_by_label(calls)
    for found, label in labelled[:_MOST_NUMBERS]:
        values = told.get(label, [])
        number = float(found[1].replace(",", ""))
        if not values or any(_same(number, one.value, found[1]) for one in values):
            continue
        if not _is_known(view, found[1]) and not _is_reckoned(number, calls, values):
            return _contradiction(view, values[0].call, values[0].key, around_place(said, found.start()))
    return None


def _label_before(said: str, found: re.Match[str]) -> tuple[str, ...]:
    """Read the words right before a number, back to what begins a sentence, a line or a phrase."""
    before = said[max(0, found.start() - _BEFORE_LABEL) : found.start()].rpartition("\n")[2]
    tokens = [token.lower() for token in _TOKEN.findall(before)]
    while tokens and tokens[-1] in _LINKS:
        tokens.pop()
    label: list[str] = []
    while tokens and tokens[-1].isalpha() and tokens[-1] not in _BEFORE:
        label.insert(0, _singular(tokens.pop()))
    return tuple(label)


def _numbers_by_label(calls: list[ToolCall]) -> dict[tuple[str, ...], list[_Told]]:
    told: dict[tuple[str, ...], list[_Told]] = {}
    for call in calls:
        for held in objects_in(call.result):
            for key, value in held.items():
                if (number := _number_in(value)) is not None:
                    told.setdefault(_label_of(key), []).append(_Told(call, key, number))
    return told


def _label_of(key: str) -> tuple[str, ...]:
    return tuple(_singular(word.lower()) for word in _WORD.findall(key[:80]))


def _singular(word: str) -> str:
    return word.removesuffix("s")


def _number_in(value: JsonValue) -> float | None:
    """Read a number, or the text of an amount; other digits in texts are names of things."""
    if isinstance(value, str) and re.fullmatch(r"[$€£]?\d{1,12}\.\d\d", value):
        return float(value.lstrip("$€£"))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 10**15 else None


def _same(said: float, told: float, spelled: str) -> bool:
    """Say whether two numbers are one, be it rounded, a share as percents, or an amount in cents."""
    places = len(spelled.partition(".")[2])
    return any(abs(said - scaled) <= 0.5 * 10**-places + 1e-9 for scaled in (told, told * 100, told / 100))


def _is_known(view: CaptureView, spelled: str) -> bool:
    """Say whether a number was told by anybody else: the user, the prompt, a tool under another key."""
    bare = spelled.replace(",", "")
    texts = [view.told]
    for call in view.calls:
        texts += [*leaf_texts(call.span.input), *leaf_texts(call.span.output)]
    wanted = re.compile(rf"(?<!\d){re.escape(bare)}(?!\d)")
    return any(wanted.search(text.replace(",", "")) for text in texts)


def _is_reckoned(number: float, calls: list[ToolCall], values: list[_Told]) -> bool:
    """Say whether a number is a sum, a difference or a multiple of what results tell."""
    known = list(dict.fromkeys(_all_numbers(calls)))
    if len(known) > _MOST_NUMBERS:
        return True
    reach = {abs(number), number}
    if any(abs(total - number) < 0.01 for total in (sum(known), sum(one.value for one in values))):  # noqa: PLR2004
        return True
    held = {round(one, 2) for one in known}
    sums = any(
        round(wanted - one, 2) in held or round(wanted + one, 2) in held for wanted in reach for one in known
    )
    return sums or any(round(one * factor, 2) == round(number, 2) for one in known for factor in _FACTORS)


def _all_numbers(calls: list[ToolCall]) -> Iterator[float]:
    for call in calls:
        for side in (call.result, call.arguments):
            for held in objects_in(side):
                yield from (number for value in held.values() if (number := _number_in(value)) is not None)


def _other_state(view: CaptureView, calls: list[ToolCall], said: str) -> Finding | None:
    """Blame an answer that names a state which the states that results tell rule out."""
    found = _STATE_SAID.search(said)
    if not found:
        return None
    told = [
        (call, _STATES[state])
        for call in calls
        for held in objects_in(call.result)
        for key, value in held.items()
        if _label_of(key)[-1:] == (_singular("status"),)
        and isinstance(value, str)
        and (state := value.strip().lower().replace("_", " ")) in _STATES
    ]
    if not told or _STATES[found[1].lower()] in {state for _, state in told}:
        return None
    if found[1].lower() in view.told:
        return None
    return _contradiction(view, told[0][0], "status", around_place(said, found.start()))


def _contradiction(view: CaptureView, call: ToolCall, key: str, quote: str) -> Finding | None:
    if view.answering is None:
        return None
    return Finding(
        rule="contradicted_value",
        failure_type=FailureType.HALLUCINATION,
        span_id=view.answering.span_id,
        cause_span_id=call.span.span_id,
        reason=f"the answer gives a value as {key} that no result of {call.name} gives",
        quote=quote[:LONGEST_QUOTE],
        stable=f"{call.name}:{key}",
    )


def _unavailable(value: object) -> str | None:
    spelled = value.strip().lower() if isinstance(value, str) else ""
    return spelled if spelled in UNAVAILABLE else None
