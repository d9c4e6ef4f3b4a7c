"""The traces that one machine can read: those of its trace files, then those of Datadog."""

from collections.abc import Callable
from pathlib import Path

from shared.domain.spans import Trace
from shared.embedded.trace_files import TraceFiles
from shared.embedded.trace_reading import LoadedFile
from shared.errors import TraceNotFoundError, TraceSourceError
from shared.ports import HitPage, TraceQuery, TraceSource

# What a cursor begins with, once the files are through.
_BEYOND = "beyond:"


class LocalTraces:
    """Trace files and, where there are keys for it, Datadog as one source; files come first."""

    def __init__(self, files: TraceFiles, beyond: TraceSource | None) -> None:
        """Read nothing yet."""
        self._files = files
        self._beyond = beyond

    @property
    def is_empty(self) -> bool:
        """Say whether there is nothing that could be searched: no file, and nothing beyond."""
        return self._beyond is None and not self._files.registered()

    def register(self, path: Path, *, progress: Callable[[int], None] = lambda _: None) -> LoadedFile:
        """Make a file's traces findable, as TraceFiles does."""
        return self._files.register(path, progress=progress)

    def search(self, query: TraceQuery, *, cursor: str | None = None) -> HitPage:
        """Find traces in the files, then beyond them; only there for a query in Datadog's words."""
        if query.query is not None and self._beyond is None:
            raise TraceSourceError(
                "it is in Datadog's words, which trace files do not know: leave it out, or set "
                "DATADOG_API_KEY and DATADOG_APP_KEY"
            )
        beyond = self._beyond if query.source is None else None
        if beyond is None:
            return self._files.search(query, cursor=cursor)
        if query.query is None and not (cursor or "").startswith(_BEYOND):
            page = self._files.search(query, cursor=cursor)
            if page.cursor or page.hits:
                return page if page.cursor else HitPage(page.hits, _BEYOND)
        from_where = (cursor or "").removeprefix(_BEYOND)
        page = beyond.search(query, cursor=from_where or None)
        return HitPage(page.hits, page.cursor and _BEYOND + page.cursor)

    def fetch(self, trace_id: str) -> Trace:
        """Read a trace whole, from the files that have it, else from beyond them."""
        try:
            return self._files.fetch(trace_id)
        except TraceNotFoundError:
            if self._beyond is None:
                raise
        return self._beyond.fetch(trace_id)
