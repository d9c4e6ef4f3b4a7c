"""`evalforge bench`: how well a stage does its work, held to labels."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from functions.cli.command import Where, json_option, open_parts, reporting_errors, where_options
from functions.cli.run import MOST_SHOWN, run_showing, tell_faults
from functions.cli.terminal import counted, plain
from functions.measuring.extraction import ExtractionFigures, Steps, figures_of, steps_of
from functions.measuring.labels import Label, read_labels
from functions.measuring.table import laid_out, rows_of
from shared.domain.courses import is_reading
from shared.domain.patterns import FailurePattern
from shared.domain.taxonomy import FailureType
from shared.errors import TraceSourceError
from shared.redaction.redactor import safe_id
from shared.settings import Backend
from shared.wiring import Wiring

_TYPES = ", ".join(kind.value for kind in FailureType)


@click.group()
def bench() -> None:
    """Measure how well a stage does its work, on material of your own."""


@bench.command(
    name="extraction",
    help=f"""Measure how well failures are understood: which type, which step.

    --labels names a file with a line of JSON for each label, {{"trace_id", "type",
    "span_id"}}; span_id may be null. Several labels of one trace are several accepted
    answers. A line that is no label is named, and the rest counts. A type is one of:
    {_TYPES}.

    What is measured are the patterns in the store; with --traces, those that the loop
    makes of these trace files in a store of their own, which is removed afterwards.
    Beside each figure stands its floor: what a guess reaches that looks at no trace
    closely. Exit status: 0, and 1 where the labels or a trace file cannot be used.""",
)
@click.option(
    "--labels",
    "label_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What people say of the failures.",
)
@click.option(
    "--traces",
    multiple=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A trace file to run and measure, as `evalforge run` reads it; may be given more than once.",
)
@where_options
@json_option
@reporting_errors
def extraction(label_file: Path, traces: tuple[Path, ...], where: Where, *, as_json: bool) -> None:
    """Hold patterns to labels."""
    read = read_labels(label_file)
    for fault in read.faults[:MOST_SHOWN]:
        click.echo(f"error: {plain(fault)}", err=True)
    if len(read.faults) > MOST_SHOWN:
        click.echo(f"error: and {len(read.faults) - MOST_SHOWN} more lines like these", err=True)
    with _measured(where, traces) as parts:
        told = _figures(read.labels, parts)
    if not told.measured:
        click.echo(
            "note: no labelled trace has a pattern; `evalforge list patterns` shows which traces do, "
            "and --traces FILE measures a trace file",
            err=True,
        )
    if as_json:
        click.echo(told.model_dump_json(indent=2))
        return
    click.echo(
        f"{counted(told.labels, 'label')} of {counted(told.traces, 'trace')}, "
        f"{told.measured} with a pattern, {len(told.without_pattern)} without\n"
    )
    for line in laid_out(rows_of(told)):
        click.echo(line)


@contextmanager
def _measured(where: Where, traces: tuple[Path, ...]) -> Iterator[Wiring]:
    """Open the store that is told, or fill one with what the loop makes of trace files."""
    if not traces:
        yield open_parts(where, reading=True)
        return
    if where.store or where.backend:
        raise click.UsageError("--traces are run in a store of their own: leave out --store and --backend")
    with tempfile.TemporaryDirectory(prefix="evalforge-") as folder:
        place = Where(Path(folder) / "store.db", Backend.EMBEDDED)
        # Measuring tells nobody of failures that a team may have seen long ago.
        parts = replace(open_parts(place, asks_datadog=False), notifier=None)
        outcome = run_showing(traces, parts)
        tell_faults(outcome)
        if outcome.unusable:
            raise TraceSourceError(f"{outcome.unusable[0]} gave no trace; nothing was measured")
        yield parts


def _figures(labels: tuple[Label, ...], parts: Wiring) -> ExtractionFigures:
    def pattern_of(trace_id: str) -> FailurePattern | None:
        known = parts.patterns.get(trace_id)
        return known.pattern if known and not known.pattern.withdrawn else None

    def steps(trace_id: str) -> Steps:
        capture = parts.captures.get(trace_id)
        return steps_of(capture, lambda tool: not is_reading(tool)) if capture else Steps()

    salt = parts.pii_salt or b""
    # An id that tells of a person is stored as a hash; labels may still bear the id itself.
    stored = [
        Label(safe_id(one.trace_id, salt), one.failure_type, one.span_id and safe_id(one.span_id, salt))
        for one in labels
    ]
    return figures_of(stored, pattern_of, steps)
