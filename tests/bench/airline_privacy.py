"""What of the airline's customers survives redaction, and what of their trips."""

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from shared.domain.conversation import leaf_texts, objects_in
from shared.domain.json_text import json_in
from shared.domain.span_shapes import parse_span
from shared.domain.spans import Trace

# What must stay, as the airline writes it.
KEPT = {
    "reservation numbers": re.compile(r"\b(?=[A-Z0-9]*\d)(?=[A-Z0-9]*[A-Z])[A-Z0-9]{6}\b"),
    "flight numbers": re.compile(r"\bHAT\d{3}\b"),
    "amounts": re.compile(r"\$\d[\d,]*(?:\.\d\d)?"),
}


class Truth(NamedTuple):
    """What the structured results of tools say of customers."""

    names: frozenset[str]
    emails: frozenset[str]
    births: frozenset[str]
    addresses: frozenset[str]
    cards: frozenset[str]


def traces_in(path: Path) -> list[Trace]:
    """Read a file of spans."""
    spans = defaultdict(list)
    with gzip.open(path, "rt") as lines:
        for line in lines:
            span = parse_span(json.loads(line))
            spans[span.trace_id].append(span)
    return [Trace.of(trace_id, told) for trace_id, told in spans.items()]


def truth_of(traces: list[Trace]) -> Truth:
    """Collect what tools returned under keys that say what it is."""
    told: dict[str, set[str]] = defaultdict(set)
    for one in (one for trace in traces for span in trace.spans for one in _objects(span.output)):
        if isinstance(one.get("first_name"), str) and isinstance(one.get("last_name"), str):
            told["name"].add(f"{one['first_name']} {one['last_name']}")
        for key in ("email", "dob", "address1", "last_four"):
            if isinstance(value := one.get(key), str):
                told[key].add(value)
    return Truth(*(frozenset(told[key]) for key in ("name", "email", "dob", "address1", "last_four")))


def text_of(trace: Trace) -> str:
    """Put all texts of a trace one below the other."""
    return "\n".join(leaf_texts(trace.model_dump(mode="json")["spans"]))


def survivors(truth: Truth, trace: Trace, text: str) -> dict[str, set[str]]:
    """Say what of the truth still stands in the text of a redacted trace, as whole words.

    A part of a name counts where the trace knows whose it is: one customer's
    name is an airport's, `John F. Kennedy`, in the trace of another.

    Of cards the airline knows four digits, which a price or a time may show as
    well: they count where words before them speak of a card.
    """
    parts = {part for name in truth_of([trace]).names for part in name.split()}
    words = set(re.findall(r"[^\W_]+", text))
    return {
        "names": {name for name in truth.names if name in text},
        "parts of names": parts & words,
        "e-mail addresses": {one for one in truth.emails if one in text},
        "birth dates": {one for one in truth.births if one in text},
        "addresses": {one for one in truth.addresses if one in text},
        "card numbers": {
            one for one in truth.cards if re.search(rf"(?i)\bcard\b[^\n\d]{{0,30}}\b{one}\b", text)
        },
    }


def _objects(value: JsonValue) -> Iterator[dict[str, JsonValue]]:
    parsed = [parsed for text in leaf_texts(value) if (parsed := json_in(text)) is not None]
    for one in (value, *parsed):
        yield from objects_in(one)
