"""What people say of failures: a file of labels, a line of JSON each."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from shared.domain.json_text import json_in
from shared.domain.taxonomy import FailureType
from shared.errors import PermanentError

_TYPES = {kind.value: kind for kind in FailureType}


class LabelsError(PermanentError):
    """A file of labels cannot be used; the message says why, and what it has to look like."""


class Label(NamedTuple):
    """One accepted answer: of which type a trace's failure is and, where the label says so, in which span."""

    trace_id: str
    failure_type: FailureType
    span_id: str | None


class Labels(NamedTuple):
    """The labels of a file, and the lines that are none, each with its place."""

    labels: tuple[Label, ...]
    faults: tuple[str, ...]


class _FaultyLineError(ValueError):
    """A line is no label; its text never repeats what the line says."""


def read_labels(path: Path) -> Labels:
    """Read a file of labels; a line that is none is told, and the others count.

    Raises:
        LabelsError: the file cannot be opened, or has no label at all.
    """
    try:
        with path.open("rb") as file:
            read = _read(path, file)
    except OSError as error:
        raise LabelsError(f"{path}: cannot be read ({error.strerror})") from None
    if not read.labels:
        first = f" ({read.faults[0]})" if read.faults else ""
        raise LabelsError(
            f"{path} has no label{first}; "
            'write a line for each: {"trace_id": "…", "type": "hallucination", "span_id": "…"}'
        )
    return read


def _read(path: Path, lines: Iterable[bytes]) -> Labels:
    labels, faults = [], []
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode("utf-8-sig")
            if text.strip():
                labels.append(_label(json_in(text)))
        except UnicodeDecodeError:
            faults.append(f"{path}:{number}: is not UTF-8")
        except _FaultyLineError as error:
            faults.append(f"{path}:{number}: {error}")
    return Labels(tuple(labels), tuple(faults))


def _label(told: JsonValue) -> Label:
    if not isinstance(told, dict):
        raise _FaultyLineError("is no JSON object of trace_id, type and span_id on one line")
    trace_id = _id(told, "trace_id")
    if trace_id is None:
        raise _FaultyLineError("has no trace_id")
    kind = told.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise _FaultyLineError("its type is none of the failure types; --help lists them")
    return Label(trace_id, _TYPES[kind], _id(told, "span_id"))


def _id(told: dict[str, JsonValue], key: str) -> str | None:
    """Read an id, which some tracers write as a number; nothing and an empty text are none."""
    value = told.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int | None):
        raise _FaultyLineError(f"its {key} is no text")
    return str(value) if value is not None and value != "" else None
