"""Trace files as a trace source: searched and fetched like Datadog, read by the same code."""

import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from shared.domain.signals import SignalRules
from shared.domain.spans import Span, Trace
from shared.embedded.database import Database
from shared.embedded.trace_reading import LoadedFile, load_file
from shared.errors import TraceNotFoundError, TraceSourceError
from shared.logs import describe, logger
from shared.ports import HitPage, TraceHit, TraceQuery

_PAGE = 500


class TraceFiles:
    """The registered trace files of one store.

    Only their names and which trace stands in which file are kept in the store:
    raw text stays where it was. Traces are held packed in memory once read.
    """

    def __init__(self, database: Database, rules: SignalRules, salt: bytes) -> None:
        """Read nothing yet."""
        self._database = database
        self._rules = rules
        self._salt = salt
        self._loaded: dict[str, LoadedFile] = {}
        # Reading a file only to find it changed is dear, and it is asked for again with every trace.
        self._unreadable: dict[str, TraceSourceError] = {}
        self._looked_at: tuple[tuple[str | None, tuple[str, ...]], list[TraceHit]] | None = None
        self._lock = threading.Lock()

    def register(self, path: Path, *, progress: Callable[[int], None] = lambda _: None) -> LoadedFile:
        """Read a file and make its traces findable; faults are in the answer, by line.

        Raises:
            TraceSourceError: the file cannot be opened.
        """
        loaded = load_file(path.resolve(), self._salt, progress)
        with self._lock:
            self._loaded[loaded.sha256] = loaded
            self._unreadable.clear()
            self._looked_at = None
        if loaded.traces:
            with self._database.transaction() as connection:
                _remember(connection, loaded)
        return loaded

    def search(self, query: TraceQuery, *, cursor: str | None = None) -> HitPage:
        """Find the traces of the registered files, the earliest first."""
        hits = self._hits(query)
        start = int(cursor) if cursor else 0
        more = start + _PAGE < len(hits)
        return HitPage(hits[start : start + _PAGE], str(start + _PAGE) if more else None)

    def fetch(self, trace_id: str) -> Trace:
        """Read a trace whole, from every registered file that has a part of it and can be read."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT sha256 FROM file_traces WHERE trace_id = ? ORDER BY sha256", (trace_id,)
            ).fetchall()
        if not rows:
            raise TraceNotFoundError("no registered trace file holds this trace; run its file again")
        files, unreadable = self._readable([sha256 for (sha256,) in rows])
        spans = [span for file in files for span in _spans(file.traces.get(trace_id, ()))]
        if not spans:
            raise (
                unreadable[0]
                if unreadable
                else TraceNotFoundError("no registered trace file holds this trace")
            )
        return Trace.of(trace_id, spans)

    def _hits(self, query: TraceQuery) -> list[TraceHit]:
        """Say which traces a query is about."""
        registered = self.registered()
        if query.source and query.source not in registered:
            # Newer content of the same file took its place, and came with an order of its own.
            return []
        return [hit for hit in self._looks(query.source, registered) if _matches(hit, query)]

    def _looks(self, source: str | None, registered: list[str]) -> list[TraceHit]:
        """Look at the traces of one file or of all, once for all pages and windows that are searched."""
        # A trace is read from every file that has a part of it, not only from the one that is searched.
        key = (source, tuple(registered))
        with self._lock:
            if self._looked_at and self._looked_at[0] == key:
                return self._looked_at[1]
        files, unreadable = self._readable([source] if source else registered)
        if unreadable and source:
            raise unreadable[0]
        trace_ids = dict.fromkeys(trace_id for file in files for trace_id in file.traces)
        looks = [
            (trace.spans[0].start_ns, trace.trace_id, TraceHit.of(trace, self._rules))
            for trace in map(self.fetch, trace_ids)
        ]
        partial = frozenset[str]().union(*(file.partial for file in files))
        # What is left of a trace may look healthy; it is no run to hold others against.
        hits = [hit for *_, hit in sorted(looks) if hit.failing or hit.trace_id not in partial]
        with self._lock:
            self._looked_at = (key, hits)
        return hits

    def _readable(self, wanted: list[str]) -> tuple[list[LoadedFile], list[TraceSourceError]]:
        """Read the files that can be read; one that was moved away does not keep the others from use."""
        files, unreadable = [], []
        for sha256 in wanted:
            try:
                files.append(self._file(sha256))
            except TraceSourceError as error:
                if sha256 not in self._unreadable:
                    logger("trace_files").warning("a trace file is left out: %s", describe(error))
                    self._unreadable[sha256] = error
                unreadable.append(error)
        return files, unreadable

    def registered(self) -> list[str]:
        """Name the registered files by their content's hash."""
        with self._database.reading() as connection:
            return [row[0] for row in connection.execute("SELECT sha256 FROM trace_files ORDER BY sha256")]

    def _file(self, sha256: str) -> LoadedFile:
        with self._lock:
            if (loaded := self._loaded.get(sha256)) is not None:
                return loaded
            if (error := self._unreadable.get(sha256)) is not None:
                raise error
        with self._database.reading() as connection:
            row = connection.execute("SELECT path FROM trace_files WHERE sha256 = ?", (sha256,)).fetchone()
        if row is None:
            raise TraceSourceError("a trace file was asked for that was never given; run it first")
        again = load_file(Path(row[0]), self._salt, lambda _: None)
        if again.sha256 != sha256:
            raise TraceSourceError(f"{row[0]} has changed since it was given; run it again")
        with self._lock:
            self._loaded[sha256] = again
        return again


def _matches(hit: TraceHit, query: TraceQuery) -> bool:
    return (
        (query.ml_app is None or hit.ml_app == query.ml_app)
        and (query.env is None or hit.env == query.env)
        and (query.version is None or hit.version == query.version)
        and (query.since is None or hit.started_at >= query.since)
        and (query.until is None or hit.started_at <= query.until)
    )


def _spans(packed: Sequence[bytes]) -> Iterator[Span]:
    return (Span.model_validate_json(zlib.decompress(one)) for one in packed)


def _remember(connection: sqlite3.Connection, loaded: LoadedFile) -> None:
    """Keep a file's name and which traces it has; a file that has changed takes its old content's place."""
    old = connection.execute(
        "SELECT sha256 FROM trace_files WHERE path = ? AND sha256 <> ?", (str(loaded.path), loaded.sha256)
    ).fetchall()
    connection.executemany("DELETE FROM file_traces WHERE sha256 = ?", old)
    connection.executemany("DELETE FROM trace_files WHERE sha256 = ?", old)
    connection.execute(
        "INSERT INTO trace_files (sha256, path) VALUES (?, ?)"
        " ON CONFLICT (sha256) DO UPDATE SET path = excluded.path WHERE path <> excluded.path",
        (loaded.sha256, str(loaded.path)),
    )
    connection.executemany(
        "INSERT OR IGNORE INTO file_traces (trace_id, sha256) VALUES (?, ?)",
        [(trace_id, loaded.sha256) for trace_id in loaded.traces],
    )
