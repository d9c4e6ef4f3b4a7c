"""Structured logs as Cloud Logging reads them: one JSON object a line, ids and never payload text."""

import json
import logging
import sys
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO

from shared.errors import EvalForgeError

_NAME = "evalforge"
# What a log line may carry beside its message; anything else would be payload.
_FIELDS = (
    "stage",
    "topic",
    "trace_id",
    "incident_id",
    "suggestion_id",
    "artifact_id",
    "dead_letter_id",
    "message_id",
    "attempt",
    "count",
    "elapsed_ms",
    "outcome",
    "done",
    "lag_seconds",
)


class JsonFormatter(logging.Formatter):
    """Spells a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Keep the message, the known fields, and of an error what cannot hold payload."""
        line: dict[str, object] = {
            "severity": record.levelname,
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(),
            "message": record.getMessage(),
            "logger": record.name,
        }
        line |= {field: getattr(record, field) for field in _FIELDS if hasattr(record, field)}
        if (context := getattr(record, "trace_context", "")) and context.count("-") >= 2:  # noqa: PLR2004
            line["trace"] = context.split("-")[1]
        if record.exc_info and (error := record.exc_info[1]) is not None:
            line["error"] = describe(error)
            line["stack"] = _stack(error)
        return json.dumps(line, default=str)


class StageLogger(logging.LoggerAdapter[logging.Logger]):
    """Adds the stage to every line, beside what the line itself carries."""

    def process(
        self, msg: object, kwargs: MutableMapping[str, Any]
    ) -> tuple[object, MutableMapping[str, Any]]:
        """Join the stage and the line's own fields; the standard adapter drops one of them before 3.13."""
        return msg, {**kwargs, "extra": {**(self.extra or {}), **kwargs.get("extra", {})}}


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to whatever standard error is when a line is logged."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        self.stream = sys.stderr
        super().emit(record)


def logger(stage: str) -> StageLogger:
    """Give a stage its logger."""
    return StageLogger(logging.getLogger(_NAME), {"stage": stage})


def configure(level: str = "INFO", *, function: str | None = None) -> None:
    """Send our logs to standard error as JSON; calling it again only sets the level.

    With a function's name, its framework tells no error of ours once more: each
    was logged already, and a redelivery is no crash with a traceback.
    """
    if function:
        logging.getLogger(function).addFilter(_is_foreign)
    ours = logging.getLogger(_NAME)
    ours.setLevel(level.upper())
    ours.propagate = False
    if not ours.handlers:
        handler = _StandardError()
        handler.setFormatter(JsonFormatter())
        ours.addHandler(handler)


def _is_foreign(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], EvalForgeError))


def describe(error: BaseException) -> str:
    """Say what went wrong: our own errors in full, of others the type alone.

    The text of a foreign error may repeat the value that it could not take.
    """
    return f"{type(error).__name__}: {error}" if isinstance(error, EvalForgeError) else type(error).__name__


def _stack(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
