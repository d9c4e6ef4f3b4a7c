"""Datadog's stand-in beside the local functions: it has the spans of trace files."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from functions.local.datadog.asking import KEY, asking
from functions.local.datadog.exchange_log import appending_to
from functions.local.datadog.server import StandIn, serving
from shared.embedded.trace_reading import Fault
from shared.errors import ConfigError, TraceSourceError
from shared.settings import Settings


@contextmanager
def standing_in(
    settings: Settings, paths: Sequence[Path], *, tell: Callable[[Fault], None], log: Path | None = None
) -> Iterator[Settings]:
    """Serve these files as Datadog serves spans, until left, to whoever has the settings that are yielded.

    Without files nothing is served, and the settings stay as they are. What is asked and answered is
    written to the log, if there is to be one.

    Raises:
        ConfigError: there are files, and no span of them can be read; or the log cannot be written.
    """
    if not paths:
        yield settings
        return
    stand_in = StandIn(api_key=KEY, app_key=KEY)
    for path in paths:
        for fault in _taken_in(path, stand_in):
            tell(fault)
    if not stand_in.store.trace_ids():
        raise ConfigError("there is nothing to serve as Datadog does: no span of these files can be read")
    if log is not None:
        stand_in.observe = appending_to(log)
    with serving(stand_in):
        yield asking(settings, stand_in.url)


def _taken_in(path: Path, stand_in: StandIn) -> list[Fault]:
    try:
        return stand_in.store.add_file(path).faults
    except TraceSourceError as error:
        return [Fault(path, 0, str(error).removeprefix(f"{path}: "))]
