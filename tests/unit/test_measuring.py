"""The arithmetic of measures, on cases whose figures can be worked out by hand."""

import json
import re
from pathlib import Path

import pytest

from functions.measuring.extraction import (
    ExtractionFigures,
    Steps,
    chance,
    figures_of,
    most_frequent,
    steps_of,
)
from functions.measuring.labels import Label, LabelsError, read_labels
from functions.measuring.shares import Judged, Share, calibration_error, percentile, wilson
from functions.measuring.table import laid_out, rows_of
from shared.domain.patterns import FailurePattern
from shared.domain.taxonomy import FailureType
from tests.unit.build import call, capture, failed_call, pattern, root, verdict

F = FailureType


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    # Newcombe (1998), table I, and the closed forms z² / (n + z²) for none and all.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0),
    ],
)
def test_wilsons_interval_is_the_published_one(hits: int, of: int, low: float, high: float) -> None:
    assert wilson(hits, of) == pytest.approx((low, high), abs=5e-5)


def test_there_is_no_share_of_nothing() -> None:
    assert Share.among([]) == Share(hits=0, of=0, share=None, low=None, high=None)
    assert Share.among([True, False, True, True]).share == 0.75


def test_the_calibration_error_is_the_gap_between_sure_and_right() -> None:
    always, half = [Judged(1.0, right=True)] * 3, [Judged(0.5, right=True), Judged(0.5, right=False)]

    assert calibration_error([]) is None
    assert calibration_error(always + half) == 0
    assert calibration_error([Judged(1.0, right=False)]) == 1
    # Bin 0.8: three of four right, gap 0.05, four of five; bin 0.4: gap 0.4, one of five.
    four = [Judged(0.8, right=True)] * 3 + [Judged(0.8, right=False)]
    assert calibration_error([*four, Judged(0.4, right=False)]) == pytest.approx(0.05 * 0.8 + 0.4 * 0.2)
    # In one bin gaps cancel, in two they do not.
    assert calibration_error([Judged(0.91, right=True), Judged(0.99, right=False)]) == pytest.approx(0.45)
    assert calibration_error([Judged(0.89, right=True), Judged(0.91, right=False)]) == pytest.approx(0.51)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert percentile([], 95) is None
    assert percentile([7], 95) == 7
    assert percentile(list(range(1, 101)), 95) == 95
    assert percentile([3, 1, 2], 95) == 3


def test_the_most_frequent_type_counts_failures_not_labels() -> None:
    assert most_frequent([]) is None
    assert most_frequent([frozenset({F.LATENCY}), frozenset({F.LATENCY, F.REFUSAL})]) is F.LATENCY
    assert most_frequent([frozenset({F.REFUSAL}), frozenset({F.HALLUCINATION})]) is F.HALLUCINATION


def test_a_random_guess_has_the_chance_of_its_picks() -> None:
    among = ("a", "b", "c", "d")

    assert chance(frozenset({"a"}), ()) == 0
    assert chance(frozenset({"a"}), among) == 0.25
    assert chance(frozenset({"z"}), among, picks=2) == 0
    assert chance(frozenset({"a"}), among, picks=2) == 0.5
    assert chance(frozenset({"a", "b"}), among, picks=2) == pytest.approx(5 / 6)
    assert chance(frozenset({"a"}), ("a",), picks=2) == 1


def test_steps_are_what_may_be_blamed_in_the_order_of_their_start() -> None:
    told = capture(
        root(evaluations={"goal_completeness": verdict("fail")}),
        call("late", "cancel_order", start_ns=9_000),
        call("look", "get_order", start_ns=3_000),
        failed_call("lost", "cancel_order", "no", start_ns=4_000),
        call("early", "refund", start_ns=5_000),
    )

    steps = steps_of(told, lambda tool: tool != "get_order")

    assert steps == Steps(
        spans=("root", "look", "lost", "early", "late"), errors=("lost",), changes=("early", "late")
    )


LABELS = [
    # Two accepted answers: the type of one, the span of the other.
    Label("a", F.HALLUCINATION, "a1"),
    Label("a", F.STALE_DATA, "a2"),
    Label("b", F.RUNAWAY_LOOP, None),
    Label("c", F.HALLUCINATION, "c3"),
    Label("d", F.HALLUCINATION, "d1"),
    Label("gone", F.LATENCY, "x"),
]
PATTERNS = {
    "a": pattern("a", F.HALLUCINATION, failing="a2", cause="a9", confidence=0.9, cost=0.01, latency_ms=10),
    "b": pattern("b", F.PII_LEAK, F.LATENCY, F.RUNAWAY_LOOP, failing="b1", confidence=0.5),
    "c": pattern("c", F.UNKNOWN, failing="c1", cause="c3", confidence=0.5, cost=0.02, latency_ms=30),
    "d": pattern("d", F.HALLUCINATION, failing="d1", cause=None, confidence=0.9, latency_ms=20),
}
STEPS = {
    "a": Steps(("a1", "a2", "a3", "a4"), errors=("a2", "a1"), changes=("a1", "a3")),
    "b": Steps(("b1",)),
    "c": Steps(("c1", "c3"), changes=("c1", "c3")),
    "d": Steps(("d1", "d2", "d3", "d4"), errors=("d1",), changes=("d2", "d3", "d1")),
}


@pytest.fixture
def figures() -> ExtractionFigures:
    return figures_of(LABELS, PATTERNS.get, STEPS.__getitem__)


def counts(share: Share) -> tuple[int, int]:
    return share.hits, share.of


def test_labels_are_counted_by_trace_and_the_missing_named(figures: ExtractionFigures) -> None:
    assert (figures.labels, figures.traces, figures.measured) == (6, 5, 4)
    assert figures.without_pattern == ("gone",)


def test_types_count_over_all_and_spans_where_one_is_labelled(figures: ExtractionFigures) -> None:
    assert counts(figures.type_leading) == (2, 4)
    assert counts(figures.type_among_three) == (3, 4)
    assert counts(figures.failing_span) == (2, 3)
    assert counts(figures.cause_span) == (1, 3)
    assert counts(figures.either_span) == (3, 3)
    assert counts(figures.both_spans) == (0, 3)
    assert counts(figures.unknown) == (1, 4)


def test_right_is_one_accepted_answer_whole(figures: ExtractionFigures) -> None:
    # Of the first the type is one answer's and the span another's; of the second the type does not lead.
    assert counts(figures.right) == (1, 4)
    # At 0.9 one of two is right, at 0.5 none of two.
    assert figures.calibration_error == pytest.approx(0.4 * 0.5 + 0.5 * 0.5)


def test_a_type_beyond_the_first_three_does_not_count() -> None:
    late = {"b": pattern("b", F.PII_LEAK, F.LATENCY, F.REFUSAL, F.RUNAWAY_LOOP, failing="b1")}

    assert counts(figures_of(LABELS[2:3], late.get, STEPS.__getitem__).type_among_three) == (0, 1)


def test_money_and_time_are_of_what_was_measured(figures: ExtractionFigures) -> None:
    assert figures.cost_usd == pytest.approx(0.03)
    assert figures.cost_usd_per_failure == pytest.approx(0.0075)
    assert figures.latency_ms_p95 == 30


def test_the_floor_is_what_guessing_reaches(figures: ExtractionFigures) -> None:
    floor = figures.floor

    assert (floor.most_frequent_type, counts(floor.type_leading)) == (F.HALLUCINATION, (3, 4))
    assert floor.random_span == pytest.approx((2 / 4 + 1 / 2 + 1 / 4) / 3)
    assert floor.random_spans == pytest.approx((5 / 6 + 1 + 1 / 4) / 3)
    assert counts(floor.first_error) == (2, 3)
    assert counts(floor.first_change) == (1, 3)
    assert counts(floor.last_change) == (2, 3)


def test_figures_are_laid_out_also_where_nothing_was_measured(figures: ExtractionFigures) -> None:
    nothing = figures_of([], PATTERNS.get, STEPS.__getitem__)

    lines = list(laid_out(rows_of(figures)))
    assert any("50.0 % (2 of 4)" in line and "75.0 % (3 of 4) always hallucination" in line for line in lines)
    assert "type, leading" in next(line for line in laid_out(rows_of(nothing)) if "type" in line)
    assert nothing.calibration_error is nothing.latency_ms_p95 is nothing.floor.random_span is None


def test_a_line_that_is_no_label_is_named_and_the_rest_counts(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    lines: list[bytes] = [
        b"\xef\xbb\xbf" + json.dumps({"trace_id": "t1", "type": "latency", "note": "kept apart"}).encode(),
        b"",
        b'{"trace_id": "joe@example.com", "type": "joe"}',
        b'{"type": "latency"}',
        b'["t1", "latency"]',
        b"t1,latency",
        b'{"trace_id": "t2", "type": "latency", "span_id": ["s"]}',
        b'{"trace_id": "t3", "type": "latency", "span_id": "\xff"}',
        b'{"trace_id": 77, "type": "refusal", "span_id": 5}',
        b'{"trace_id": "t4", "type": "refusal", "span_id": ""}',
        b"[" * 100_000,
    ]
    path.write_bytes(b"\r\n".join(lines))

    read = read_labels(path)

    assert read.labels == (
        Label("t1", F.LATENCY, None),
        Label("77", F.REFUSAL, "5"),
        Label("t4", F.REFUSAL, None),
    )
    assert [int(fault.removeprefix(f"{path}:").split(":")[0]) for fault in read.faults] == [
        3,
        4,
        5,
        6,
        7,
        8,
        11,
    ]
    assert "joe" not in str(read.faults)


@pytest.mark.parametrize("content", [b"", b"\n \n", b'{"trace_id": "t", "type": "none of them"}'])
def test_a_file_without_a_label_is_an_error_that_shows_one(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_bytes(content)

    with pytest.raises(LabelsError, match=re.escape('{"trace_id": "…", "type": "hallucination"')):
        read_labels(path)
    with pytest.raises(LabelsError, match="cannot be read"):
        read_labels(tmp_path / "nowhere")


def test_what_a_pattern_does_not_say_is_no_span() -> None:
    silent: FailurePattern = pattern("a", F.HALLUCINATION, failing="a7")

    assert counts(figures_of(LABELS[:1], {"a": silent}.get, STEPS.__getitem__).cause_span) == (0, 1)
