"""Logs: one JSON object a line, with ids, and never what a trace or a message held."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.errors import MessageError, UnavailableError
from shared.logs import JsonFormatter, configure, describe, logger

PAYLOAD = "jane@example.com asked for W2378156"


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Give what was logged, as it would be printed."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    ours = logging.getLogger("evalforge")
    before = ours.level
    ours.addHandler(handler)
    ours.setLevel(logging.DEBUG)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    ours.removeHandler(handler)
    ours.setLevel(before)


def _raise_foreign() -> None:
    int(PAYLOAD)


def test_a_line_says_what_happened_where_and_how_bad_it_is(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logger("sanitize").warning("kept", extra={"trace_id": "t-1", "count": 3})

    [line] = lines()
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "severity": "WARNING",
        "message": "kept",
        "logger": "evalforge",
        "stage": "sanitize",
        "trace_id": "t-1",
        "count": 3,
    }


def test_a_field_that_nobody_knows_is_left_out(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logger("sanitize").info("kept", extra={"input": PAYLOAD, "body": {"text": PAYLOAD}, "outcome": "stored"})

    [line] = lines()
    assert "jane" not in json.dumps(line)
    assert line["outcome"] == "stored"


def test_a_foreign_errors_text_is_left_out(lines: Callable[[], list[dict[str, Any]]]) -> None:
    try:
        _raise_foreign()
    except ValueError:
        logger("sanitize").exception("to be delivered again")

    [line] = lines()
    assert line["error"] == "ValueError"
    assert line["stack"][-1].endswith(" _raise_foreign")
    assert "jane" not in json.dumps(line)


def test_what_caused_an_error_of_ours_is_left_out(lines: Callable[[], list[dict[str, Any]]]) -> None:
    try:
        try:
            _raise_foreign()
        except ValueError as error:
            raise UnavailableError("the store did not answer") from error
    except UnavailableError:
        logger("sanitize").exception("to be delivered again")

    [line] = lines()
    assert line["error"] == "UnavailableError: the store did not answer"
    assert "jane" not in json.dumps(line)


def test_an_error_group_shows_none_of_its_errors(lines: Callable[[], list[dict[str, Any]]]) -> None:
    group = ExceptionGroup("several", [ValueError(PAYLOAD), KeyError(PAYLOAD)])

    logger("sanitize").error("to be delivered again", exc_info=group)

    [line] = lines()
    assert line["error"] == "ExceptionGroup"
    assert "jane" not in json.dumps(line)


def test_our_own_errors_are_described_in_full_and_others_by_their_type() -> None:
    assert describe(MessageError("not JSON")) == "MessageError: not JSON"
    assert describe(KeyError(PAYLOAD)) == "KeyError"
    assert describe(UnicodeDecodeError("utf-8", PAYLOAD.encode(), 0, 1, "bad")) == "UnicodeDecodeError"


def test_a_line_is_one_line_whatever_it_says(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logger("sanitize").info("a\nb\u2028c\ud800", extra={"trace_id": "t\n1"})

    [line] = lines()
    assert line["trace_id"] == "t\n1"


def test_a_line_that_belongs_to_a_trace_says_to_which(lines: Callable[[], list[dict[str, Any]]]) -> None:
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    logger("extract").info("done", extra={"trace_context": parent})

    [line] = lines()
    assert line["trace"] == "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize("parent", ["", "none", "00-4bf92f"])
def test_a_trace_context_that_is_none_is_left_out(
    lines: Callable[[], list[dict[str, Any]]], parent: str
) -> None:
    logger("extract").info("done", extra={"trace_context": parent})

    [line] = lines()
    assert "trace" not in line


def test_configuring_twice_prints_each_line_once() -> None:
    ours = logging.getLogger("evalforge")
    before = (list(ours.handlers), ours.level, ours.propagate)
    ours.handlers.clear()
    try:
        configure("debug")
        configure("warning")
        assert len(ours.handlers) == 1
        assert (ours.level, ours.propagate) == (logging.WARNING, False)
    finally:
        ours.handlers[:], ours.propagate = before[0], before[2]
        ours.setLevel(before[1])


def test_a_functions_framework_tells_no_error_of_ours_again(caplog: pytest.LogCaptureFixture) -> None:
    configure("INFO", function="a_function")
    framework = logging.getLogger("a_function")

    def told(error: Exception) -> int:
        caplog.clear()
        framework.error("Exception on / [POST]", exc_info=error)
        return len(caplog.records)

    assert told(UnavailableError("no answer")) == 0
    assert told(KeyError("x")) == 1
