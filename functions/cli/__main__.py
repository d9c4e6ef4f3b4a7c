"""The `evalforge` command: one group, its commands in the rooms beside it."""

import click

from functions.cli.backfill import backfill
from functions.cli.browse import list_records, show_record
from functions.cli.check_setup import doctor
from functions.cli.export import export
from functions.cli.hosting import demo, serve
from functions.cli.measure import bench
from functions.cli.operate import drop, replay, retry, snapshot
from functions.cli.review import approve, reject
from functions.cli.run import run
from functions.cli.samples import make_samples
from functions.cli.sanitize import sanitize


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="evalforge")
def cli() -> None:
    """Turn production failures of LLM applications into eval tests, guardrails and runbooks."""


for _command in (
    *(run, demo, serve, list_records, show_record, approve, reject, export),
    *(backfill, replay, snapshot, retry, drop, sanitize, make_samples, bench, doctor),
):
    cli.add_command(_command)


def main() -> None:
    """Run the command line."""
    cli(prog_name="evalforge")


if __name__ == "__main__":
    main()
