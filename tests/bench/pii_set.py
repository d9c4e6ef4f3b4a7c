"""Texts with what must be found in them: labelled by somebody else, by template, and drawn by a seed."""

import hashlib
import ipaddress
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from shared.redaction.kinds import Found
from shared.redaction.words import words

Finder = Callable[[str], list[Found]]
PERSONAL = (
    "CREDIT_CARD",
    "EMAIL_ADDRESS",
    "US_SSN",
    "IP_ADDRESS",
    "IBAN_CODE",
    "PHONE_NUMBER",
    "PERSON",
    "STREET_ADDRESS",
    "US_DRIVER_LICENSE",
    "ZIP_CODE",
)
FOLDS = 5
BLIND_TEXTS = Path(__file__).with_name("blind_texts.jsonl")
_NETWORK_FRAMES = (
    "the request came from {} at noon",
    "Blocked {}.",
    "({})",
    "host={}, port=443",
    "{}",
    "from {}, then again",
    '{{"peer": "{}"}}',
    "Is {} yours?",
)
# Told by what stands beside them, or by nothing at all.
_NAME_FRAMES = (
    "Hi, my name is {} and my parcel has not come.",
    "Dear {},\nthank you for your order.",
    "Please send it again.\n\nBest regards,\n{}",
    "The ticket was opened by {} this morning.",
    "Could you ask {} whether the room is free?",
    "{} wants the window seat instead.",
    "We met {} at the desk, who had lost the key.",
    "Put the invoice on the account of {}.",
    "The second passenger is {}.",
    "According to {}, nothing had been charged.",
)
_GIVEN = words(
    "Aneta Birgitta Callum Dagny Eilidh Farouk Giovanna Hyacinth Ileana Jürgen Kwame Léontine Mbali Nuria "
    "Oisín Priyanka Quentin Rosalía Siobhán Tadeusz"
)
_FAMILY = words(
    "Achterberg Bellweather Castellanos Dąbrowska Eriksen Fitzmaurice Grünwald Hathaway Iwanow Jørgensen "
    "Kowalczyk Lefebvre Mukherjee Nakamura Okonkwo Pellegrini Quiroga Rasmussen Szabó Thistlewood"
)


class Recall(NamedTuple):
    """What was found of one type: characters, and how many values they make up."""

    values: int
    characters: int
    found: int

    @property
    def share(self) -> float:
        """The recall."""
        return self.found / self.characters if self.characters else 1.0


class Figures(NamedTuple):
    """Recall by type, and how much of what was redacted stood outside every label."""

    texts: int
    recall: dict[str, Recall]
    redacted: int
    outside: int

    @property
    def precision(self) -> float:
        """The share of redacted characters that some label covers."""
        return 1 - self.outside / self.redacted if self.redacted else 1.0

    def f2(self, types: Iterable[str]) -> float:
        """F-score that weighs recall over precision by two, over some types."""
        told = [self.recall[one] for one in types if one in self.recall]
        recall = sum(one.found for one in told) / sum(one.characters for one in told)
        return 5 * self.precision * recall / (4 * self.precision + recall)


class Planted(NamedTuple):
    """A sentence, and where in it the value stands that must be found."""

    text: str
    start: int
    end: int


def load(path: Path) -> list[dict[str, Any]]:
    """Read the labelled texts."""
    records: list[dict[str, Any]] = json.loads(path.read_text())
    return records


def blind_sets() -> dict[int, list[dict[str, Any]]]:
    """Read our own labelled texts, set by set.

    Each set was written, and filled with Faker's values, by somebody who had seen
    no rule, and measured once before anybody looked at what was missed; a line is
    an object of `set`, `template_id`, `text` and `spans`.
    """
    sets: dict[int, list[dict[str, Any]]] = {}
    for line in BLIND_TEXTS.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        sets.setdefault(record["set"], []).append(record)
    return sets


def fold_of(record: dict[str, Any]) -> int:
    """Put all texts of one template into one fold."""
    hashed = hashlib.sha256(f"template {record['template_id']}".encode()).digest()
    return int.from_bytes(hashed[:4], "big") % FOLDS


def figures(records: Sequence[dict[str, Any]], finder: Finder) -> Figures:
    """Measure a finder; a labelled character counts as found whatever the finder calls it."""
    values: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    found: Counter[str] = Counter()
    redacted = outside = 0
    for record in records:
        covered, labelled = bytearray(len(record["text"])), bytearray(len(record["text"]))
        for one in finder(record["text"]):
            covered[one.start : one.end] = b"\1" * (one.end - one.start)
        for span in record["spans"]:
            labelled[span["start"] : span["end"]] = b"\1" * (span["end"] - span["start"])
            values[span["type"]] += 1
            characters[span["type"]] += span["end"] - span["start"]
            found[span["type"]] += sum(covered[span["start"] : span["end"]])
        redacted += sum(covered)
        outside += sum(1 for here, there in zip(covered, labelled, strict=True) if here and not there)
    recall = {one: Recall(values[one], characters[one], found[one]) for one in sorted(values)}
    return Figures(len(records), recall, redacted, outside)


def network_sentences(version: int, count: int = 500) -> list[Planted]:
    """Draw sentences with addresses of IPv4 or IPv6, as they are usually spelled."""
    make: Callable[[int], ipaddress.IPv4Address | ipaddress.IPv6Address]
    make, bits = (ipaddress.IPv4Address, 32) if version == 4 else (ipaddress.IPv6Address, 128)
    drawn = random.Random(11)
    told = []
    for number in range(count):
        address = make(drawn.getrandbits(bits))
        spelled = drawn.choice([str(address), address.exploded, str(address).upper()])
        told.append(_planted(_NETWORK_FRAMES[number % len(_NETWORK_FRAMES)], spelled))
    return told


def name_sentences(count: int = 200) -> list[Planted]:
    """Draw sentences with the names of people, a different one in each."""
    pairs = [f"{given} {family}" for given in sorted(_GIVEN) for family in sorted(_FAMILY)]
    names = random.Random(12).sample(pairs, count)
    return [_planted(_NAME_FRAMES[number % len(_NAME_FRAMES)], name) for number, name in enumerate(names)]


def missed(told: Iterable[Planted], finder: Callable[[str], list[Found]]) -> list[str]:
    """List the sentences whose value is not found whole."""
    return [one.text for one in told if not _is_covered(one, finder(one.text))]


def _planted(frame: str, value: str) -> Planted:
    text = frame.format(value)
    start = text.index(value)
    return Planted(text, start, start + len(value))


def _is_covered(told: Planted, found: Iterable[Found]) -> bool:
    covered = {at for one in found for at in range(one.start, one.end)}
    return all(at in covered or told.text[at].isspace() for at in range(told.start, told.end))
