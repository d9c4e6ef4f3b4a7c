"""Figures laid out to be read: what was measured beside what guessing reaches."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from functions.measuring.extraction import ExtractionFigures
from functions.measuring.shares import Share

NONE = "-"


class Row(NamedTuple):
    """One figure, its interval where it has one, and the floor beside it."""

    name: str
    measured: str
    interval: str = ""
    floor: str = ""


def laid_out(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Align rows of equal length in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def rows_of(told: ExtractionFigures) -> list[Row]:
    """Spell the figures of extraction."""
    floor = told.floor
    kind = floor.most_frequent_type
    return [
        Row("", "measured", "95 % interval", "floor"),
        _row(
            "type, leading",
            told.type_leading,
            f"{spelled(floor.type_leading)} always {kind.value}" if kind else NONE,
        ),
        _row("type, among the first three", told.type_among_three),
        _row(
            "failing step is a labelled span",
            told.failing_span,
            f"{percent(floor.random_span)} a random span",
        ),
        _row("cause is a labelled span", told.cause_span),
        _row(
            "one of the two is",
            told.either_span,
            f"{percent(floor.random_spans)} as many random spans",
        ),
        _row("both are", told.both_spans),
        _row("  floor: the first error", floor.first_error),
        _row("  floor: the first change that succeeded", floor.first_change),
        _row("  floor: the last change that succeeded", floor.last_change),
        _row("leading type and span right", told.right),
        _row("unknown", told.unknown),
        Row("calibration error (ECE, 10 bins)", _number(told.calibration_error, "{:.3f}")),
        Row("cost", f"${told.cost_usd:.4f}"),
        Row("cost a failure", _number(told.cost_usd_per_failure, "${:.5f}")),
        Row("latency a failure, 95th percentile", _number(told.latency_ms_p95, "{} ms")),
    ]


def spelled(share: Share) -> str:
    """Spell a share with what it counts: `75.0 % (3 of 4)`."""
    return NONE if share.share is None else f"{percent(share.share)} ({share.hits} of {share.of})"


def interval(share: Share) -> str:
    """Spell the bounds of a share."""
    if share.low is None or share.high is None:
        return NONE
    return f"{100 * share.low:.1f} to {100 * share.high:.1f} %"


def percent(value: float | None) -> str:
    """Spell a share of one."""
    return NONE if value is None else f"{100 * value:.1f} %"


def _row(name: str, share: Share, floor: str = "") -> Row:
    return Row(name, spelled(share), interval(share), floor)


def _number(value: float | None, form: str) -> str:
    return NONE if value is None else form.format(value)
