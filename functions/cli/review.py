"""`evalforge approve` and `evalforge reject`: a person decides."""

import click

from functions.cli.command import Where, actor, open_parts, reporting_errors, where_options
from functions.cli.terminal import plain
from functions.review import decisions
from shared.domain.artifacts import ProofState
from shared.domain.suggestions import Suggestion


@click.command()
@click.argument("suggestion_id", metavar="ID")
@click.option("--note", default="", help="Why, for those who read the history.")
@where_options
@reporting_errors
def approve(suggestion_id: str, note: str, where: Where) -> None:
    """Approve a suggestion: its artifacts go with the next export and deployment."""
    parts = open_parts(where, reading=True)
    decided = decisions.approve(
        suggestion_id, actor=actor(), note=note, at=parts.clock(), suggestions=parts.suggestions
    )
    _tell(decided)
    unproven = [kind.value for kind, ref in decided.artifacts.items() if ref.proof is ProofState.UNPROVEN]
    if unproven:
        click.echo(f"note: not proven yet: {', '.join(unproven)}", err=True)


@click.command()
@click.argument("suggestion_id", metavar="ID")
@click.option("--reason", required=True, help="Why; it stays in the history.")
@where_options
@reporting_errors
def reject(suggestion_id: str, reason: str, where: Where) -> None:
    """Reject a suggestion, with the reason."""
    parts = open_parts(where, reading=True)
    decided = decisions.reject(
        suggestion_id, actor=actor(), reason=reason, at=parts.clock(), suggestions=parts.suggestions
    )
    _tell(decided)


def _tell(decided: Suggestion) -> None:
    review = decided.review
    by = f" by {review.actor} at {review.at:%Y-%m-%d %H:%M}" if review else ""
    click.echo(f"{decided.id} {decided.status.value}{by}: {plain(decided.title)}")
