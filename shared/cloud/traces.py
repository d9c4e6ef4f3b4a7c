"""The trace source of deployed functions, as far as this version has one."""

from typing import NoReturn

from shared.errors import TraceSourceError
from shared.ports import TraceQuery


class NoTraces:
    """Says of every search and every fetch that it cannot be done."""

    def search(self, query: TraceQuery, *, cursor: str | None = None) -> NoReturn:  # noqa: ARG002 - a port
        """Raise TraceSourceError."""
        raise _not_yet()

    def fetch(self, trace_id: str) -> NoReturn:  # noqa: ARG002 - a port
        """Raise TraceSourceError."""
        raise _not_yet()


def _not_yet() -> TraceSourceError:
    return TraceSourceError(
        "this version does not search Datadog; it reads trace files, embedded and on the emulators"
    )
