"""How far a long command is: a bar on a terminal, elsewhere a line now and then."""

import time
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Self

import click
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from functions.cli.terminal import console

_LINE_SECONDS = 1.0
# Where nothing moves, a line says from time to time that it is still waited for.
_QUIET_SECONDS = 10.0


class Meter:
    """Tells how many windows of all are settled, how fast that goes and how long it may still take."""

    def __init__(self, total: int, traces: Callable[[], int], noun: str) -> None:
        """Show nothing yet; `traces` counts what came of the work so far, and `noun` says what that is."""
        self._total = total
        self._traces = traces
        self._noun = noun
        self._started = time.monotonic()
        self._told_at = self._started
        self._told = -1
        err = console(stderr=True)
        columns = (SpinnerColumn(), BarColumn(bar_width=24), TextColumn("{task.description}", markup=False))
        self._bar = Progress(*columns, TimeElapsedColumn(), console=err, transient=True)
        self._is_shown = err.is_terminal
        self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> Self:
        self._started = self._told_at = time.monotonic()
        if self._is_shown:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_shown:
            self._bar.stop()

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self._started

    def show(self, settled: int, worked: int) -> None:
        """Show how many windows are settled, and how many of them took work."""
        now = time.monotonic()
        silent = now - self._told_at
        if silent < _LINE_SECONDS or (settled == self._told and silent < _QUIET_SECONDS):
            return
        self._told_at, self._told = now, settled
        line = self._line(settled, worked)
        if self._is_shown:
            self._bar.update(self._task, description=line, completed=settled)
        else:
            click.echo(line, err=True)

    def _line(self, settled: int, worked: int) -> str:
        speed = f"{worked / self.seconds:.1f} windows/s, {self._traces() / self.seconds:.1f} {self._noun}/s"
        left = timedelta(seconds=round((self._total - settled) * self.seconds / worked)) if worked else None
        return f"{settled} of {self._total} windows, {speed}" + (f", {left} left" if left is not None else "")
