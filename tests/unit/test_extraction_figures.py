"""The figures that extraction is held to: their arithmetic on made-up runs, their sense on recorded ones."""

from pathlib import Path

import pytest

from functions.extract.extraction import pattern_of
from functions.measuring.extraction import Steps, figures_of
from functions.measuring.shares import Share
from shared.domain.patterns import FailurePattern, RootCause, TypeEvidence
from shared.domain.taxonomy import FailureType
from tests.bench.airline_truth import Truth, changing_tools, labels_of, load_truth
from tests.bench.extraction import Run, cells_of, quality_of, quotes_of, runs_of, throughput, verbatim_quotes
from tests.unit.build import call, capture, model, pattern, root, verdict

F = FailureType
CAPTURE = capture(
    root(evaluations={"goal_completeness": verdict("fail", reasoning="the refund is missing")}),
    call("book", "book_trip", {"to": "Oslo"}, 'a "quoted" trip'),
    model("say", said="Your trip is booked.", start_ns=9_000),
)


def run(said: FailurePattern, *kinds: str, span_id: str | None = None, changes: tuple[str, ...] = ()) -> Run:
    truth = Truth(said.trace_id, 1, kinds, (), span_id)
    return Run(truth, said, Steps(changes=changes), CAPTURE)


def quote(span_id: str, text: str) -> TypeEvidence:
    return TypeEvidence(failure_type=F.LATENCY, span_id=span_id, reason="", quote=text)


def counts(share: Share) -> tuple[int, int]:
    return share.hits, share.of


# Four runs with a deviating call: by its cause, by nothing, by another change, and the only change there is.
RUNS = [
    run(
        pattern("a", F.UNWANTED_ACTION, failing="a3", cause="a2", signature="x"),
        "unwanted_action",
        "missing_action",
        span_id="a2",
        changes=("a1", "a2", "a3"),
    ),
    run(
        pattern("b", F.HALLUCINATION, failing="say"),
        "wrong_arguments",
        "wrong_answer",
        span_id="b1",
        changes=("b1", "b2"),
    ),
    run(
        pattern("c", F.UNKNOWN, failing="c2"),
        "wrong_arguments",
        "missing_action",
        span_id="c1",
        changes=("c1", "c2"),
    ),
    run(
        pattern("d", F.WRONG_ARGUMENTS, failing="d1"),
        *["wrong_arguments"] * 3,
        span_id="d1",
        changes=("d1",),
    ),
    # Three without: rightly undone, blamed for a change, and of a kind that no type says.
    run(pattern("e", F.INCOMPLETE_TASK, failing="say"), "missing_action", changes=("e1",)),
    run(pattern("f", F.UNWANTED_ACTION, failing="f1", signature="y"), "missing_action", changes=("f1",)),
    run(pattern("g", F.HALLUCINATION, failing="say"), "other"),
]


def test_the_deviating_call_is_held_to_what_the_pattern_names() -> None:
    told = quality_of(RUNS)

    assert counts(told.located.named) == (2, 4)
    assert counts(told.located_of_several.named) == (1, 3)
    assert counts(told.naming_two) == (1, 4)


def test_guesses_are_among_the_calls_that_changed_something() -> None:
    told = quality_of(RUNS)

    assert told.located.random == pytest.approx((1 / 3 + 1 / 2 + 1 / 2 + 1) / 4)
    assert told.located_of_several.random == pytest.approx((1 / 3 + 1 / 2 + 1 / 2) / 3)
    assert (counts(told.located.first), counts(told.located.last)) == ((3, 4), (1, 4))
    assert counts(told.located_of_several.first) == (2, 3)
    assert counts(told.located_of_several.last) == (0, 3)


def test_runs_in_which_no_call_deviates_count_for_themselves() -> None:
    told = quality_of(RUNS)

    assert counts(told.quiet_undone) == (2, 3)
    assert counts(told.quiet_blaming) == (1, 3)


def test_the_leading_type_is_held_to_the_kinds_and_to_the_most_frequent_one() -> None:
    told = quality_of(RUNS)

    assert counts(told.first_kind) == (3, 7)
    assert counts(told.any_kind) == (4, 7)
    # First kinds are wrong arguments in three runs; an action is missing in four, however often in one.
    assert counts(told.first_kind_floor) == (3, 7)
    assert counts(told.any_kind_floor) == (4, 7)
    assert counts(told.unknown) == (1, 7)
    assert told.signatures == 3


def test_a_quote_counts_where_its_span_holds_it_word_for_word() -> None:
    said = pattern(
        "a",
        F.LATENCY,
        failing="say",
        quotes=(
            quote("book", "Oslo"),
            quote("book", 'a "quoted" trip'),
            quote("root", "the refund is missing"),
            quote("say", "Oslo"),
            quote("say", "your trip is booked."),
            quote("nowhere", "booked"),
            quote("say", ""),
        ),
    )
    cause = RootCause(cause="", failure_type=F.LATENCY, span_id="say", evidence="trip is booked")
    told = run(said.model_copy(update={"root_causes": (cause,)}), "missing_action")

    assert len(quotes_of(told.pattern)) == 7
    assert [span_id for span_id, _ in verbatim_quotes(told)] == ["book", "book", "root", "say"]
    assert counts(quality_of([told]).quotes) == (4, 7)


def test_figures_of_no_run_at_all_can_be_printed() -> None:
    assert cells_of(quality_of([])).keys() == cells_of(quality_of(RUNS)).keys()


def test_throughput_counts_every_capture() -> None:
    slow, fast = throughput([CAPTURE] * 40, pattern_of), throughput([CAPTURE] * 40, lambda _: RUNS[0].pattern)

    assert 0 < slow < fast


def test_labels_are_first_deviations_that_have_a_type() -> None:
    truth = [one.truth for one in RUNS]

    labels = labels_of(truth)

    assert [label.trace_id for label in labels] == ["a", "b", "c", "d", "e", "f"]
    assert [label.span_id for label in labels] == ["a2", "b1", "c1", "d1", None, None]
    figures = figures_of(labels, {one.pattern.trace_id: one.pattern for one in RUNS}.get, lambda _: Steps())
    assert counts(figures.type_leading) == counts(quality_of(RUNS[:6]).first_kind) == (3, 6)
    assert counts(figures.either_span) == counts(quality_of(RUNS).located.named)


def test_the_recorded_runs_are_what_their_description_says(airline: Path) -> None:
    truth = load_truth(airline)
    runs = runs_of(airline, truth)
    told = quality_of(runs)

    assert len(changing_tools(truth)) == 6
    assert told.runs == len(truth) == 116
    assert (told.located.named.of, told.quiet_undone.of) == (70, 46)
    # Each deviating call is one of those that a guess picks from: no floor is too low for want of it.
    assert all(one.truth.span_id in one.steps.changes for one in runs if one.truth.span_id)
    assert told.quotes.of > 0
    assert told.quotes.hits == told.quotes.of


def test_without_the_recorded_runs_there_is_no_truth(tmp_path: Path) -> None:
    assert load_truth(tmp_path / "spans.jsonl") == []
