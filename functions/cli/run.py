"""`evalforge run`: trace files in, suggestions out."""

import json
import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from functions.cli.command import (
    Where,
    json_option,
    open_parts,
    program_name,
    reporting_errors,
    spelled_options,
    where_options,
)
from functions.cli.report import RunReport, layout, report
from functions.cli.starting import INTERRUPTED
from functions.cli.terminal import console, counted, plain
from functions.local import trace_run
from shared.domain.suggestions import SuggestionStatus
from shared.settings import Backend
from shared.topology import FUNCTIONS, Topic
from shared.wiring import Wiring

MOST_SHOWN = 20
_STAGES = {function.topic: function.name for function in FUNCTIONS if function.topic}


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@where_options
@json_option
@reporting_errors
def run(files: tuple[Path, ...], where: Where, *, as_json: bool) -> None:
    """Take trace FILES (plain or gzip) through the whole loop.

    One span a line in the shape of Datadog's span search, the bare attributes,
    a whole search response, or the intake forms. What cannot be read is named
    with its line and kept as a dead letter; the rest goes on. Exit status: 0
    when every file gave spans, 1 when one gave none, 2 for wrong settings.
    On the emulators the search is ordered, and the functions do the rest.
    """
    started = time.perf_counter()
    parts = open_parts(where)
    try:
        outcome = run_showing(files, parts)
    except KeyboardInterrupt:
        click.echo("stopped; nothing is lost, and the same command goes on from here", err=True)
        sys.exit(INTERRUPTED)
    tell_faults(outcome)
    if parts.settings.evalforge_backend is not Backend.EMBEDDED:
        usable = len(files) - len(outcome.unusable)
        where_to_look = f"; see what comes of it: {program_name()} list suggestions{spelled_options(parts)}"
        text = f"{counted(usable, 'search', 'searches')} ordered{where_to_look if usable else ''}"
        click.echo(json.dumps({"ordered": usable}) if as_json else text)
        sys.exit(1 if outcome.unusable else 0)
    told = report(parts, time.perf_counter() - started)
    if as_json:
        click.echo(told.model_dump_json(indent=2))
    else:
        out = console()
        out.print(layout(told.suggestions, width=out.width))
        out.print(
            f"\nthe store now: {counted(told.captures, 'failing trace')}, {told.healthy} healthy, "
            f"{counted(told.patterns, 'pattern')}, {counted(len(told.suggestions), 'suggestion')}, "
            f"dead letters: {told.dead_letters}; model calls: {told.model_calls}, "
            f"${told.cost_usd:.2f}; {told.elapsed_s:.1f} s"
        )
        # Not through the table's printer: a command that was wrapped cannot be copied.
        click.echo(next_steps(parts, first_pending(told)))
    if outcome.unusable:
        sys.exit(1)


def tell_faults(outcome: trace_run.Outcome) -> None:
    """Name what could not be read, the first of it line by line."""
    for fault in outcome.faults[:MOST_SHOWN]:
        click.echo(f"error: {plain(str(fault))}", err=True)
    if len(outcome.faults) > MOST_SHOWN:
        click.echo(f"error: and {len(outcome.faults) - MOST_SHOWN} more faults like these", err=True)


def first_pending(told: RunReport) -> str | None:
    """Name the most urgent suggestion that waits for a person."""
    return next((line.id for line in told.suggestions if line.status is SuggestionStatus.PENDING), None)


def next_steps(parts: Wiring, suggestion_id: str | None) -> str:
    """Say where to look next, in commands that work as they stand."""
    option = spelled_options(parts)
    program = program_name()
    lines = []
    if suggestion_id:
        lines = [
            f"  {program} show suggestion {suggestion_id}{option}",
            f"  {program} approve {suggestion_id}{option}",
        ]
    if parts.dead_letters.count():
        lines.append(f"  {program} list dead-letters{option}")
    return "\n".join(["\nnext:", *lines]) if lines else ""


def run_showing(files: tuple[Path, ...], parts: Wiring) -> trace_run.Outcome:
    """Run files, or order it where others do the work; a terminal shows how far it is."""
    if parts.settings.evalforge_backend is not Backend.EMBEDDED:
        return trace_run.order_files(files, parts)
    err = console(stderr=True)
    if not err.is_terminal:
        return trace_run.run_files(files, parts)
    with _bar(err) as bar:
        task = bar.add_task("reading", total=None)
        most = 1

        def reading(path: Path, spans: int) -> None:
            bar.update(task, description=f"reading {path.name}: {spans} spans")

        def working(left: dict[Topic, int]) -> None:
            nonlocal most
            most = max(most, sum(left.values()))
            stages = ", ".join(f"{_STAGES[topic]} {count}" for topic, count in left.items())
            bar.update(task, description=stages or "done", total=most, completed=most - sum(left.values()))

        return trace_run.run_files(files, parts, progress=trace_run.Progress(reading, working))


def _bar(err: Console) -> Progress:
    columns = (
        SpinnerColumn(),
        BarColumn(bar_width=24),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=err, transient=True)
