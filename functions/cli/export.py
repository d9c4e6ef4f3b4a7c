"""`evalforge export`: artifacts as files, data only, with a manifest."""

from pathlib import Path

import click

from functions.cli.command import Where, open_parts, reporting_errors, where_options
from functions.cli.terminal import counted
from functions.review.bundle import chosen_artifacts, write_bundle
from shared.domain.suggestions import SuggestionStatus


@click.command()
@click.option(
    "--suggestion", "suggestion_ids", multiple=True, metavar="ID", help="A suggestion; may be repeated."
)
@click.option("--approved", is_flag=True, help="Everything approved, in the revisions that were approved.")
@click.option("--format", "file_format", type=click.Choice(["json"]), default="json", show_default=True)
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder to write."
)
@click.argument("more_ids", nargs=-1, metavar="[ID]...")
@where_options
@reporting_errors
def export(
    suggestion_ids: tuple[str, ...],
    more_ids: tuple[str, ...],
    file_format: str,
    out: Path,
    where: Where,
    *,
    approved: bool,
) -> None:
    """Write artifacts as files, with a manifest of hashes, provenance and proofs."""
    suggestion_ids += more_ids
    if approved == bool(suggestion_ids):
        raise click.UsageError("name suggestions with --suggestion, or take all with --approved")
    parts = open_parts(where, reading=True)
    chosen = chosen_artifacts(suggestion_ids, parts.suggestions, parts.artifacts)
    for name in suggestion_ids:
        known = parts.suggestions.get(name)
        if known and known.suggestion.status is not SuggestionStatus.APPROVED:
            click.echo(f"note: {name} is {known.suggestion.status.value}, not approved", err=True)
    manifest = write_bundle(chosen, out, file_format=file_format)
    sources = {artifact.suggestion_id for artifact in chosen}
    click.echo(f"{counted(len(chosen), 'artifact')} of {counted(len(sources), 'suggestion')}: {manifest}")
