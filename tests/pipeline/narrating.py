"""Failures of few kinds, and models that tell of them, or cannot."""

import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from shared.domain.model_calls import Trouble, Usage
from shared.errors import ModelTroubleError
from shared.ports import ModelAnswer, ModelRequest, TextModel
from shared.wiring import Wiring
from tests.pipeline.end_state import open_store
from tests.unit.told_models import answer_of, rules_in

USAGE = Usage(input_tokens=4000, output_tokens=500, seconds=0.2)
# By the price of the settings' own model.
COST = (4000 * 1.5 + 500 * 9.0) / 1e6
_TITLE = "The agent called a tool that failed"


class Failure(NamedTuple):
    """A trace of a kind: its tool never works."""

    kind: int
    number: int

    @property
    def tool(self) -> str:
        """A name of letters: numbers count as nothing in a signature."""
        return "fetch_" + "".join(chr(ord("a") + int(digit)) for digit in f"{self.kind:02}")

    @property
    def trace_id(self) -> str:
        return f"trace-{self.kind}-{self.number}"


def write_failures(path: Path, *, kinds: int, each: int, app: str = "storm-shop", first: str = "") -> Path:
    """Write a trace file of so many kinds of failure, each of which came so often, turn by turn.

    `first` is what the user of the first one of each kind says beside.
    """
    failures = [Failure(kind, number) for number in range(each) for kind in range(kinds)]
    spans = (span for one in failures for span in _spans(one, app, beside="" if one.number else first))
    path.write_text("".join(json.dumps(span) + "\n" for span in spans))
    return path


def _spans(failure: Failure, app: str, beside: str) -> list[dict[str, object]]:
    start = 1_790_000_000_000_000_000 + failure.number * 1_000_000_000
    asked = {"value": f"Fetch page {failure.number}, please. {beside}".strip()}
    common: dict[str, object] = {
        "trace_id": failure.trace_id,
        "ml_app": app,
        "tags": ["env:prod", "version:1.0"],
    }
    return [
        common
        | {
            "span_id": f"{failure.trace_id}-root",
            "parent_id": "undefined",
            "name": "chat",
            "meta": {"kind": "agent", "input": asked, "output": {"value": "That did not work, sorry."}},
            "start_ns": start,
            "duration": 1_000_000_000,
            "status": "ok",
        },
        common
        | {
            "span_id": f"{failure.trace_id}-call",
            "parent_id": f"{failure.trace_id}-root",
            "name": failure.tool,
            "meta": {
                "kind": "tool",
                "input": {"value": json.dumps({"page": failure.number})},
                "output": {"value": "503 service unavailable"},
            },
            "start_ns": start + 1_000_000,
            "duration": 1_000_000,
            "status": "error",
        },
    ]


class Telling:
    """A model that tells what the rules found, after a while; it counts how often it is asked."""

    name = "gemini-3.5-flash"

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self.calls = 0
        self.asked: list[ModelRequest] = []

    def answer(self, request: ModelRequest) -> ModelAnswer:
        with self._lock:
            self.calls += 1
            self.asked.append(request)
        time.sleep(self._seconds)
        found = rules_in(request)
        kind, step = found["failure_types"][0], found["failing_span"]
        quote = next((one["quote"] for one in found["evidence"]), "")
        cause = {"cause": _TITLE, "failure_type": kind, "span": step, "quote": quote}
        text = answer_of(
            failure_types=[kind],
            failing_span=step,
            title=_TITLE,
            trigger={"sentence": _TITLE, "span": step, "quote": quote},
            root_causes=[cause],
        )
        return ModelAnswer(text, USAGE)


class Saying(Telling):
    """A model that answers with a text, whatever it is asked."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def answer(self, request: ModelRequest) -> ModelAnswer:
        super().answer(request)
        return ModelAnswer(self._text, USAGE)


class Failing(Telling):
    """A model that gives no answer."""

    def __init__(self, trouble: Trouble, *, retry_after: float | None = None) -> None:
        super().__init__()
        self._trouble = trouble
        self._retry_after = retry_after

    def answer(self, request: ModelRequest) -> ModelAnswer:
        super().answer(request)
        raise ModelTroubleError("no answer", self._trouble, retry_after=self._retry_after)


def asking(parts: Wiring, model: TextModel | None, *, workers: int = 1, **settings: object) -> Wiring:
    """Let a store's parts ask a model."""
    told = parts.settings.model_copy(update={"evalforge_workers": workers, **settings})
    return replace(parts, settings=told, made_model=lambda: model)


def store_asking(path: Path, model: TextModel | None, *, workers: int = 1, **settings: object) -> Wiring:
    """Open a store whose parts ask a model."""
    return asking(open_store(path), model, workers=workers, **settings)
