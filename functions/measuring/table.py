"""Figures laid out to be read: what was measured beside what guessing reaches."""

from collections.abc import Iterator
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


def laid_out(rows: list[Row]) -> Iterator[str]:
    """Align rows in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def rows_of(told: ExtractionFigures) -> list[Row]:
    """Spell the figures of extraction."""
    floor = told.floor
    kind = floor.most_frequent_type
    always = f"{spelled(floor.type_leading)} by always {kind.value}" if kind else NONE
    guesses = (
        ("a random span", percent(floor.random_span)),
        ("the first error", spelled(floor.first_error)),
        ("the last successful change", spelled(floor.last_change)),
        ("the first successful change", spelled(floor.first_change)),
    )
    spans = (
        ("failing step is the labelled span", told.failing_span),
        ("its cause is", told.cause_span),
        ("one of the two is", told.either_span),
        ("both are", told.both_spans),
    )
    return [
        Row("", "measured", "95 % interval", "floor"),
        _row("type, leading", told.type_leading, always),
        _row("type, among the first three", told.type_among_three),
        *(
            _row(name, share, f"{reached} by {guess}")
            for (name, share), (guess, reached) in zip(spans, guesses, strict=True)
        ),
        _row("leading type and span right", told.right),
        _row("unknown", told.unknown),
        Row(
            "calibration error (ECE, 10 bins)", NONE if (e := told.calibration_error) is None else f"{e:.3f}"
        ),
        Row("cost", f"${told.cost_usd:.4f}"),
        Row("cost a failure", NONE if (c := told.cost_usd_per_failure) is None else f"${c:.5f}"),
        Row("latency, 95th percentile", NONE if (p := told.latency_ms_p95) is None else f"{p} ms"),
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
