"""Text from strangers on a terminal: no markup, no control sequences."""

import shutil
import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.domain.taxonomy import Severity

_PIPE_WIDTH = 200
_STYLES = {Severity.CRITICAL: "bold red", Severity.HIGH: "red", Severity.MEDIUM: "yellow", Severity.LOW: ""}


def console(*, stderr: bool = False) -> Console:
    """Open the terminal; what goes into a file or a pipe has room for a table."""
    stream = sys.stderr if stderr else sys.stdout
    width = shutil.get_terminal_size().columns if stream.isatty() else _PIPE_WIDTH
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def plain(text: str) -> Text:
    """Show a text as it is: control characters, which could drive the terminal, are made visible."""
    return Text("".join(c if c.isprintable() or c in "\n\t" else f"\\x{ord(c):02x}" for c in text))


def counted(number: int, noun: str, plural: str = "") -> str:
    """Spell a count with its noun: `1 trace`, `2 traces`."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or noun + 's'}"


def severity(value: Severity) -> Text:
    """Colour a severity."""
    return Text(value.value, style=_STYLES[value])


def grid(*names: str) -> Table:
    """Begin a table without lines; what is told in sentences may wrap."""
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for name in names:
        table.add_column(name, no_wrap=name not in {"title", "reason"})
    return table
