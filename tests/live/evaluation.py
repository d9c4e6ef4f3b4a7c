"""Arms over one sample of labelled captures, as far as the money goes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from functions.measuring.extraction import ExtractionFigures, Steps, figures_of
from functions.measuring.labels import Label
from functions.measuring.table import laid_out, rows_of
from shared.domain.canonical import digest
from shared.domain.captures import Capture
from shared.domain.patterns import FailurePattern
from shared.errors import ModelTroubleError
from tests.live.arms import Arm

# A service that has failed so often in a row will not answer the next call either.
MOST_TROUBLES = 5


class Asked(NamedTuple):
    """What each arm said of the captures that all of them were asked about, and why no more were."""

    captures: tuple[Capture, ...]
    patterns: Mapping[str, Mapping[str, FailurePattern]]
    spent_usd: float
    ended: str


def sample(captures: Iterable[Capture], limit: int) -> list[Capture]:
    """Draw the same captures each time, whatever their order: the first by the hash of their ids."""
    return sorted(captures, key=lambda capture: digest(capture.trace_id))[:limit]


def ask(captures: Sequence[Capture], arms: Mapping[str, Arm], *, most_usd: float) -> Asked:
    """Ask every arm about a capture before the next one, so that all are held to the same.

    No capture is begun once the money is spent; the one before it may have gone
    beyond by what its own calls cost. What a call without an answer cost is not
    known here, so a row of those ends it too.
    """
    patterns: dict[str, dict[str, FailurePattern]] = {name: {} for name in arms}
    spent, troubles, done, ended = 0.0, 0, 0, ""
    for capture in captures:
        if spent >= most_usd:
            ended = f"the limit of ${most_usd:.2f} is reached"
            break
        if troubles >= MOST_TROUBLES:
            ended = f"{troubles} calls in a row gave no answer"
            break
        for name, arm in arms.items():
            try:
                said = arm(capture)
            except ModelTroubleError:
                troubles += 1
                continue
            # What costs nothing asked no model, and says nothing of how it is.
            if said.extractor.cost_usd:
                troubles = 0
            spent += said.extractor.cost_usd
            patterns[name][capture.trace_id] = said
        done += 1
    return Asked(tuple(captures[:done]), patterns, spent, ended)


def figures_by_arm(
    asked: Asked, labels: Iterable[Label], steps: Mapping[str, Steps]
) -> dict[str, ExtractionFigures]:
    """Hold every arm to the labels of what was asked."""
    wanted = {capture.trace_id for capture in asked.captures}
    told = [label for label in labels if label.trace_id in wanted]
    return {
        name: figures_of(told, patterns.get, lambda trace_id: steps.get(trace_id, Steps()))
        for name, patterns in asked.patterns.items()
    }


def spelled_figures(asked: Asked, figures: Mapping[str, ExtractionFigures]) -> Iterator[str]:
    """Lay out what came of it, an arm after the other."""
    yield f"{len(asked.captures)} failures, ${asked.spent_usd:.4f} spent{asked.ended and f'; {asked.ended}'}"
    for name, told in figures.items():
        silent = f", {len(told.without_pattern)} without an answer" if told.without_pattern else ""
        yield f"\n{name}: {told.measured} measured{silent}"
        yield from (f"  {line}" for line in laid_out(rows_of(told)))
