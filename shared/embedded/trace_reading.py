"""Reading a trace file: lines, the JSON documents in them, the spans in those; every fault with its place."""

import codecs
import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from pydantic import JsonValue

from shared.domain.span_shapes import SpanShapeError, items_in, parse_span, trace_id_of
from shared.domain.spans import Span
from shared.errors import TraceSourceError
from shared.redaction.redactor import safe_id

MAX_LINE_BYTES = 256 * 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_MOST_FAULTS = 100
_RECORD_KEYS = frozenset({"attributes", "span_id", "trace_id", "data", "spans"})
# A list of traces, each a list of spans, is as deep as any of Datadog's shapes goes.
_DEEPEST_LIST = 3
_BETWEEN = re.compile(r"[ \t\r\n,]*")
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
    # Traces of which a span was refused: what is left of one may look healthy, and says nothing.
    partial: frozenset[str] = frozenset()


def load_file(path: Path, salt: bytes, progress: Callable[[int], None]) -> LoadedFile:
    """Read a whole file; progress is told how many spans there were so far.

    Raises:
        TraceSourceError: the file cannot be opened.
    """
    traces: dict[str, list[bytes]] = {}
    partial: set[str] = set()
    faults: list[Fault] = []
    spans = 0
    hashed = hashlib.sha256()
    for line, document in _documents(path, hashed.update, faults):
        for item in _items(path, line, document, faults):
            try:
                span = parse_span(item)
            except SpanShapeError as error:
                faults.append(Fault(path, line, str(error)))
                if refused := trace_id_of(item):
                    partial.add(safe_id(refused, salt))
                continue
            # A trace id is a string that a caller chose; one that tells of a person is replaced at the door.
            trace_id = safe_id(span.trace_id, salt)
            traces.setdefault(trace_id, []).append(_pack(span.model_copy(update={"trace_id": trace_id})))
            spans += 1
        progress(spans)
    if not spans and not faults:
        faults.append(Fault(path, 0, "holds no spans"))
    return LoadedFile(path, hashed.hexdigest(), traces, spans, _at_most(path, faults), frozenset(partial))


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
    if (text.lstrip()[:1], text.rstrip()[-1:]) not in ((b"{", b"}"), (b"[", b"]")):
        return False
    parsed, _ = _parse(text)
    for _ in range(_DEEPEST_LIST):
        parsed = parsed[0] if isinstance(parsed, list) and parsed else parsed
    return isinstance(parsed, dict) and not parsed.keys().isdisjoint(_RECORD_KEYS)


def _one_document(
    path: Path, lines: list[tuple[int, bytes]], faults: list[Fault]
) -> Iterator[tuple[int, JsonValue]]:
    """Yield the document that fills a file, or those that follow one another in it.

    Of one that is cut, the items before the cut.
    """
    whole = b"".join(text for _, text in lines)
    document, reason = _parse(whole)
    if reason is None:
        yield lines[0][0], document
        return
    text = whole.decode("utf-8-sig", "replace")
    documents, end = _one_after_another(text, 0)
    if not documents and (opened := _ITEMS.search(text)):
        documents, end = _one_after_another(text, opened.end())
    if documents:
        yield lines[0][0], documents
    if end < len(text):
        told = lines[min(text.count("\n", 0, end), len(lines) - 1)][0]
        faults.append(Fault(path, told, f"{reason}; {len(documents)} items before it were read"))


def _one_after_another(text: str, at: int) -> tuple[list[JsonValue], int]:
    """Read documents with blanks or commas between them until one cannot be read, and say where that is."""
    decoder = json.JSONDecoder()
    documents: list[JsonValue] = []
    while (at := _BETWEEN.match(text, at).end()) < len(text):  # type: ignore[union-attr]
        try:
            document, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        documents.append(document)
    return documents, at


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
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
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


def _pack(span: Span) -> bytes:
    return zlib.compress(span.model_dump_json().encode(), level=1)
