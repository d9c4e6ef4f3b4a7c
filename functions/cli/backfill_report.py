"""What a backfill came to: the object that `backfill --json` prints, and the lines."""

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from functions.backfill.counting import Census
from functions.backfill.orders import Orders, Wanted
from functions.backfill.running import Backfill
from functions.backfill.windows import count
from functions.cli.command import program_name, spelled_options
from functions.cli.terminal import counted, plain
from shared.domain.incidents import Incident
from shared.domain.model import Instant, Model
from shared.settings import Backend
from shared.wiring import Wiring

_MOST_SHOWN = 20
_AN_HOUR = timedelta(hours=1)
_A_MINUTE = timedelta(minutes=1)


class WindowCount(Model):
    """How many traces a window has, as `--dry-run` and `--max` count them."""

    since: Instant | None
    until: Instant | None
    failing: int
    healthy: int


class BackfillReport(Model):
    """What `evalforge backfill --json` prints; `left` are the windows that nothing became of."""

    since: Instant
    until: Instant
    windows: int
    searched: int
    skipped: int
    failed: int
    left: int
    interrupted: bool
    dry_run: bool
    failing: int | None
    healthy: int | None
    elapsed_s: float
    counted: tuple[WindowCount, ...]


class Asked(NamedTuple):
    """What a command was asked for."""

    since: datetime
    until: datetime
    window: timedelta
    wanted: Wanted
    most: int | None
    again: bool
    dry_run: bool


def report(
    work: Backfill, asked: Asked, census: Census | None, *, interrupted: bool, seconds: float
) -> BackfillReport:
    """Say what a backfill came to."""
    windows = count(asked.since, asked.until, asked.window)
    return BackfillReport(
        since=asked.since,
        until=asked.until,
        windows=windows,
        searched=work.done,
        skipped=work.skipped,
        failed=len(work.failed),
        left=windows - work.settled,
        interrupted=interrupted,
        dry_run=asked.dry_run,
        failing=census.failing if census else None,
        healthy=census.healthy if census else None,
        elapsed_s=round(seconds, 3),
        counted=tuple(
            WindowCount(since=one.since, until=one.until, failing=found.failing, healthy=found.healthy)
            for one, found in work.counted
        ),
    )


def failures(work: Backfill, orders: Orders) -> Iterator[str]:
    """Say of the windows that could not be searched why, each reason once."""
    windows: dict[str, list[Incident]] = {}
    for incident in work.failed:
        letter = orders.failure(incident)
        reason = letter.reason if letter else "it was sent again meanwhile"
        windows.setdefault(reason, []).append(incident)
    for reason, alike in list(windows.items())[:_MOST_SHOWN]:
        more = f" and {counted(len(alike) - 1, 'more window')}" if len(alike) > 1 else ""
        yield f"{_range(alike[0].since, alike[0].until)}{more}: {plain(reason)}"


def lines(told: BackfillReport, parts: Wiring) -> Iterator[str]:
    """Lay a report out to be read."""
    if told.dry_run:
        yield from _counted(told)
        return
    if told.searched or told.failed or told.interrupted:
        beside = f", {told.failed} could not be" if told.failed else ""
        before = f", {told.skipped} were before" if told.skipped else ""
        yield f"{counted(told.searched, 'window')} searched in {told.elapsed_s:.1f} s{before}{beside}"
    else:
        before = counted(told.skipped, "window")
        yield f"nothing left to do: {before} searched before; --again searches them again"
    if told.left and not told.interrupted:
        yield _left(told)
    if parts.settings.evalforge_backend is Backend.EMBEDDED:
        yield (
            f"the store now: {counted(parts.captures.count(), 'failing trace')}, "
            f"{parts.healthy.count()} healthy, dead letters: {parts.dead_letters.count()}"
        )
    elif told.searched:
        yield "the functions work on what was found"
    yield f"see what comes of it: {program_name()} list suggestions{spelled_options(parts)}"


def spelled(asked: Asked, parts: Wiring) -> str:
    """Spell the command that goes on from here, whatever the clock says by then."""
    told = {
        "--from": _moment(asked.since),
        "--to": _moment(asked.until),
        "--ml-app": asked.wanted.ml_app,
        "--env": asked.wanted.env,
        "--query": asked.wanted.query,
        "--window": _length(asked.window),
        "--max": asked.most and str(asked.most),
    }
    options = "".join(f" {name} {shlex.quote(value)}" for name, value in told.items() if value)
    flags = " --dry-run" * asked.dry_run + " --again" * asked.again
    return f"{program_name()} backfill{options}{flags}{spelled_options(parts)}"


def _counted(told: BackfillReport) -> Iterator[str]:
    for one in told.counted:
        yield f"{_range(one.since, one.until)}  {one.failing:6} failing  {one.healthy:6} healthy"
    part = f"stopped after {len(told.counted)} of " if told.interrupted else ""
    windows = counted(told.windows if told.interrupted else len(told.counted), "window")
    yield f"{part}{windows}: {told.failing} failing and {told.healthy} healthy traces; nothing was ordered"
    if told.left and not told.interrupted:
        yield _left(told)


def _left(told: BackfillReport) -> str:
    left = counted(told.left, "older window")
    if told.failing is not None and not told.failed:
        return f"{left} left out: the newer ones hold {counted(told.failing, 'failing trace')}"
    return f"{left} not tried: what is wrong is wrong for them too, and the same command goes on"


def _range(since: datetime | None, until: datetime | None) -> str:
    return " to ".join(f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}" for moment in (since, until) if moment)


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _length(length: timedelta) -> str:
    hours, rest = divmod(length, _AN_HOUR)
    return f"{length // _A_MINUTE}m" if rest else f"{hours}h"
