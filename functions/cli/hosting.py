"""`evalforge serve` and `evalforge demo`: the local host."""

import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import click

from functions.cli.command import Where, open_parts, open_settings, reporting_errors, where_options
from functions.cli.report import layout, report
from functions.cli.run import first_pending, next_steps
from functions.cli.terminal import console, counted, plain
from functions.local.datadog.asking import stand_in_of, variables
from functions.local.datadog.standing_in import standing_in
from functions.local.demo import run_demo
from functions.local.host import hosting
from functions.local.trace_run import register_files
from shared import logs
from shared.embedded.trace_reading import Fault
from shared.errors import ConfigError
from shared.settings import Backend, Settings
from shared.wiring import wire

_TERMINATED = 143


@click.command()
@where_options
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="The loopback port."
)
@click.option(
    "--traces",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A trace file to search when an alert comes; may be given more than once.",
)
@click.option(
    "--with-datadog",
    "served",
    multiple=True,
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A trace file to serve as Datadog's API does, on loopback, and to search there; may be given more "
    "than once. Its traces stay as old as they are: post alerts of their time, or backfill it.",
)
@click.option(
    "--datadog-log",
    "log",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file to write what was asked of that API and what it answered, a line of JSON each, without "
    "keys. It has what the traces say, unredacted: it is made for you alone to read.",
)
@reporting_errors
def serve(
    where: Where, port: int, traces: tuple[Path, ...], served: tuple[Path, ...], log: Path | None
) -> None:
    """Host every function on loopback: POST webhooks to /receive_alert.

    Embedded, all of them in this process. With `--backend emulator` as they are
    deployed: Google's emulators of Firestore and Pub/Sub, started unless
    FIRESTORE_EMULATOR_HOST and PUBSUB_EMULATOR_HOST name running ones, and a
    process of functions-framework for each function.
    """
    if log is not None and not served:
        raise click.UsageError("--datadog-log is about the Datadog of --with-datadog, which is not given")
    settings = open_settings(where)
    logs.configure(settings.evalforge_log_level)
    if settings.evalforge_backend is Backend.CLOUD:
        raise ConfigError("on Google Cloud the functions are deployed, not served: see infra/README.md")
    if not served and (lacking := settings.lacking_key):
        click.echo(f"note: {lacking} is not set; Datadog is searched with both keys", err=True)
    with standing_in(settings, served, tell=_tell, log=log) as settings:
        if settings.evalforge_backend is Backend.EMBEDDED:
            _serve_embedded(settings, port, traces)
        else:
            _serve_on_emulators(settings, port, traces)


def _serve_embedded(settings: Settings, port: int, traces: tuple[Path, ...]) -> None:
    parts = wire(settings)
    for fault in register_files(traces, parts):
        _tell(fault)
    with hosting(parts, port=port) as address:
        click.echo(f"receive_alert  {address}/receive_alert\nhealth         {address}/healthz")
        if url := stand_in_of(settings):
            found = " ".join(f"{name}={value}" for name, value in variables(settings).items())
            click.echo(f"datadog        {url}\nother commands find it with {found}")
        click.echo("stop it with Ctrl-C")
        _wait_for_the_end()
        click.echo("stopping", err=True)


def _serve_on_emulators(settings: Settings, port: int, traces: tuple[Path, ...]) -> None:
    from functions.local.emulation import emulating

    # Whoever is ended while it starts ends what it has started; so does a terminal that is closed.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(_TERMINATED))
    with emulating(settings, port=port) as emulation:
        for fault in register_files(traces, emulation.parts):
            _tell(fault)
        click.echo(f"firestore      {emulation.hosts.firestore}\npubsub         {emulation.hosts.pubsub}")
        if url := stand_in_of(settings):
            click.echo(f"datadog        {url}")
        for name, running in emulation.functions().items():
            click.echo(f"{name:14} {running.url}/{'receive_alert' if name == 'receive_alert' else ''}")
        click.echo("other commands find it with --backend emulator; stop it with Ctrl-C")
        _wait_for_the_end()
        click.echo("stopping", err=True)


def _tell(fault: Fault) -> None:
    click.echo(f"error: {plain(str(fault))}", err=True)


def _wait_for_the_end() -> None:
    """Wait for Ctrl-C or a polite kill, also where a shell has told its children to ignore Ctrl-C."""
    ended = threading.Event()
    # Set for good: a second signal does not cut the ending short.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()


@click.command()
@where_options
@reporting_errors
def demo(where: Where) -> None:
    """Post a sample Datadog webhook and watch the loop turn it into suggestions."""
    if where.backend not in (None, Backend.EMBEDDED):
        raise click.UsageError("the demo runs on the embedded backend alone; see `evalforge serve`")
    started = time.perf_counter()
    where = where._replace(backend=Backend.EMBEDDED)
    parts = open_parts(where._replace(store=where.store or Path(".evalforge/demo.db")), asks_datadog=False)
    # Whatever a laptop has set: what a demonstration shows costs nobody money.
    parts = replace(parts, made_model=lambda: None)
    out = console()
    run_demo(parts, say=click.echo)
    told = report(parts, time.perf_counter() - started)
    out.print(
        f"the chain      {counted(told.captures, 'failing trace')} against {told.healthy} healthy ones, "
        f"{counted(told.dead_letters, 'dead letter')}, {told.elapsed_s:.1f} s\n"
    )
    out.print(layout(told.suggestions, width=out.width))
    click.echo(next_steps(parts, first_pending(told)))
