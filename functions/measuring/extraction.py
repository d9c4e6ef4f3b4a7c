"""How well extraction says what failed and where, held to labels and to the simplest guesses."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from functions.measuring.labels import Label
from functions.measuring.shares import Judged, Share, calibration_error, mean, percentile
from shared.domain.captures import Capture
from shared.domain.conversation import tool_calls
from shared.domain.model import Model
from shared.domain.patterns import FailurePattern
from shared.domain.taxonomy import FailureType, by_precedence

_TOP = 3
_SLOW = 95


class Steps(NamedTuple):
    """The spans of a failing run that a guess may blame, in the order in which they started.

    `changes` are the calls that changed something and succeeded.
    """

    spans: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


class Case(NamedTuple):
    """A labelled failure: its accepted answers, what extraction says of it, and what could be guessed."""

    answers: tuple[Label, ...]
    pattern: FailurePattern
    steps: Steps

    @property
    def types(self) -> frozenset[FailureType]:
        """The types that are accepted."""
        return frozenset(answer.failure_type for answer in self.answers)

    @property
    def spans(self) -> frozenset[str]:
        """The spans that are accepted; none where no label names one."""
        return frozenset(answer.span_id for answer in self.answers if answer.span_id)

    @property
    def is_right(self) -> bool:
        """Say whether one accepted answer is given whole: its type leads, and its span, if any, is named."""
        named = named_spans(self.pattern)
        return any(
            answer.failure_type is self.pattern.leading_type
            and (answer.span_id is None or answer.span_id in named)
            for answer in self.answers
        )


class Floor(Model):
    """What guesses reach that look at no trace closely.

    The random ones are expectations: of one span, and of as many as the pattern
    names, a failing step and perhaps its cause, which has two guesses as well.
    """

    most_frequent_type: FailureType | None
    type_leading: Share
    random_span: float | None
    random_spans: float | None
    first_error: Share
    first_change: Share
    last_change: Share


class ExtractionFigures(Model):
    """How well extraction does: types over all that is measured, spans where a label names one.

    `right` is what confidence is held to: one accepted answer whole, the leading
    type and the span where it names one. Costs are in US dollars, latency is in
    milliseconds, each of one failure.
    """

    labels: int
    traces: int
    measured: int
    without_pattern: tuple[str, ...]
    type_leading: Share
    type_among_three: Share
    failing_span: Share
    cause_span: Share
    either_span: Share
    both_spans: Share
    right: Share
    calibration_error: float | None
    unknown: Share
    cost_usd: float
    cost_usd_per_failure: float | None
    latency_ms_p95: int | None
    floor: Floor


def steps_of(capture: Capture, is_change: Callable[[str], bool]) -> Steps:
    """List what may be blamed; `is_change` says of a tool's name whether it changes anything."""
    return Steps(
        spans=tuple(span.span_id for span in capture.spans),
        errors=tuple(span.span_id for span in capture.spans if span.status == "error"),
        changes=tuple(
            call.span.span_id
            for call in tool_calls(capture.trace)
            if not call.failed and is_change(call.name)
        ),
    )


def named_spans(pattern: FailurePattern) -> frozenset[str]:
    """Name the spans that a pattern blames: the failing step, and its cause where it says one."""
    return frozenset(filter(None, (pattern.failing_span_id, pattern.cause_span_id)))


def figures_of(
    labels: Iterable[Label],
    pattern_of: Callable[[str], FailurePattern | None],
    steps: Callable[[str], Steps],
) -> ExtractionFigures:
    """Hold patterns to labels; several labels of one trace are several accepted answers."""
    answers: dict[str, list[Label]] = {}
    for label in labels:
        answers.setdefault(label.trace_id, []).append(label)
    found = {trace_id: pattern_of(trace_id) for trace_id in answers}
    cases = [
        Case(tuple(answers[trace_id]), pattern, steps(trace_id))
        for trace_id, pattern in found.items()
        if pattern is not None
    ]
    located = [case for case in cases if case.spans]
    costs = [case.pattern.extractor.cost_usd for case in cases]
    return ExtractionFigures(
        labels=sum(map(len, answers.values())),
        traces=len(answers),
        measured=len(cases),
        without_pattern=tuple(trace_id for trace_id, pattern in found.items() if pattern is None),
        type_leading=Share.among(case.pattern.leading_type in case.types for case in cases),
        type_among_three=Share.among(
            not case.types.isdisjoint(case.pattern.failure_types[:_TOP]) for case in cases
        ),
        failing_span=Share.among(case.pattern.failing_span_id in case.spans for case in located),
        cause_span=Share.among(case.pattern.cause_span_id in case.spans for case in located),
        either_span=Share.among(not case.spans.isdisjoint(named_spans(case.pattern)) for case in located),
        both_spans=Share.among(
            {case.pattern.failing_span_id, case.pattern.cause_span_id} <= case.spans for case in located
        ),
        right=Share.among(case.is_right for case in cases),
        calibration_error=calibration_error(
            [Judged(case.pattern.confidence, case.is_right) for case in cases]
        ),
        unknown=Share.among(case.pattern.leading_type is FailureType.UNKNOWN for case in cases),
        cost_usd=sum(costs),
        cost_usd_per_failure=mean(costs),
        latency_ms_p95=percentile([case.pattern.extractor.latency_ms for case in cases], _SLOW),
        floor=_floor(cases, located),
    )


def _floor(cases: Sequence[Case], located: Sequence[Case]) -> Floor:
    kind = most_frequent([case.types for case in cases])
    return Floor(
        most_frequent_type=kind,
        type_leading=Share.among(kind in case.types for case in cases),
        random_span=mean([chance(case.spans, case.steps.spans) for case in located]),
        random_spans=mean(
            [chance(case.spans, case.steps.spans, picks=len(named_spans(case.pattern))) for case in located]
        ),
        first_error=Share.among(not case.spans.isdisjoint(case.steps.errors[:1]) for case in located),
        first_change=Share.among(not case.spans.isdisjoint(case.steps.changes[:1]) for case in located),
        last_change=Share.among(not case.spans.isdisjoint(case.steps.changes[-1:]) for case in located),
    )


def most_frequent(accepted: Iterable[frozenset[FailureType]]) -> FailureType | None:
    """Find the type that is right most often if it is said of every failure; of equals the first in order."""
    counts = Counter(kind for kinds in accepted for kind in kinds)
    return max(by_precedence(set(counts)), key=counts.__getitem__, default=None)


def chance(wanted: frozenset[str], among: Sequence[str], *, picks: int = 1) -> float:
    """Say how likely a wanted span is among so many different ones, picked at random."""
    misses = sum(span not in wanted for span in among)
    picked = min(picks, len(among))
    return 1 - math.comb(misses, picked) / math.comb(len(among), picked)
