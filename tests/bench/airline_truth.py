"""What is known of the airline's failed runs: how their state-changing calls deviate from the task's."""

import json
from pathlib import Path
from typing import NamedTuple

from functions.measuring.labels import Label
from shared.domain.taxonomy import FailureType

TYPES = {
    "wrong_arguments": FailureType.WRONG_ARGUMENTS,
    "unwanted_action": FailureType.UNWANTED_ACTION,
    "missing_action": FailureType.INCOMPLETE_TASK,
    "wrong_answer": FailureType.HALLUCINATION,
}


class Truth(NamedTuple):
    """One failed run: its task, the kinds of its deviations in order, and the first call that deviates."""

    trace_id: str
    task: int
    kinds: tuple[str, ...]
    tools: tuple[str, ...]
    span_id: str | None

    @property
    def types(self) -> tuple[FailureType | None, ...]:
        """The type of each deviation; None for a kind that the taxonomy has no word for."""
        return tuple(TYPES.get(kind) for kind in self.kinds)


def load_truth(traces: Path) -> list[Truth]:
    """Read the truth beside a trace file; nothing where there is none."""
    path = traces.with_name("airline_truth.json")
    if not path.exists():
        return []
    return [
        Truth(
            trace_id=trace_id,
            task=told["task"],
            kinds=tuple(one["kind"] for one in told["deviations"]),
            tools=tuple(one["tool"] for one in told["deviations"] if one["tool"]),
            span_id=told["first_deviating_span_id"],
        )
        for trace_id, told in json.loads(path.read_text("utf-8")).items()
    ]


def changing_tools(truth: list[Truth]) -> frozenset[str]:
    """Name the tools that change what the airline has stored: those that some run should or should not use.

    More telling than a tool's name: handing a customer over to a person changes nothing.
    """
    return frozenset(tool for run in truth for tool in run.tools)


def labels_of(truth: list[Truth]) -> list[Label]:
    """Take the first deviation of each run for its label; a kind without a type has none."""
    return [
        Label(run.trace_id, kind, run.span_id) for run in truth for kind in run.types[:1] if kind is not None
    ]
