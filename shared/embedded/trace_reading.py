"""Reading a trace file: lines, the JSON documents in them, the spans in those; every fault with its place."""

import codecs
import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from pydantic import JsonValue

from shared.domain.span_shapes import (
    START_KEYS,
    SpanShapeError,
    items_in,
    parse_span,
    tells_time,
    trace_id_of,
)
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
# So many lines say whether a file has a record in each.
_SAMPLE = 200
_BETWEEN = re.compile(r"[ \t\r\n,]*")
_TOKEN = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)("?)|([\[{])|[\]}]', re.DOTALL)
# The keys below which Datadog's shapes have their spans; a list below any other is a span's own.
_AROUND_SPANS = frozenset({"", "data", "attributes", "spans"})


class Fault(NamedTuple):
    """A place in a trace file that could not be read, and why; line 0 is the file as a whole."""

    path: Path
    line: int
    reason: str

    def __str__(self) -> str:
        """Spell the fault as compilers do."""
        place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{place}: {self.reason}"


class _Faults:
    """What could not be read in one file; one that is no trace file at all must not fill memory and store."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: list[Fault] = []
        self._left_out = 0

    def add(self, line: int, reason: str) -> None:
        if len(self._kept) < _MOST_FAULTS:
            self._kept.append(Fault(self._path, line, reason))
        else:
            self._left_out += 1

    def told(self) -> list[Fault]:
        if not self._left_out:
            return self._kept
        return [*self._kept, Fault(self._path, 0, f"{self._left_out} more lines could not be read")]


class _Timeless(NamedTuple):
    """A span that does not say when it started."""

    line: int
    trace_id: str
    packed: bytes


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
    faults = _Faults(path)
    spans = 0
    hashed = hashlib.sha256()
    timeless: list[_Timeless] = []
    for line, document in _documents(_lines(path, hashed.update, faults), faults, may_be_laid_out=True):
        if unfinished := _is_unfinished(document):
            faults.add(
                line, "the search ran out of time (meta.status: timeout): spans are missing, search again"
            )
        for item in _items(line, document, faults):
            try:
                span = parse_span(item)
            except SpanShapeError as error:
                faults.add(line, str(error))
                if refused := trace_id_of(item):
                    partial.add(safe_id(refused, salt))
                continue
            # A trace id is a string that a caller chose; one that tells of a person is replaced at the door.
            trace_id = safe_id(span.trace_id, salt)
            packed = _pack(span.model_copy(update={"trace_id": trace_id}))
            if unfinished:
                partial.add(trace_id)
            if not span.start_ns and not tells_time(item):
                timeless.append(_Timeless(line, trace_id, packed))
            else:
                traces.setdefault(trace_id, []).append(packed)
                spans += 1
        progress(spans)
    _place(timeless, traces, partial, faults)
    spans = sum(map(len, traces.values()))
    progress(spans)
    if not spans and not faults.told():
        faults.add(0, "holds no spans")
    return LoadedFile(path, hashed.hexdigest(), traces, spans, faults.told(), frozenset(partial))


def _place(
    timeless: list[_Timeless], traces: dict[str, list[bytes]], partial: set[str], faults: _Faults
) -> None:
    """Keep spans that tell no time where nobody tells one; beside others they would come first, years ago."""
    refused = bool(traces)
    for span in timeless:
        if refused:
            faults.add(span.line, f"the span has no start time; give it one of {', '.join(START_KEYS)}")
            partial.add(span.trace_id)
        else:
            traces.setdefault(span.trace_id, []).append(span.packed)


def _is_unfinished(document: JsonValue) -> bool:
    """Say whether a document has a search response that Datadog itself calls a part of the answer."""
    pages = document if isinstance(document, list) else [document]
    told = [page.get("meta") for page in pages if isinstance(page, dict) and "data" in page]
    return any(isinstance(meta, dict) and meta.get("status") == "timeout" for meta in told)


def _items(line: int, document: JsonValue, faults: _Faults) -> Iterator[JsonValue]:
    try:
        yield from items_in(document)
    except SpanShapeError as error:
        faults.add(line, str(error))
    except RecursionError:
        faults.add(line, "nested too deep to read")


def _documents(
    lines: Iterator[tuple[int, bytes]], faults: _Faults, *, may_be_laid_out: bool
) -> Iterator[tuple[int, JsonValue]]:
    """Yield the JSON documents in lines: one in each, or laid out over many, which the first line shows."""
    for number, text in lines:
        if not text.strip():
            continue
        document, reason = _parse(text)
        if reason is None:
            yield number, document
        elif may_be_laid_out and text.lstrip()[:1] in (b"{", b"["):
            yield from _laid_out(b"".join([text, *(line for _, line in lines)]), number, faults)
        else:
            yield from _before_the_fault(_valid_part(text)[0], number, reason, faults)
        may_be_laid_out = False


def _laid_out(whole: bytes, first: int, faults: _Faults) -> Iterator[tuple[int, JsonValue]]:
    """Yield the documents that follow one another in a text, however they are laid out.

    Of one that is cut, the spans before the cut; where the lines behind a bad
    first one are records of their own, those.
    """
    document, reason = _parse(whole)
    if reason is None:
        yield first, document
        return
    text, valid = _valid_part(whole)
    start, end = 0, _end_of_documents(text, 0)
    if valid and end == len(text):
        yield from _one_after_another(text, start, first)
        return
    if _has_records_of_their_own(whole):
        lines = enumerate(BytesIO(whole), start=first)
        yield from _documents(lines, faults, may_be_laid_out=False)
        return
    read = 0
    for line, told in _one_after_another(text[:end], start, first):
        read += sum(1 for _ in _items(line, told, faults))
        yield line, told
    line = first + text.count("\n", 0, end)
    yield from _before_the_fault(text[end:], line, reason, faults, read=read)


def _before_the_fault(
    text: str, line: int, reason: str, faults: _Faults, *, read: int = 0
) -> Iterator[tuple[int, JsonValue]]:
    """Yield what a broken document has before the fault, and name the fault with its place."""
    closed, length = _closed(text)
    if closed is not None:
        read += sum(1 for _ in _items(line, closed, faults))
        yield line, closed
    told = f"{reason}; {read} items before it were read" if read else reason
    faults.add(line + text.count("\n", 0, length), told)


def _closed(text: str) -> tuple[JsonValue, int]:
    """Close a document that is cut or broken behind its last whole span, and say how far it was read.

    What stands around the spans, such as the application's name, goes on counting for them.
    """
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        valid = error.pos
    except (ValueError, RecursionError):
        return None, 0
    else:
        return None, 0
    # Of each bracket that is open: how it is closed, below which key it stands, whether spans may be in it.
    opened: list[tuple[str, str, bool]] = []
    key, end, closers = "", 0, ""
    for token in _TOKEN.finditer(text, 0, valid):
        said, quote, opening = token.groups()
        if said is not None:
            if not quote:
                break  # the fault is inside this text, and so is every bracket from here on
            key = said
        elif opening:
            outer = not opened or opened[-1][2]
            # An item of a list has no key; what was read last is one of its own or of its neighbour's.
            name = "" if not opened or opened[-1][0] == "]" else key
            opened.append(("]" if opening == "[" else "}", name, outer and name in _AROUND_SPANS))
        else:
            opened.pop()
            if opened and opened[-1][0] == "]" and opened[-1][2]:
                end, closers = token.end(), "".join(bracket for bracket, _, _ in reversed(opened))
    return (json.loads(text[:end] + closers), end) if end else (None, 0)


def _valid_part(whole: bytes) -> tuple[str, bool]:
    """Decode a text as far as it is UTF-8, and say whether that is all of it."""
    try:
        return whole.decode(), True
    except UnicodeDecodeError as error:
        return whole[: error.start].decode(), False


def _has_records_of_their_own(whole: bytes) -> bool:
    """Say whether most lines behind the first are records, which in a document laid out they are not."""
    lines = BytesIO(whole)
    lines.readline()
    sample = [_is_record(line) for line in islice(lines, _SAMPLE) if line.strip()]
    return sum(sample) * 2 > len(sample)


def _is_record(text: bytes) -> bool:
    parsed, _ = _parse(text)
    for _ in range(_DEEPEST_LIST):
        parsed = parsed[0] if isinstance(parsed, list) and parsed else parsed
    return isinstance(parsed, dict) and not parsed.keys().isdisjoint(_RECORD_KEYS)


def _end_of_documents(text: str, at: int) -> int:
    """Say how far documents can be read that have blanks or commas between them; 0 where none can."""
    end = max((end for _, end in _decoded(text, at)), default=0)
    return _past_separators(text, end) if end else 0


def _one_after_another(text: str, at: int, first: int) -> Iterator[tuple[int, JsonValue]]:
    line, counted = first, 0
    for document, end in _decoded(text, at):
        line, counted = line + text.count("\n", counted, end), end
        yield line, document


def _past_separators(text: str, at: int) -> int:
    between = _BETWEEN.match(text, at)
    return between.end() if between else at


def _decoded(text: str, at: int) -> Iterator[tuple[JsonValue, int]]:
    decoder = json.JSONDecoder()
    while (at := _past_separators(text, at)) < len(text):
        try:
            document, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        yield document, at


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


def _lines(path: Path, hashed: Callable[[bytes], object], faults: _Faults) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a plain or gzip file; a cut file gives what it has."""
    try:
        with path.open("rb") as raw:
            start = raw.read(2)
            if start in _UTF16_MARKS:
                faults.add(0, "the file is UTF-16; save it as UTF-8")
                return
            zipped = start == _GZIP_MAGIC
            raw.seek(0)
            stream = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if zipped else raw
            yield from _numbered(stream, hashed, faults)
    except OSError as error:
        raise TraceSourceError(f"{path}: cannot be read: {error.strerror or error}") from error


def _numbered(
    stream: BinaryIO, hashed: Callable[[bytes], object], faults: _Faults
) -> Iterator[tuple[int, bytes]]:
    number = 0
    while True:
        number += 1
        try:
            line = stream.readline(MAX_LINE_BYTES)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            faults.add(number, "the gzip file is cut or damaged from here on")
            return
        if not line:
            return
        hashed(line)
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            faults.add(number, f"the line is longer than {MAX_LINE_BYTES // 2**20} MiB")
            while line and not line.endswith(b"\n"):
                line = stream.readline(2**20)
                hashed(line)
            continue
        yield number, line


def _pack(span: Span) -> bytes:
    return zlib.compress(span.model_dump_json().encode(), level=1)
