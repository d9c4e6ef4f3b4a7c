"""`evalforge list` and `evalforge show`: what stands in the store."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from functions.cli.command import (
    Where,
    json_option,
    open_parts,
    reporting_errors,
    spelled_options,
    where_options,
)
from functions.cli.money import DayOfSpend, day_of_spend, show_day, totals_table
from functions.cli.pattern_text import show_pattern
from functions.cli.report import layout, most_urgent_first, report
from functions.cli.terminal import console, counted, grid, plain, severity
from shared.domain.artifacts import Artifact, ArtifactKind
from shared.domain.model import Model
from shared.domain.patterns import FailurePattern
from shared.domain.suggestions import Event, Member, Suggestion
from shared.errors import NotFoundError
from shared.wiring import Wiring

_PLURALS = {
    "suggestion": "suggestions",
    "pattern": "patterns",
    "capture": "captures",
    "dead-letter": "dead-letters",
    "spend": "spend",
}


class SuggestionView(Model):
    """A suggestion with everything that belongs to it."""

    suggestion: Suggestion
    members: tuple[Member, ...]
    artifacts: tuple[Artifact, ...]
    events: tuple[Event, ...]


@click.command(name="list")
@click.argument("what", type=click.Choice(list(_PLURALS.values())))
@where_options
@json_option
@reporting_errors
def list_records(what: str, where: Where, *, as_json: bool) -> None:
    """List suggestions, patterns, captures, dead letters, or what models cost by day and application."""
    parts = open_parts(where, reading=True)
    if as_json:
        _print_array(_records(what, parts))
    elif what == "suggestions":
        out = console()
        out.print(layout(report(parts, 0).suggestions, width=out.width))
    else:
        console().print(_TABLES[what](parts))


@click.command(name="show")
@click.argument("what", type=click.Choice(list(_PLURALS)))
@click.argument("record_id", metavar="ID")
@where_options
@json_option
@reporting_errors
def show_record(what: str, record_id: str, where: Where, *, as_json: bool) -> None:
    """Show one record whole; a pattern's and a capture's ID is the trace's, spend's the day."""
    parts = open_parts(where, reading=True)
    record = _record(what, record_id, parts)
    if as_json:
        click.echo(record.model_dump_json(indent=2))
        return
    out = console()
    match record:
        case SuggestionView():
            _show_suggestion(record, out)
        case FailurePattern():
            show_pattern(record, out, options=spelled_options(parts))
        case DayOfSpend():
            show_day(record, out)
        case _:
            out.print_json(record.model_dump_json())


def _records(what: str, parts: Wiring) -> Iterable[Model]:
    match what:
        case "suggestions":
            return most_urgent_first(parts)
        case "patterns":
            return parts.patterns.all()
        case "captures":
            return parts.captures.all()
        case "spend":
            return parts.spend.all()
        case _:
            return parts.dead_letters.all()


def _record(what: str, record_id: str, parts: Wiring) -> Model:
    found: Model | None
    match what:
        case "suggestion":
            found = _view(record_id, parts)
        case "pattern":
            known = parts.patterns.get(record_id)
            found = known.pattern if known else None
        case "capture":
            found = parts.captures.get(record_id) or parts.healthy.get(record_id)
        case "spend":
            found = day_of_spend(record_id, parts)
        case _:
            found = parts.dead_letters.get(record_id)
    if found is None:
        raise NotFoundError(f"there is no {what} {record_id}; `evalforge list {_PLURALS[what]}` shows them")
    return found


def _view(suggestion_id: str, parts: Wiring) -> SuggestionView | None:
    known = parts.suggestions.get(suggestion_id)
    if known is None:
        return None
    refs = known.suggestion.artifacts
    current = (parts.artifacts.get(suggestion_id, kind, refs[kind]) for kind in ArtifactKind if kind in refs)
    return SuggestionView(
        suggestion=known.suggestion,
        members=tuple(parts.suggestions.members(suggestion_id)),
        artifacts=tuple(artifact for artifact in current if artifact),
        events=tuple(parts.suggestions.events(suggestion_id)),
    )


def _print_array(records: Iterable[Model]) -> None:
    """Print a JSON array one record at a time, so that a large store fits in memory."""
    opening = "[\n"
    for record in records:
        click.echo(opening + record.model_dump_json(), nl=False)
        opening = ",\n"
    click.echo("[]" if opening == "[\n" else "\n]")


def _captures_table(parts: Wiring) -> Table:
    table = grid("trace", "application", "started", "spans", "version")
    for head in parts.captures.heads():
        started = f"{head.started_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(plain(head.trace_id), plain(head.ml_app), started, str(head.spans), plain(head.version))
    return table


def _patterns_table(parts: Wiring) -> Table:
    table = grid("trace", "type", "severity", "failing span", "title")
    for pattern in parts.patterns.all():
        kinds = ", ".join(kind.value for kind in pattern.failure_types)
        title, span = plain(pattern.title), plain(pattern.failing_span_id)
        table.add_row(plain(pattern.trace_id), kinds, severity(pattern.severity), span, title)
    return table


def _dead_letters_table(parts: Wiring) -> Table:
    table = grid("id", "stage", "at", "reason")
    for letter in parts.dead_letters.all():
        table.add_row(letter.id, letter.stage, f"{letter.at:%Y-%m-%d %H:%M:%S}", plain(letter.reason))
    return table


def _spend_table(parts: Wiring) -> Table:
    return totals_table(parts.spend.all())


_TABLES = {
    "captures": _captures_table,
    "patterns": _patterns_table,
    "dead-letters": _dead_letters_table,
    "spend": _spend_table,
}


def _show_suggestion(view: SuggestionView, out: Console) -> None:
    told = view.suggestion
    out.print(plain(told.title), style="bold")
    out.print(
        f"{told.id}  {told.failure_type.value}, {told.severity.value}, {told.status.value}; "
        f"seen {counted(told.recurrence, 'time')}, "
        f"{told.first_seen:%Y-%m-%d %H:%M} to {told.last_seen:%Y-%m-%d %H:%M}"
    )
    out.print(plain(f"{told.ml_app} ({told.env}); made from trace {told.canonical_trace_id}\n"))
    for artifact in view.artifacts:
        out.print(f"{artifact.kind.value}  revision {artifact.revision}, {artifact.status.value}, ", end="")
        out.print(f"{artifact.proof.state.value}: {artifact.proof.detail}")
        out.print(plain("".join(f"  {line}\n" for line in _lines_of(artifact))))
    out.print(plain("members: " + ", ".join(member.trace_id for member in view.members)))
    for event in view.events:
        out.print(plain(f"{event.at:%Y-%m-%d %H:%M} {event.kind} by {event.actor} {event.detail}".rstrip()))


def _lines_of(artifact: Artifact) -> Iterator[str]:
    """Lay an artifact out to be read; its whole data is in the JSON."""
    content: Any = artifact.content
    match artifact.kind:
        case ArtifactKind.EVAL:
            yield f"input: {len(content.input)} messages, {len(content.recorded_calls)} recorded tool calls"
            for assertion in content.assertions:
                yield f"assert: {json.dumps(assertion.model_dump(), ensure_ascii=False)}"
        case ArtifactKind.GUARDRAIL:
            yield f"{content.action}: {json.dumps(content.rule.model_dump(), ensure_ascii=False)}"
        case ArtifactKind.RUNBOOK:
            yield from content.markdown.splitlines()
