"""How well the redactor finds what somebody else has labelled: figures by characters, by template."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from shared.redaction.kinds import Found

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


def load(path: Path) -> list[dict[str, Any]]:
    """Read the labelled texts."""
    records: list[dict[str, Any]] = json.loads(path.read_text())
    return records


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
