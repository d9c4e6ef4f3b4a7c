"""How well extraction finds out what failed, against the truth beside the recorded airline runs."""

import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from functions.extract.extraction import pattern_of
from functions.local.trace_run import run_files
from functions.measuring.extraction import Steps, chance, named_spans, steps_of
from functions.measuring.shares import Share, mean
from functions.measuring.table import interval, laid_out, percent, spelled
from functions.sanitize.capture import capture_of
from shared.domain.captures import Capture
from shared.domain.conversation import leaf_texts
from shared.domain.courses import Course
from shared.domain.like_requests import ControlGroup
from shared.domain.patterns import FailurePattern
from shared.domain.signals import SignalRules
from shared.domain.taxonomy import FailureType
from shared.redaction.policy import Redaction
from shared.settings import Settings
from shared.wiring import wire_embedded
from tests.bench.airline_privacy import traces_in
from tests.bench.airline_truth import Truth, changing_tools, load_truth

PASSES = 7
# What a run without a deviating call went wrong in: it did not do all, or said what was not so.
UNDONE_OR_MISTOLD = frozenset(
    {
        FailureType.INCOMPLETE_TASK,
        FailureType.REFUSAL,
        FailureType.HALLUCINATION,
        FailureType.STALE_DATA,
        FailureType.CITATION_MISSING,
    }
)
HEADER = """\
extraction: what the rules say of the airline's failed runs, once the queues have drained; intervals of 95 %
  rules are written with one half of the tasks in view and reported on the other, so each stands by itself;
  a change is a call of a tool that changes what the airline has stored, and that succeeded"""


class Run(NamedTuple):
    """One failed run: the truth, what extraction says, what could be guessed, and what its spans hold."""

    truth: Truth
    pattern: FailurePattern
    steps: Steps
    capture: Capture


class Located(NamedTuple):
    """How often the first deviating call is named, beside guesses among the calls that changed something."""

    named: Share
    random: float | None
    first: Share
    last: Share


class Quality(NamedTuple):
    """Figures of some runs; `quiet` are those in which no call deviates."""

    runs: int
    located: Located
    located_of_several: Located
    naming_two: Share
    quiet_undone: Share
    quiet_blaming: Share
    first_kind: Share
    first_kind_floor: Share
    any_kind: Share
    any_kind_floor: Share
    quotes: Share
    unknown: Share
    signatures: int


def print_extraction(traces: Path) -> None:
    """Measure and print all; says that it is skipped where there is no truth."""
    truth = load_truth(traces)
    if not truth:
        print("extraction: skipped, the recorded airline runs are not beside the project")
        return
    runs = runs_of(traces, truth)
    halves = {
        "even tasks": [run for run in runs if run.truth.task % 2 == 0],
        "odd tasks": [run for run in runs if run.truth.task % 2],
        "all": runs,
    }
    columns = [quality_of(part) for part in halves.values()]
    print(f"{HEADER}\n")
    names = [f"{name}, {column.runs} runs" for name, column in zip(halves, columns, strict=True)]
    for line in laid_out([("", *names), *_table(columns)]):
        print(f"  {line}")
    group = control_group_in(traces)
    rate = throughput([run.capture for run in runs], lambda capture: pattern_of(capture, group))
    print(
        f"\nthe rules with the contrast on one core: {rate:.0f} captures/s "
        f"(median of {PASSES} passes, {len(runs)} each)"
    )


def runs_of(traces: Path, truth: list[Truth]) -> list[Run]:
    """Take the file through the whole loop, and join what stands in the store to the truth."""
    changing = changing_tools(truth)
    with tempfile.TemporaryDirectory() as folder:
        parts = wire_embedded(Settings(evalforge_store=Path(folder) / "store.db", ask_model=False))
        run_files([traces], parts)
        patterns = {pattern.trace_id: pattern for pattern in parts.patterns.all()}
        captures = {capture.trace_id: capture for capture in parts.captures.all()}
    return [
        Run(one, patterns[one.trace_id], steps_of(capture, changing.__contains__), capture)
        for one in truth
        if one.trace_id in patterns and (capture := captures.get(one.trace_id))
    ]


def control_group_in(traces: Path) -> ControlGroup:
    """Make the control group of a file's healthy runs."""
    redaction = Redaction(b"a salt for measuring, 32 long or more")
    captures = (capture_of(trace, rules=SignalRules(), redaction=redaction) for trace in traces_in(traces))
    return ControlGroup([Course.of(capture) for capture in captures if capture.healthy])


def quality_of(runs: Sequence[Run]) -> Quality:
    """Hold what extraction says of runs to the truth."""
    deviating = [run for run in runs if run.truth.span_id]
    quiet = [run for run in runs if not run.truth.span_id]
    quotes = [quote for run in runs for quote in quotes_of(run.pattern)]
    return Quality(
        runs=len(runs),
        located=_located(deviating),
        located_of_several=_located([run for run in deviating if len(run.steps.changes) > 1]),
        naming_two=Share.among(len(_blamed_changes(run)) > 1 for run in deviating),
        quiet_undone=Share.among(run.pattern.leading_type in UNDONE_OR_MISTOLD for run in quiet),
        quiet_blaming=Share.among(bool(_blamed_changes(run)) for run in quiet),
        first_kind=Share.among(run.pattern.leading_type in run.truth.types[:1] for run in runs),
        first_kind_floor=_floor(run.truth.types[:1] for run in runs),
        any_kind=Share.among(run.pattern.leading_type in run.truth.types for run in runs),
        any_kind_floor=_floor(run.truth.types for run in runs),
        quotes=Share.counted(sum(len(verbatim_quotes(run)) for run in runs), len(quotes)),
        unknown=Share.among(run.pattern.leading_type is FailureType.UNKNOWN for run in runs),
        signatures=len({run.pattern.signature.digest for run in runs}),
    )


def quotes_of(pattern: FailurePattern) -> list[tuple[str, str]]:
    """List what a pattern quotes, each with the span that it names; an empty quote is none."""
    told = [(one.span_id, one.quote) for one in pattern.evidence]
    told += [(one.span_id, one.evidence) for one in pattern.root_causes]
    return [(span_id, quote) for span_id, quote in told if quote]


def verbatim_quotes(run: Run) -> list[tuple[str, str]]:
    """List the quotes that stand in their spans as they are."""
    return [
        (span_id, quote) for span_id, quote in quotes_of(run.pattern) if _holds(run.capture, span_id, quote)
    ]


def throughput(captures: Sequence[Capture], extract: Callable[[Capture], FailurePattern]) -> float:
    """Say how many captures a second of this process's own time become patterns, in the median pass."""
    rates = []
    for _ in range(PASSES):
        started = time.process_time()
        for capture in captures:
            extract(capture)
        rates.append(len(captures) / (time.process_time() - started))
    return statistics.median(rates)


def cells_of(told: Quality) -> dict[str, str]:
    """Spell figures, by what they are of."""
    several = told.located_of_several
    return {
        "first deviating call is named": _cell(told.located.named),
        **_guesses("  floor", told.located),
        "the same in runs of several changes": _cell(several.named),
        **_guesses("  floor in those", several),
        "two changes are named": _cell(told.naming_two),
        "no call deviates: called undone or mistold": _cell(told.quiet_undone),
        "no call deviates: a change is named all the same": _cell(told.quiet_blaming),
        "leading type is the first deviation's": _cell(told.first_kind),
        "  floor: always the first's most frequent": _cell(told.first_kind_floor),
        "leading type is any deviation's": _cell(told.any_kind),
        "  floor: always the most frequent of any": _cell(told.any_kind_floor),
        "quotes that stand in their span (all must)": _cell(told.quotes),
        "unknown": _cell(told.unknown),
        "signatures": f"{told.signatures}",
    }


def _table(columns: Sequence[Quality]) -> list[tuple[str, ...]]:
    spelled_out = [cells_of(column) for column in columns]
    return [(name, *(column[name] for column in spelled_out)) for name in spelled_out[0]]


def _guesses(floor: str, told: Located) -> dict[str, str]:
    return {
        f"{floor}: a random change": percent(told.random),
        f"{floor}: the first change": _cell(told.first),
        f"{floor}: the last change": _cell(told.last),
    }


def _cell(share: Share) -> str:
    return f"{spelled(share)}, {interval(share)}"


def _located(runs: Sequence[Run]) -> Located:
    def found(spans: Callable[[Run], Iterable[str]]) -> Share:
        return Share.among(run.truth.span_id in set(spans(run)) for run in runs)

    return Located(
        named=found(lambda run: named_spans(run.pattern)),
        random=mean([chance(frozenset({run.truth.span_id or ""}), run.steps.changes) for run in runs]),
        first=found(lambda run: run.steps.changes[:1]),
        last=found(lambda run: run.steps.changes[-1:]),
    )


def _blamed_changes(run: Run) -> frozenset[str]:
    return named_spans(run.pattern) & frozenset(run.steps.changes)


def _floor(accepted: Iterable[tuple[FailureType | None, ...]]) -> Share:
    """Say how often the type that is right most often is right."""
    told = list(accepted)
    counts = Counter(kind for kinds in told for kind in set(kinds) if kind is not None)
    return Share.counted(max(counts.values(), default=0), len(told))


def _holds(capture: Capture, span_id: str, quote: str) -> bool:
    span = capture.span(span_id)
    return span is not None and any(quote in text for text in leaf_texts(span.model_dump(mode="json")))
