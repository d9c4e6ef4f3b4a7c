"""`evalforge serve` and `evalforge demo`: the local host."""

import signal
import threading
import time
from pathlib import Path

import click

from functions.cli.command import open_parts, reporting_errors, store_option
from functions.cli.report import layout, report
from functions.cli.run import first_pending, next_steps
from functions.cli.terminal import console, counted, plain
from functions.local.demo import run_demo
from functions.local.host import hosting
from functions.local.trace_run import register_files
from shared import logs


@click.command()
@store_option
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="The loopback port."
)
@click.option(
    "--traces",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A trace file to search when an alert comes; may be given more than once.",
)
@reporting_errors
def serve(store: Path | None, port: int, traces: tuple[Path, ...]) -> None:
    """Host every function on one loopback port: POST webhooks to /receive_alert."""
    parts = open_parts(store)
    logs.configure(parts.settings.evalforge_log_level)
    for fault in register_files(traces, parts):
        click.echo(f"error: {plain(str(fault))}", err=True)
    with hosting(parts, port=port) as address:
        click.echo(
            f"receive_alert  {address}/receive_alert\nhealth         {address}/healthz\nstop it with Ctrl-C"
        )
        _wait_for_the_end()
        click.echo("stopping", err=True)


def _wait_for_the_end() -> None:
    """Wait for Ctrl-C or a polite kill, also where a shell has told its children to ignore Ctrl-C."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


@click.command()
@store_option
@reporting_errors
def demo(store: Path | None) -> None:
    """Post a sample Datadog webhook and watch the loop turn it into suggestions."""
    started = time.perf_counter()
    parts = open_parts(store or Path(".evalforge/demo.db"))
    out = console()
    run_demo(parts, say=click.echo)
    told = report(parts, time.perf_counter() - started)
    out.print(
        f"the chain      {counted(told.captures, 'failing trace')} against {told.healthy} healthy ones, "
        f"{counted(told.dead_letters, 'dead letter')}, {told.elapsed_s:.1f} s\n"
    )
    out.print(layout(told.suggestions, width=out.width))
    click.echo(next_steps(parts, first_pending(told)))
