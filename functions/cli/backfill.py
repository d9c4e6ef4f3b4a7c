"""`evalforge backfill`: a range of the past, searched window by window."""

import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import click

from functions.backfill.counting import Census
from functions.backfill.orders import Orders, Wanted, incident_of
from functions.backfill.running import Backfill
from functions.backfill.windows import count, cut
from functions.cli.backfill_report import Asked, BackfillReport, failures, lines, report, spelled
from functions.cli.command import Where, json_option, open_parts, reporting_errors, where_options
from functions.cli.meter import Meter
from functions.cli.moments import Length, Moment
from functions.cli.patience import Patient
from functions.cli.starting import INTERRUPTED
from functions.cli.terminal import counted, plain
from functions.local.host import queue_of
from functions.local.trace_run import deliver_all
from functions.resend import resending
from shared.cloud.datadog_traces import RETENTION
from shared.embedded.local_traces import LocalTraces
from shared.errors import ConfigError, PermanentError, UnavailableError
from shared.ports import TraceQuery
from shared.redaction.redactor import redact_text
from shared.settings import Backend
from shared.wiring import Wiring

# How many windows are ordered ahead of those that are done: what is left when a command is stopped.
_AHEAD = 20
_POLL_SECONDS = 2.0
_MOST_WINDOWS = 10_000
_A_MOMENT = timedelta(seconds=1)


@click.command()
@click.option(
    "--from",
    "since",
    required=True,
    type=Moment(),
    help="Where to begin: 2026-11-20, 2026-11-20T12:00Z, 36h, 7d.",
)
@click.option("--to", "until", type=Moment(), help="Where to end [default: now].")
@click.option("--ml-app", help="Traces of this application alone.")
@click.option("--env", help="Traces of this environment alone.")
@click.option("--query", help="Traces of which Datadog finds a span by this query alone.")
@click.option(
    "--window", type=Length(), default="6h", show_default=True, help="How much time is searched at once."
)
@click.option("--dry-run", is_flag=True, help="Count the traces of each window, and order nothing.")
@click.option(
    "--max",
    "most",
    type=click.IntRange(min=1),
    metavar="N",
    help="Order no more windows once the newest ones hold N failing traces or more.",
)
@click.option("--again", is_flag=True, help="Also search windows that were searched before.")
@where_options
@json_option
@reporting_errors
def backfill(
    *,
    since: datetime,
    until: datetime | None,
    ml_app: str | None,
    env: str | None,
    query: str | None,
    window: timedelta,
    most: int | None,
    where: Where,
    dry_run: bool,
    again: bool,
    as_json: bool,
) -> None:
    """Search a range of the past, window by window, the newest first.

    A window that was searched is left out the next time, whichever backfill
    had it searched: stopped with Ctrl-C, the same command goes on; run once
    more, it changes nothing. Times that are told as how long ago, or not at
    all, move with the clock, and the first and the last window with them.
    On Google Cloud and the emulators the functions do the work, a few windows
    ahead of those that are done. --dry-run and --max count by searches of
    their own, for which this machine needs the keys for Datadog. Exit status:
    1 when windows could not be searched, 2 for wrong settings, 130 for Ctrl-C.
    """
    parts = open_parts(where)
    until = until or parts.clock().replace(microsecond=0)
    if since >= until:
        raise click.UsageError(
            f"--from ({since:%Y-%m-%d %H:%M}) must be before --to ({until:%Y-%m-%d %H:%M} UTC)"
        )
    wanted = Wanted(ml_app or None, env or None, query or None)
    asked = Asked(since, until, window, wanted, most, again, dry_run)
    _check(asked, parts)
    if since < _kept_since(parts):
        _note(f"Datadog keeps spans for {RETENTION.days} days; nothing is found that is older")
    census = Census(Patient(parts.traces, tell=_note)) if dry_run or most else None
    meter = Meter(count(since, until, window), _counting(parts, census), "traces" if census else "new traces")
    work = Backfill(
        (incident_of(one, wanted) for one in cut(since, until, window)),
        _orders(parts),
        again=again,
        census=census,
        most_failing=most,
        tell=lambda work: meter.show(work.settled, work.worked),
    )
    interrupted, fault = False, ""
    try:
        if not dry_run:
            _finish_earlier(parts)
        with meter:
            _run(work, asked, parts)
    except KeyboardInterrupt:
        interrupted = True
    except UnavailableError as error:
        fault = str(error)
    told = report(work, asked, census, interrupted=interrupted or bool(fault), seconds=meter.seconds)
    _say(told, work, asked, parts, as_json=as_json)
    if fault:
        click.echo(f"error: {plain(fault)}", err=True)
    sys.exit(INTERRUPTED if interrupted else 1 if work.failed or fault else 0)


def _check(asked: Asked, parts: Wiring) -> None:
    """Refuse what could not be searched, or what may not be kept, before anything is ordered."""
    if isinstance(parts.traces, LocalTraces) and parts.traces.is_empty:
        raise ConfigError(
            "there is nothing to search: set DATADOG_API_KEY and DATADOG_APP_KEY, or run trace files first"
        )
    if (windows := count(asked.since, asked.until, asked.window)) > _MOST_WINDOWS:
        raise click.UsageError(
            f"that is {windows:,} windows; {_MOST_WINDOWS:,} at most: make --window larger"
        )
    for name, told in asked.wanted._asdict().items():
        if told and redact_text(told) != told:
            raise click.UsageError(
                f"--{name.replace('_', '-')} tells of a person or holds a secret, and would be stored; "
                "search by something else"
            )
    settings = parts.settings
    if asked.wanted.query and (settings.asks_datadog or settings.evalforge_backend is not Backend.CLOUD):
        query = TraceQuery(since=asked.until - _A_MOMENT, until=asked.until, query=asked.wanted.query)
        try:
            parts.traces.search(query)
        except PermanentError as error:
            raise ConfigError(f"--query: {error}") from None


def _note(text: str) -> None:
    click.echo(f"note: {text}", err=True)


def _kept_since(parts: Wiring) -> datetime:
    """Say how far back Datadog has anything, where it is Datadog that is searched."""
    settings = parts.settings
    searched = settings.asks_datadog or settings.evalforge_backend is Backend.CLOUD
    if not searched or settings.datadog_api_url:
        return datetime.min.replace(tzinfo=parts.clock().tzinfo)
    return parts.clock() - RETENTION


def _orders(parts: Wiring) -> Orders:
    letters, publisher, clock = parts.dead_letters, parts.publisher, parts.clock
    return Orders(
        incidents=parts.incidents,
        searches=parts.searches,
        dead_letters=letters,
        publisher=publisher,
        resend=lambda letter_id: resending.resend_one(letter_id, letters, publisher, clock=clock),
    )


def _counting(parts: Wiring, census: Census | None) -> Callable[[], int]:
    """Count traces: those that were found where windows are counted, else those that are new in the store."""
    if census is not None:
        return lambda: census.failing + census.healthy
    stored = parts.captures.count() + parts.healthy.count()
    return lambda: max(parts.captures.count() + parts.healthy.count() - stored, 0)


def _run(work: Backfill, asked: Asked, parts: Wiring) -> None:
    if asked.dry_run:
        work.count()
        return
    if parts.settings.evalforge_backend is Backend.EMBEDDED:
        work.run(ahead=_AHEAD, wait=lambda take_stock: deliver_all(parts, progress=lambda _: take_stock()))
    else:
        work.run(ahead=_AHEAD, wait=lambda _: time.sleep(_POLL_SECONDS))


def _finish_earlier(parts: Wiring) -> None:
    """Work off what a command that was stopped has left, lest its windows be ordered a second time."""
    if parts.settings.evalforge_backend is not Backend.EMBEDDED:
        return
    if left := queue_of(parts).pending():
        click.echo(f"{counted(left, 'message')} of an earlier command first", err=True)
        deliver_all(parts)


def _say(told: BackfillReport, work: Backfill, asked: Asked, parts: Wiring, *, as_json: bool) -> None:
    for line in failures(work, _orders(parts)):
        click.echo(f"error: {line}", err=True)
    if as_json:
        click.echo(told.model_dump_json(indent=2))
    else:
        for line in lines(told, parts):
            click.echo(line)
    if told.interrupted and not told.dry_run:
        click.echo(f"stopped; the same command goes on from here:\n  {spelled(asked, parts)}", err=True)
