"""Trace files as a trace source: searched and fetched like Datadog, read by the same code."""

import gzip
import hashlib
import json
import re
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from pydantic import JsonValue

from shared.domain.signals import SignalRules, signals_of, was_evaluated
from shared.domain.span_shapes import SpanShapeError, items_in, parse_span
from shared.domain.spans import Span, Trace
from shared.embedded.database import Database
from shared.errors import TraceNotFoundError, TraceSourceError
from shared.logs import describe, logger
from shared.ports import HitPage, TraceHit, TraceQuery
from shared.redaction.redactor import safe_id

MAX_LINE_BYTES = 256 * 1024 * 1024
_PAGE = 500
_GZIP_MAGIC = b"\x1f\x8b"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_MOST_FAULTS = 100
_RECORD_KEYS = frozenset({"attributes", "span_id", "trace_id", "data", "spans"})
_ITEMS = re.compile(r'^\s*\[|"data"\s*:\s*\[')


class Fault(NamedTuple):
    """A place in a trace file that could not be read, and why; line 0 is the file as a whole."""

    path: Path
    line: int
    reason: str

    def __str__(self) -> str:
        """Spell the fault as compilers do."""
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{place}: {self.reason}"


class LoadedFile(NamedTuple):
    """What reading one file gave; spans are kept packed, by trace."""

    path: Path
    sha256: str
    traces: dict[str, list[bytes]]
    spans: int
    faults: list[Fault]


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
        self._searched: tuple[tuple[TraceQuery, tuple[str, ...]], list[TraceHit]] | None = None
        self._lock = threading.Lock()

    def register(self, path: Path, *, progress: Callable[[int], None] = lambda _: None) -> LoadedFile:
        """Read a file and make its traces findable; faults are in the answer, by line.

        Raises:
            TraceSourceError: the file cannot be opened.
        """
        loaded = _load(path.resolve(), self._salt, progress)
        with self._lock:
            self._loaded[loaded.sha256] = loaded
            self._unreadable.clear()
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
        """Search once for all pages of a query."""
        wanted = [query.source] if query.source else self._registered()
        key = (query, tuple(wanted))
        with self._lock:
            if self._searched and self._searched[0] == key:
                return self._searched[1]
        if query.source and query.source not in self._registered():
            # Newer content of the same file took its place, and came with an order of its own.
            return []
        files, unreadable = self._readable(wanted)
        if unreadable and query.source:
            raise unreadable[0]
        trace_ids = dict.fromkeys(trace_id for file in files for trace_id in file.traces)
        traces = [trace for trace in map(self.fetch, trace_ids) if _matches(trace, query)]
        traces.sort(key=lambda trace: (trace.spans[0].start_ns, trace.trace_id))
        hits = [self._hit(trace) for trace in traces]
        with self._lock:
            self._searched = (key, hits)
        return hits

    def _hit(self, trace: Trace) -> TraceHit:
        return TraceHit(
            trace_id=trace.trace_id,
            ml_app=trace.ml_app,
            env=trace.env,
            version=trace.version,
            failing=bool(signals_of(trace, self._rules)),
            evaluated=was_evaluated(trace),
        )

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

    def _registered(self) -> list[str]:
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
        again = _load(Path(row[0]), self._salt, lambda _: None)
        if again.sha256 != sha256:
            raise TraceSourceError(f"{row[0]} has changed since it was given; run it again")
        with self._lock:
            self._loaded[sha256] = again
        return again


def _matches(trace: Trace, query: TraceQuery) -> bool:
    return (
        (query.ml_app is None or trace.ml_app == query.ml_app)
        and (query.env is None or trace.env == query.env)
        and (query.since is None or trace.started_at >= query.since)
        and (query.until is None or trace.started_at <= query.until)
    )


def _pack(span: Span) -> bytes:
    return zlib.compress(span.model_dump_json().encode(), level=1)


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


def _load(path: Path, salt: bytes, progress: Callable[[int], None]) -> LoadedFile:
    traces: dict[str, list[bytes]] = {}
    faults: list[Fault] = []
    spans = 0
    hashed = hashlib.sha256()
    for line, document in _documents(path, hashed.update, faults):
        for item in _items(path, line, document, faults):
            try:
                span = parse_span(item)
            except SpanShapeError as error:
                faults.append(Fault(path, line, str(error)))
                continue
            # A trace id is a string that a caller chose; one that tells of a person is replaced at the door.
            trace_id = safe_id(span.trace_id, salt)
            traces.setdefault(trace_id, []).append(_pack(span.model_copy(update={"trace_id": trace_id})))
            spans += 1
        progress(spans)
    if not spans and not faults:
        faults.append(Fault(path, 0, "holds no spans"))
    return LoadedFile(path, hashed.hexdigest(), traces, spans, _at_most(path, faults))


def _items(path: Path, line: int, document: JsonValue, faults: list[Fault]) -> Iterator[JsonValue]:
    try:
        yield from items_in(document)
    except SpanShapeError as error:
        faults.append(Fault(path, line, str(error)))
    except RecursionError:
        faults.append(Fault(path, line, "nested too deep to read"))


def _documents(
    path: Path, hashed: Callable[[bytes], object], faults: list[Fault]
) -> Iterator[tuple[int, JsonValue]]:
    """Yield the JSON documents of a file with their lines: one a line, or one that fills the file."""
    lines = _lines(path, hashed, faults)
    first = next(lines, None)
    if first is None:
        return
    number, text = first
    document, reason = _parse(text)
    if reason and text.lstrip()[:1] in (b"{", b"["):
        # Perhaps the first line of one document that fills the file, and not of many.
        rest = list(lines)
        if not any(_is_item(text) for _, text in rest):
            yield from _one_document(path, [first, *rest], faults)
            return
        lines = iter(rest)
    if reason:
        faults.append(Fault(path, number, reason))
    else:
        yield number, document
    for number, text in lines:
        document, reason = _parse(text)
        if reason:
            faults.append(Fault(path, number, reason))
        else:
            yield number, document


def _is_item(text: bytes) -> bool:
    """Say whether a line is a record by itself, which no line of a document laid out for people is."""
    parsed, _ = _parse(text) if text.lstrip()[:1] == b"{" and text.rstrip()[-1:] == b"}" else (None, None)
    return isinstance(parsed, dict) and not parsed.keys().isdisjoint(_RECORD_KEYS)


def _one_document(
    path: Path, lines: list[tuple[int, bytes]], faults: list[Fault]
) -> Iterator[tuple[int, JsonValue]]:
    """Yield the document that fills a file; of one that is cut, the items before the cut."""
    whole = b"\n".join(text for _, text in lines)
    document, reason = _parse(whole)
    if reason is None:
        yield lines[0][0], document
        return
    items, end = _items_before_the_cut(whole.decode("utf-8", "replace"))
    if items:
        yield lines[0][0], items
    told = lines[min(whole.decode("utf-8", "replace").count("\n", 0, end), len(lines) - 1)][0]
    faults.append(Fault(path, told, f"{reason}; {len(items)} items before it were read"))


def _items_before_the_cut(text: str) -> tuple[list[JsonValue], int]:
    """Read the items of a list or a search response one by one, until one cannot be read."""
    decoder = json.JSONDecoder()
    items: list[JsonValue] = []
    opened = _ITEMS.search(text)
    at = opened.end() if opened else 0
    while at:
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        try:
            item, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        items.append(item)
    return items, at


def _parse(text: bytes) -> tuple[JsonValue, str | None]:
    try:
        return cast("JsonValue", json.loads(text.decode("utf-8-sig"))), None
    except UnicodeDecodeError as error:
        return None, f"not UTF-8 at byte {error.start + 1} of the line"
    except json.JSONDecodeError as error:
        return None, f"not JSON at column {error.colno}: {error.msg}"
    except RecursionError:
        return None, "nested too deep to read"
    except ValueError:
        return None, "a number in it is too long to read"


def _lines(path: Path, hashed: Callable[[bytes], object], faults: list[Fault]) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a plain or gzip file that are not blank; a cut file gives what it has."""
    try:
        with path.open("rb") as raw:
            start = raw.read(2)
            if start in _UTF16_MARKS:
                faults.append(Fault(path, 0, "the file is UTF-16; save it as UTF-8"))
                return
            zipped = start == _GZIP_MAGIC
            raw.seek(0)
            stream = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if zipped else raw
            yield from _numbered(path, stream, hashed, faults)
    except OSError as error:
        raise TraceSourceError(f"{path}: cannot be read: {error.strerror or error}") from error


def _numbered(
    path: Path, stream: BinaryIO, hashed: Callable[[bytes], object], faults: list[Fault]
) -> Iterator[tuple[int, bytes]]:
    number = 0
    while True:
        number += 1
        try:
            line = stream.readline(MAX_LINE_BYTES)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            faults.append(Fault(path, number, "the gzip file is cut or damaged from here on"))
            return
        if not line:
            return
        hashed(line)
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            faults.append(Fault(path, number, f"the line is longer than {MAX_LINE_BYTES // 2**20} MiB"))
            while line and not line.endswith(b"\n"):
                line = stream.readline(2**20)
                hashed(line)
            continue
        if line.strip():
            yield number, line


def _at_most(path: Path, faults: list[Fault]) -> list[Fault]:
    """Keep a file that is no trace file at all from filling the screen and the store."""
    if len(faults) <= _MOST_FAULTS:
        return faults
    left_out = len(faults) - _MOST_FAULTS
    return [*faults[:_MOST_FAULTS], Fault(path, 0, f"{left_out} more lines could not be read")]
