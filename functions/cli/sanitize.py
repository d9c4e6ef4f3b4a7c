"""`evalforge sanitize`: a stream of text or JSON lines, redacted as it passes."""

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO, NamedTuple

import click
from pydantic import JsonValue

from functions.cli.command import Where, open_settings, reporting_errors
from shared.domain.json_text import DEEPEST, json_in
from shared.local_salt import local_salt
from shared.redaction.linear import Linear
from shared.redaction.text import find
from shared.redaction.text_redactor import TextRedactor
from shared.settings import Backend

# Lines of one JSON document hold nothing but its marks, strings, numbers and words.
_STRING = r'"(?:[^"\\]|\\.)*"'
_JSON_MARKS = Linear(rf"(?:[ \t\r\n\[\]{{}}:,]|{_STRING}|-?[0-9][0-9.eE+-]*|true|false|null|NaN|-?Infinity)*")
_QUOTED = re.compile(_STRING)
_LONG_NUMBER = re.compile(r"(?<![\w.-])\d{12,}(?![\w.])")
_BYTE_ORDER_MARK = "\ufeff"
# A private key is one value on many lines.
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----")
_KEY_ENDS = re.compile(r"-----END [A-Z ]{0,30}PRIVATE KEY-----")
_LONGEST_KEY = 200


class _Line(NamedTuple):
    number: int
    text: str
    ending: str


class _Block(NamedTuple):
    """Lines that are redacted as one: a JSON document, a private key or, mostly, one line of plain text."""

    text: str
    ending: str
    is_json: bool
    value: JsonValue


@click.command()
@click.option(
    "--spans", is_flag=True, help='For lines {"id", "text"}: print what is found and where, not the text.'
)
@click.option("--counts", is_flag=True, help="Say on standard error how much was found of each type.")
@reporting_errors
def sanitize(*, spans: bool, counts: bool) -> None:
    """Redact standard input: JSON lines, JSON documents or plain text in, the same shape out.

    A value gets the same placeholder wherever it stands in the stream.
    """
    source, out = sys.stdin.buffer, sys.stdout.buffer
    try:
        told, failed = _print_spans(source, out) if spans else (_redact(source, out), False)
    except BrokenPipeError:
        # Nobody reads on, not even what the interpreter would still write at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    if counts:
        spelled = ", ".join(f"{number} {kind}" for kind, number in sorted(told.items()))
        click.echo(f"found: {spelled or 'nothing'}", err=True)
    if failed:
        sys.exit(1)


def _redact(source: BinaryIO, out: BinaryIO) -> dict[str, int]:
    redactor = TextRedactor(local_salt(open_settings(Where(backend=Backend.EMBEDDED))))
    for block in _blocks(_lines(source)):
        redacted = _redacted_json(block, redactor) if block.is_json else redactor.text(block.text)
        out.write((redacted + block.ending).encode("utf-8", "replace"))
        out.flush()
    return redactor.counts


def _print_spans(source: BinaryIO, out: BinaryIO) -> tuple[dict[str, int], bool]:
    counts: Counter[str] = Counter()
    failed = False
    for line in _lines(source):
        if not line.text.strip():
            continue
        try:
            told, text = _to_search(line.text.removeprefix(_BYTE_ORDER_MARK))
        except ValueError as error:
            click.echo(f"line {line.number}: {error}", err=True)
            failed = True
            continue
        found = find(text)
        counts.update(one.kind.value for one in found)
        spans = [{"type": one.kind, "start": one.start, "end": one.end, "rule": one.rule} for one in found]
        out.write(json.dumps({"id": told, "spans": spans}).encode() + b"\n")
        out.flush()
    return counts, failed


def _to_search(line: str) -> tuple[JsonValue, str]:
    """Read a line of `{"id", "text"}`; the ValueError says what is wrong, never what the line holds."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(told, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - a fault of the input, not of the program
    if missing := [key for key in ("id", "text") if key not in told]:
        raise ValueError(f"has no {' and no '.join(missing)}")
    if not isinstance(told["text"], str):
        raise ValueError("text is not a string")  # noqa: TRY004 - as above
    return told["id"], told["text"]


def _lines(source: BinaryIO) -> Iterator[_Line]:
    """Read lines with their endings; what is no UTF-8 is told by its line and replaced."""
    for number, raw in enumerate(source, 1):
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            click.echo(f"line {number}: not UTF-8; what cannot be read is replaced", err=True)
            text = raw.decode(errors="replace")
        body = text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
        yield _Line(number, body, text[len(body) :])


def _blocks(lines: Iterator[_Line]) -> Iterator[_Block]:
    """Put together the lines of one JSON document or one private key; any other line stands alone."""
    behind: _Line | None = None
    while (line := behind or next(lines, None)) is not None:
        behind, block = None, _block([line])
        if block.is_json:
            yield block
        elif _begins_json(line.text):
            held, behind = _document(line, lines)
            block = _block(held)
            # What turns out to be no document is looked at line by line.
            yield from [block] if block.is_json else (_block([one]) for one in held)
        elif _KEY_BEGINS.search(line.text) and not _KEY_ENDS.search(line.text):
            yield _block(_private_key(line, lines))
        else:
            yield block


def _block(lines: list[_Line]) -> _Block:
    ending = lines[-1].ending
    text = "".join(line.text + line.ending for line in lines).removesuffix(ending)
    value = json_in(text.removeprefix(_BYTE_ORDER_MARK))
    return _Block(text, ending, value is not None or _is_deep_json(text), value)


def _document(first: _Line, lines: Iterator[_Line]) -> tuple[list[_Line], _Line | None]:
    """Collect lines up to the last bracket, or to one that is no JSON, which is given beside them."""
    held, depth = [first], _depth(first.text)
    while depth > 0 and (line := next(lines, None)) is not None:
        if not _JSON_MARKS.fullmatch(line.text):
            return held, line
        held.append(line)
        depth += _depth(line.text)
    return held, None


def _private_key(first: _Line, lines: Iterator[_Line]) -> list[_Line]:
    held = [first]
    for line in islice(lines, _LONGEST_KEY):
        held.append(line)
        if _KEY_ENDS.search(line.text):
            break
    return held


def _begins_json(text: str) -> bool:
    text = text.removeprefix(_BYTE_ORDER_MARK)
    return text.lstrip()[:1] in ("{", "[") and bool(_JSON_MARKS.fullmatch(text)) and _depth(text) > 0


def _depth(line: str) -> int:
    """Count the brackets that a line opens and does not close."""
    marks = _QUOTED.sub("", line)
    return sum(map(marks.count, "{[")) - sum(map(marks.count, "}]"))


def _is_deep_json(text: str) -> bool:
    text = text.removeprefix(_BYTE_ORDER_MARK)
    if text.lstrip()[:1] not in ("{", "["):
        return False
    deep = text.count("{") + text.count("[") > DEEPEST
    return deep and bool(_JSON_MARKS.fullmatch(text)) and _depth(text) == 0


def _redacted_json(block: _Block, redactor: TextRedactor) -> str:
    """Redact JSON; where nothing is replaced it keeps its spelling."""
    text, value = block.text, block.value
    if value is None:
        return _string_by_string(text, redactor)
    redacted = redactor.json(text, value)
    body = text.removeprefix(_BYTE_ORDER_MARK).strip()
    if redacted == value and not _tells_a_key_twice(body):
        return text
    spelled = json.dumps(redacted, ensure_ascii=False, indent=_indent(body))
    before, _, after = text.partition(body)
    return before + (spelled.replace("\n", "\r\n") if "\r\n" in body else spelled) + after


def _indent(body: str) -> int | str | None:
    """Lay a document out as it came: by the blanks before its second line."""
    _, newline, second = body.partition("\n")
    return second[: len(second) - len(second.lstrip(" \t"))] if newline else None


def _tells_a_key_twice(text: str) -> bool:
    """Say whether the text holds more than its meaning: of a key told twice, JSON keeps the last."""
    twice = False

    def look(pairs: list[tuple[str, JsonValue]]) -> None:
        nonlocal twice
        twice = twice or len(pairs) > len(dict(pairs))

    json.loads(text, object_pairs_hook=look)
    return twice


def _string_by_string(text: str, redactor: TextRedactor) -> str:
    """Redact JSON that is nested too deep to go by its keys."""

    def string(match: re.Match[str]) -> str:
        told = json.loads(match[0], strict=False)
        redacted = redactor.text(told)
        return match[0] if redacted == told else json.dumps(redacted, ensure_ascii=False)

    def number(match: re.Match[str]) -> str:
        redacted = redactor.text(match[0])
        return match[0] if redacted == match[0] else json.dumps(redacted)

    pieces, at = [], 0
    for match in _QUOTED.finditer(text):
        pieces += [_LONG_NUMBER.sub(number, text[at : match.start()]), string(match)]
        at = match.end()
    return "".join([*pieces, _LONG_NUMBER.sub(number, text[at:])])
