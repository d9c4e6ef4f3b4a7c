"""`evalforge samples`: made-up traces, into a file or to Datadog."""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from functions.cli.command import reporting_errors
from functions.cli.terminal import console, counted
from functions.local.sampling.formats import Format, spelled, write_whole
from functions.local.sampling.traces import ML_APP, Sample, samples
from functions.local.sampling.upload import Intake, Sent, upload
from shared.errors import ConfigError
from shared.settings import Backend, Settings, load_settings

_MOST = 100_000
# What Datadog's documentation says that an application may be called.
_ML_APP = re.compile(r"(?!.*__)[a-z0-9_\-:./]{1,192}[a-z0-9\-:./]|[a-z0-9\-:./]")


def _app_name(_context: click.Context, _parameter: click.Parameter, told: str | None) -> str | None:
    if told is not None and not _ML_APP.fullmatch(told):
        raise click.BadParameter(
            "at most 193 lowercase letters, digits and _ - : . / without two underscores in a row or one at "
            "the end, as Datadog asks"
        )
    return told


@click.command(name="samples")
@click.option(
    "--count",
    required=True,
    type=click.IntRange(1, _MOST),
    help="How many traces; every second one is healthy.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in Format]),
    default=Format.JSON.value,
    show_default=True,
    help="json: one span a line, as `evalforge run` reads it; yaml: the same for people.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write this file, whole or not at all, instead of standard output.",
)
@click.option("--upload", "uploading", is_flag=True, help="Send them to Datadog; needs --ml-app.")
@click.option("--ml-app", callback=_app_name, help=f"The application they are of [default: {ML_APP}].")
@click.option("--site", help="Datadog's site [default: DATADOG_SITE].")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Another seed, other traces; the same seed and count, the same bytes.",
)
@reporting_errors
def make_samples(
    *,
    count: int,
    form: str,
    output: Path | None,
    ml_app: str | None,
    site: str | None,
    seed: int,
    uploading: bool,
) -> None:
    """Make up traces of a shop assistant: 23 ways to fail, each beside a like run that went right.

    The types take turns, a failing trace and its healthy neighbour at a time, so
    that a count of 46 shows each. With --upload they end now, and go to
    Datadog's intake with their evaluations; DATADOG_API_KEY must be set. Each
    upload has ids of its own, so that two of one seed stay apart.
    """
    if not uploading:
        if site is not None:
            raise click.UsageError("--site is for --upload")
        _write(samples(count, seed=seed, ml_app=ml_app or ML_APP), Format(form), output)
        return
    if ml_app is None:
        raise click.UsageError("--upload needs --ml-app: the application that Datadog is to show them under")
    told = _settings(site)
    intake = Intake(intake_url(told, site), _api_key(told))
    until = datetime.now(tz=UTC)
    if output is not None:
        _write(samples(count, seed=seed, ml_app=ml_app, until=until), Format(form), output)
    with _telling() as tell:
        made = samples(count, seed=seed, ml_app=ml_app, until=until)
        sent = upload(made, intake, ml_app=ml_app, progress=tell)
    click.echo(
        f"{counted(count, 'trace')} of {ml_app} sent to {intake.base_url}: {counted(sent.spans, 'span')}, "
        f"{counted(sent.evaluations, 'evaluation')}"
    )


def intake_url(settings: Settings, site: str | None) -> str:
    """Say where to upload to: the site that was told, else what stands for Datadog, else the usual site."""
    stand_in = None if site else settings.datadog_api_url
    return stand_in or f"https://api.{settings.datadog_site}"


def _api_key(settings: Settings) -> str:
    key = settings.datadog_api_key.get_secret_value() if settings.datadog_api_key else ""
    if not key:
        raise ConfigError("--upload needs DATADOG_API_KEY: an API key of the Datadog site")
    if not (key.isascii() and key.isalnum()):
        raise ConfigError("DATADOG_API_KEY has characters that no API key has; check how it was pasted")
    return key


def _settings(site: str | None) -> Settings:
    """Read the settings; what a backend other than this machine needs is no matter here."""
    overrides: dict[str, Any] = {"datadog_site": site} if site is not None else {}
    return load_settings(evalforge_backend=Backend.EMBEDDED, **overrides)


def _write(made: Iterable[Sample], form: Format, output: Path | None) -> None:
    """Write samples to a file and say what is in it, or to standard output and say nothing."""
    if output is None:
        sys.stdout.buffer.writelines(spelled(made, form))
        return
    failing: Counter[str] = Counter()
    healthy = 0

    def counting() -> Iterator[Sample]:
        nonlocal healthy
        for sample in made:
            failing[sample.failure_type.value] += sample.failing
            healthy += not sample.failing
            yield sample

    write_whole(output, spelled(counting(), form))
    types = ", ".join(f"{kind} {number}" for kind, number in failing.items())
    click.echo(
        f"{output}: {counted(failing.total(), 'failing trace')} ({types}) and {healthy} healthy", err=True
    )


@contextmanager
def _telling() -> Iterator[Callable[[Sent], None]]:
    """Show on a terminal how far an upload is."""
    err = console(stderr=True)
    if not err.is_terminal:
        yield lambda _: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("sending", total=None)
        yield lambda sent: bar.update(
            task, description=f"sent {sent.spans} spans, {sent.evaluations} evaluations"
        )
