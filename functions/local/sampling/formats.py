"""Samples as files: JSON lines for programs, YAML for people; both hold the same."""

import json
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

from functions.local.sampling.traces import Sample
from shared.errors import PermanentError

_WIDTH = 110


class OutputError(PermanentError):
    """The file cannot be written."""


class Format(StrEnum):
    """How samples are spelled."""

    JSON = "json"
    YAML = "yaml"


def spelled(told: Iterable[Sample], form: Format) -> Iterator[bytes]:
    """Spell samples trace by trace: one span a line, or one YAML list of spans."""
    if form is Format.JSON:
        for sample in told:
            yield b"".join(json.dumps(span, ensure_ascii=False).encode() + b"\n" for span in sample.spans)
        return
    dump = _yaml()
    for sample in told:
        name = sample.failure_type.value
        heading = f"# {name}\n" if sample.failing else f"# a run like that, without {name}\n"
        yield (heading + dump(list(sample.spans))).encode()


def write_whole(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file that is there whole or not at all; what stood there stays until then.

    Raises:
        OutputError: the folder is missing, or may not be written to.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        try:
            with draft.open("wb") as file:
                file.writelines(pieces)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from None


def _yaml() -> Any:  # noqa: ANN401 - PyYAML has no types of its own
    """Load the library only where YAML is asked for, and lay long texts out as blocks."""
    import yaml

    class Dumper(yaml.SafeDumper):  # type: ignore[misc] # without stubs its class is of no known type
        """Writes texts of many lines as they read."""

    def text(dumper: Any, value: str) -> Any:  # noqa: ANN401 - as above
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    # Spans share parts; a person would rather read them twice than follow references.
    Dumper.ignore_aliases = lambda *_: True

    def dump(value: list[Any]) -> str:
        spelled: str = yaml.dump(value, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
        return spelled

    return dump
