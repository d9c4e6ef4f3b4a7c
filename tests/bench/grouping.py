"""How well failures of one problem come together: pairs, against the truth beside the recorded runs."""

import json
import tempfile
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from functions.local.trace_run import run_files
from shared.settings import Settings
from shared.wiring import wire_embedded


class Pairs(NamedTuple):
    """Right and wrong pairs of one way to group; pairs that the truth leaves open count neither way."""

    groups: int
    precision: float
    recall: float


def grouping_quality(traces: Path) -> list[tuple[str, Pairs]]:
    """Run a file and score its signature groups and its suggestions; nothing without the truth."""
    truth_file, label_file = traces.with_name("airline_truth.json"), traces.with_name("airline_labels.json")
    if not truth_file.exists():
        return []
    truth, labels = json.loads(truth_file.read_text()), json.loads(label_file.read_text())
    with tempfile.TemporaryDirectory() as folder:
        parts = wire_embedded(Settings(evalforge_store=Path(folder) / "store.db"))
        run_files([traces], parts)
        group_of = {pattern.trace_id: pattern.group_id for pattern in parts.patterns.all()}
        suggestion_of = {
            member.trace_id: suggestion.id
            for suggestion in parts.suggestions.all()
            for member in parts.suggestions.members(suggestion.id)
        }
    keys = {trace: (labels[trace]["task"], truth[trace]["same_failure_key"]) for trace in group_of}
    return [
        ("signature groups", _score(keys, group_of.__getitem__)),
        ("suggestions", _score(keys, suggestion_of.__getitem__)),
    ]


def _score(keys: dict[str, tuple[str, str]], of: Callable[[str], str]) -> Pairs:
    right = wrong = missed = 0
    for one, other in combinations(sorted(keys), 2):
        agreeing = [a == b for a, b in zip(keys[one], keys[other], strict=True)]
        together = of(one) == of(other)
        if all(agreeing):
            right, missed = right + together, missed + (not together)
        elif not any(agreeing):
            wrong += together
    found = right + wrong
    return Pairs(
        len({of(trace) for trace in keys}), right / found if found else 1.0, right / (right + missed)
    )
