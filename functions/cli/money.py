"""What models cost, laid out to be read."""

from datetime import datetime

from rich.console import Console
from rich.table import Table

from functions.cli.terminal import counted, grid, plain
from shared.domain.model import Model
from shared.domain.model_calls import ModelCall
from shared.repositories.spend import Total, added
from shared.wiring import Wiring

# A probe by the doctor is made for no application.
_NO_APPLICATION = "-"


class DayOfSpend(Model):
    """What a day (UTC) cost: the sums of its applications, and every call."""

    day: str
    totals: tuple[Total, ...]
    calls: tuple[ModelCall, ...]


def day_of_spend(day: str, parts: Wiring) -> DayOfSpend | None:
    """Read a day; None where it is no day, or nothing was asked on it."""
    try:
        moment = datetime.fromisoformat(f"{day}T00:00:00+00:00")
    except ValueError:
        return None
    totals = sorted(parts.spend.of_day(moment), key=lambda one: one.ml_app)
    calls = sorted((call for one in totals for call in parts.spend.calls(one)), key=lambda one: one.at)
    return DayOfSpend(day=day, totals=tuple(totals), calls=tuple(calls)) if totals else None


def totals_table(totals: list[Total]) -> Table:
    """Lay sums out, a line each, and what they come to."""
    table = grid("day", "application")
    for name in ("calls", "no answer", "tokens in", "tokens out", "seconds", "dollars"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in totals:
        table.add_row(one.day, plain(one.ml_app or _NO_APPLICATION), *_figures(one))
    if len(totals) > 1:
        table.add_section()
        table.add_row("in all", "", *_figures(added(totals)))
    return table


def show_day(told: DayOfSpend, out: Console) -> None:
    """Print a day's sums, then its calls."""
    out.print(totals_table(list(told.totals)))
    table = grid("at", "application", "for", "model", "prompt")
    for name in ("tokens in", "tokens out", "seconds", "dollars"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("no answer", no_wrap=True)
    for call in told.calls:
        table.add_row(
            f"{call.at:%H:%M:%S}",
            plain(call.ml_app or _NO_APPLICATION),
            call.purpose,
            call.model,
            call.prompt,
            *(str(call.input_tokens), str(call.output_tokens), f"{call.seconds:.1f}", f"{call.cost_usd:.6f}"),
            call.trouble.value if call.trouble else "",
        )
    out.print(f"\n{counted(len(told.calls), 'call')} on {told.day} (UTC):")
    out.print(table)


def _figures(total: Total) -> tuple[str, ...]:
    return (
        str(total.model_calls),
        str(total.troubles),
        str(total.input_tokens),
        str(total.output_tokens),
        f"{total.seconds:.1f}",
        f"{total.cost_usd:.6f}",
    )
