"""`evalforge replay`, `snapshot`, `retry` and `drop`: operators' commands, the same on every backend."""

import re
import sys
from datetime import datetime

import click

from functions.cli.command import (
    Where,
    actor,
    json_option,
    open_parts,
    reporting_errors,
    spelled_options,
    where_options,
)
from functions.cli.moments import Moment
from functions.cli.terminal import counted, plain
from functions.local.trace_run import deliver_all
from functions.replay.replaying import Replayed, ReplayStage, replay_only, replay_since
from functions.resend import resending
from shared.domain.model import Model
from shared.errors import ConflictError, NotFoundError, ResendError
from shared.settings import Backend
from shared.wiring import Wiring

_SNAPSHOT_NAME = re.compile(r"[a-z][a-z0-9-]{1,60}[a-z0-9]")


class ReplayReport(Model):
    """What `evalforge replay --json` prints."""

    stage: str
    published: int
    rewound: bool
    unknown: tuple[str, ...]


@click.command()
@click.option(
    "--stage",
    required=True,
    type=click.Choice([stage.value for stage in ReplayStage]),
    help="Whose work is done again.",
)
@click.option("--since", type=Moment(), help="What came since then: 2026-11-20, 2026-11-20T12:00Z, 36h, 7d.")
@click.option("--snapshot", help="What came since `evalforge snapshot NAME`.")
@click.option("--only", multiple=True, metavar="ID", help="This trace; for generate, this suggestion.")
@click.argument("more_ids", nargs=-1, metavar="[ID]...")
@where_options
@json_option
@reporting_errors
def replay(
    stage: str,
    *,
    since: datetime | None,
    snapshot: str | None,
    only: tuple[str, ...],
    more_ids: tuple[str, ...],
    where: Where,
    as_json: bool,
) -> None:
    """Do a stage's work again, and what follows from it.

    Nothing changes and no model is asked where the stage's version is the same
    as before; after a new version its work is redone. What waits for a model's
    narrative is asked for again. What a person decided stays. `--stage sanitize`
    redacts what is stored by today's rules.
    """
    ids = only + more_ids
    if sum(map(bool, (since, snapshot, ids))) != 1:
        raise click.UsageError("say what to replay: --since TIME, --snapshot NAME, or --only ID…")
    if snapshot:
        _check_name(snapshot)
    parts, wanted = open_parts(where, reading=True), ReplayStage(stage)
    done = replay_only(wanted, ids, parts) if ids else replay_since(wanted, since or str(snapshot), parts)
    _deliver(parts)
    if as_json:
        told = ReplayReport(stage=stage, published=done.published, rewound=done.rewound, unknown=done.unknown)
        click.echo(told.model_dump_json(indent=2))
    else:
        click.echo(_told(wanted, done, parts))
    for name in done.unknown:
        click.echo(f"error: {wanted.value} has never worked on {plain(name)}", err=True)
    sys.exit(1 if done.unknown else 0)


@click.command()
@click.argument("name")
@where_options
@reporting_errors
def snapshot(name: str, where: Where) -> None:
    """Give this moment a NAME to replay from; kept for 7 days on Google Cloud."""
    _check_name(name)
    parts = open_parts(where, reading=True)
    parts.retention.snapshot(name)
    click.echo(
        f"made; `evalforge replay --stage STAGE --snapshot {name}{spelled_options(parts)}` goes back to it"
    )


@click.command()
@click.argument("what", type=click.Choice(["dead-letter"]))
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "every", is_flag=True, help="Every one that waits and holds a message.")
@where_options
@reporting_errors
def retry(what: str, ids: tuple[str, ...], where: Where, *, every: bool) -> None:  # noqa: ARG001 - one kind
    """Send dead letters again to the stage that failed on them."""
    if every == bool(ids):
        raise click.UsageError("name dead letters, or take all with --all")
    parts = open_parts(where, reading=True)
    letters = parts.dead_letters
    if every:
        ids = tuple(letter.id for letter in letters.all() if resending.outgoing_of(letter))
    faults = 0
    for name in ids:
        try:
            letter = resending.resend_one(name, letters, parts.publisher, clock=parts.clock)
            click.echo(f"{name} sent again to {letter.stage}")
        except (NotFoundError, ResendError, ConflictError) as error:
            faults += 1
            click.echo(f"error: {plain(str(error))}", err=True)
    _deliver(parts)
    click.echo(f"dead letters that wait: {letters.count()}")
    sys.exit(1 if faults else 0)


@click.command()
@click.argument("what", type=click.Choice(["dead-letter"]))
@click.argument("letter_id", metavar="ID")
@click.option("--reason", required=True, help="Why; it stays with the dead letter.")
@where_options
@reporting_errors
def drop(what: str, letter_id: str, reason: str, where: Where) -> None:  # noqa: ARG001 - one kind
    """Give a dead letter up: it is no longer listed, and never sent again."""
    parts = open_parts(where, reading=True)
    dropped = resending.drop(letter_id, parts.dead_letters, actor=actor(), reason=reason, clock=parts.clock)
    click.echo(f"{dropped.id} dropped by {dropped.dropped_by}")


def _check_name(name: str) -> None:
    if not _SNAPSHOT_NAME.fullmatch(name):
        raise click.UsageError(f"{name!r} is no name: 3 to 62 of a-z, 0-9 and -, a letter first")


def _deliver(parts: Wiring) -> None:
    """Work messages off where no broker pushes them."""
    if parts.settings.evalforge_backend is Backend.EMBEDDED:
        deliver_all(parts)


def _told(stage: ReplayStage, done: Replayed, parts: Wiring) -> str:
    if done.rewound:
        return f"Pub/Sub delivers again to {stage.value}; `evalforge list` shows what comes of it"
    where = (
        "worked on again"
        if parts.settings.evalforge_backend is Backend.EMBEDDED
        else "published again; the functions work on them now"
    )
    return f"{stage.value}: {counted(done.published, 'message')} {where}"
