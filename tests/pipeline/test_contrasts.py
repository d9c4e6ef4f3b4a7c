"""Failures held against healthy runs: the same result in any order, and none before the last sweep."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functions.extract.extraction import extract_pattern
from functions.local.trace_run import deliver_all
from functions.recontrast.sweeping import recontrast_failures
from functions.sanitize.capture import Sanitizer
from shared.domain.artifacts import ArtifactKind
from shared.domain.taxonomy import FailureType
from shared.embedded.documents import SqliteDocuments
from shared.errors import ConflictError
from shared.messages import CaptureStored, SuggestionChanged, TraceFound
from shared.ports import Outgoing, Write
from shared.repositories.contrasts import Contrast, Contrasts
from shared.repositories.patterns import Patterns
from shared.topology import CONTRASTS, Topic
from shared.wiring import Wiring
from tests.pipeline.contrasting import (
    CANCEL,
    TICK,
    Recorded,
    arrive,
    came_to,
    failures,
    found,
    healthy_runs,
    membership,
    pattern_of,
    references_of,
    store_of,
)
from tests.pipeline.datadog_edge import find_and_sanitize
from tests.pipeline.end_state import assert_whole
from tests.pipeline.test_schedules import all_rows
from tests.unit.runs import cancelled, looked, run

F = FailureType
FAILED = [one.trace_id for one in failures()]
PASSED = [one.trace_id for one in healthy_runs()]


@pytest.fixture
def source() -> Recorded:
    return Recorded([*failures(), *healthy_runs()])


@pytest.fixture
def parts(tmp_path: Path, source: Recorded) -> Wiring:
    return store_of(tmp_path, source)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    parts = store_of(tmp_path_factory.mktemp("undisturbed"), Recorded([*failures(), *healthy_runs()]))
    arrive(parts, *PASSED)
    arrive(parts, *FAILED)
    assert_whole(parts)
    return came_to(parts)


def swept(parts: Wiring) -> list[str]:
    """Go through what is due, and name the failures that are to be extracted again."""
    pages = recontrast_failures(contrasts=parts.contrasts, courses=parts.courses, patterns=parts.patterns)
    return [one.message.trace_id for page in pages for one in page if isinstance(one.message, CaptureStored)]


def test_what_is_told_of_each_failure(undisturbed: dict[str, Any]) -> None:
    told = {name: one["failure_types"] for name, one in undisturbed["patterns"].items()}

    assert told == {
        "f-reason": ["wrong_arguments", "incomplete_task"],
        "f-missing": ["incomplete_task"],
        "f-early": ["unwanted_action", "incomplete_task"],
        "f-slow": ["latency", "incomplete_task"],
        "f-told": ["toxicity"],
        "f-alone": ["incomplete_task"],
    }
    assert undisturbed["patterns"]["f-missing"]["trigger"].startswith("return_items is not called")
    assert undisturbed["patterns"]["f-told"]["references"] is None
    assert undisturbed["patterns"]["f-alone"]["references"] == []


def interleaved() -> list[str]:
    pairs = zip(FAILED, PASSED, strict=False)
    return [*(name for pair in pairs for name in pair), *PASSED[len(FAILED) :]]


def drawn(seed: int) -> list[str]:
    return random.Random(seed).sample([*FAILED, *PASSED], len(FAILED) + len(PASSED))


ORDERS = {
    "healthy last": [*FAILED, *PASSED],
    "interleaved": interleaved(),
    "backwards": [*PASSED, *FAILED][::-1],
    "drawn": drawn(1),
    "drawn otherwise": drawn(2),
}


@pytest.mark.parametrize("at_once", [1, 4, 100])
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_it_comes_to_the_same_in_any_order(
    parts: Wiring, undisturbed: dict[str, Any], order: list[str], at_once: int
) -> None:
    for first in range(0, len(order), at_once):
        arrive(parts, *order[first : first + at_once])

    assert_whole(parts)
    assert came_to(parts) == undisturbed
    assert list(parts.contrasts.due()) == []


def test_a_reference_that_has_failed_by_a_late_verdict_is_one_no_more(
    parts: Wiring, source: Recorded, tmp_path: Path
) -> None:
    arrive(parts, *FAILED, *PASSED)
    assert references_of(parts, "f-reason") == ["h-tent", "h-tent-2"]
    members = membership(parts)

    source.traces["h-tent"] = run(
        "h-tent", looked("W1001"), cancelled("W1001"), asked=CANCEL, passed=False, at=60
    )
    arrive(parts, "h-tent")

    assert references_of(parts, "f-reason") == ["h-tent-2"]
    assert references_of(parts, "h-tent") == ["h-tent-2"]
    assert_whole(parts)
    assert all(was <= membership(parts)[name] for name, was in members.items())
    afresh = store_of(tmp_path, source, "afresh")
    arrive(afresh, *FAILED, *PASSED)
    assert came_to(parts)["patterns"] == came_to(afresh)["patterns"]


def test_a_failure_that_has_passed_by_a_late_verdict_is_a_reference(parts: Wiring, source: Recorded) -> None:
    arrive(parts, "f-reason", "h-tent")
    assert pattern_of(parts, "f-reason").leading_type is F.WRONG_ARGUMENTS

    done = looked("W1001"), cancelled("W1001", reason="no longer")
    source.traces["f-reason"] = run("f-reason", *done, asked=CANCEL)
    source.traces["f-other"] = run("f-other", *done, asked=CANCEL, passed=False)
    arrive(parts, "f-other", "f-reason")

    assert references_of(parts, "f-other") == ["f-reason", "h-tent"]
    assert pattern_of(parts, "f-other").leading_type is F.INCOMPLETE_TASK
    assert pattern_of(parts, "f-reason").withdrawn


def test_a_nearer_healthy_run_changes_the_finding_and_the_artifacts_and_no_group(
    parts: Wiring, source: Recorded
) -> None:
    arrive(parts, *FAILED, *PASSED)
    before, members = pattern_of(parts, "f-reason"), membership(parts)
    [suggestion] = [one for one in parts.suggestions.all() if one.canonical_trace_id == "f-reason"]
    runbook = suggestion.artifacts[ArtifactKind.RUNBOOK]

    source.traces["h-nearer"] = run(
        "h-nearer", looked("W1001"), cancelled("W1001", reason="no longer"), asked=CANCEL, at=200
    )
    arrive(parts, "h-nearer")

    after = pattern_of(parts, "f-reason")
    assert (before.leading_type, after.leading_type) == (F.WRONG_ARGUMENTS, F.INCOMPLETE_TASK)
    assert "h-nearer" in (references_of(parts, "f-reason") or [])
    assert (after.group_id, after.signature, after.gist) == (before.group_id, before.signature, before.gist)
    assert membership(parts) == members
    known = parts.suggestions.get(suggestion.id)
    assert known is not None
    assert known.suggestion.failure_type is F.INCOMPLETE_TASK
    assert known.suggestion.artifacts[ArtifactKind.RUNBOOK].revision == runbook.revision + 1
    assert_whole(parts)


def test_a_healthy_run_that_changes_no_finding_makes_no_artifact_anew(
    parts: Wiring, source: Recorded
) -> None:
    arrive(parts, *FAILED, *PASSED)
    before = {one.id: one.artifacts for one in parts.suggestions.all()}

    source.traces["h-tent-3"] = run(
        "h-tent-3", looked("W3003"), cancelled("W3003"), asked=CANCEL.replace("W1001", "W3003"), at=200
    )
    arrive(parts, "h-tent-3")

    assert references_of(parts, "f-reason") == ["h-tent", "h-tent-2", "h-tent-3"]
    assert {one.id: one.artifacts for one in parts.suggestions.all()} == before


def test_a_second_run_writes_nothing(parts: Wiring) -> None:
    arrive(parts, *FAILED, *PASSED)
    before = all_rows(parts)
    again = [
        Outgoing(Topic.SUGGESTIONS, SuggestionChanged(suggestion_id=one.id))
        for one in parts.suggestions.all()
    ]
    captures = [Outgoing(Topic.CAPTURES, CaptureStored(trace_id=name)) for name in FAILED]

    parts.publisher.publish([*found(*PASSED, *FAILED), TICK, *captures, *again, TICK])
    deliver_all(parts)

    assert all_rows(parts) == before


def noting(monkeypatch: pytest.MonkeyPatch) -> list[Write]:
    """List the writes of notes from now on."""
    written: list[Write] = []
    commit = SqliteDocuments.commit

    def recording(self: SqliteDocuments, *writes: Write) -> bool:
        done = commit(self, *writes)
        written.extend(one for one in writes if done and one.collection == CONTRASTS and hasattr(one, "data"))
        return done

    monkeypatch.setattr(SqliteDocuments, "commit", recording)
    return written


def test_many_healthy_runs_between_two_ticks_are_one_note_and_one_sweep(
    parts: Wiring, source: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(parts, *FAILED, *PASSED)
    for at in range(12):
        source.traces[f"n{at}"] = run(
            f"n{at}", looked("W1001"), cancelled("W1001"), asked=CANCEL, at=300 + at
        )
    written = noting(monkeypatch)
    from_now = [f"n{at}" for at in range(12)]
    work_off_without_sweep(parts, from_now)
    assert len(written) == 1

    again = swept(parts)

    assert again == ["f-reason"]
    assert swept(parts) == []


def work_off_without_sweep(parts: Wiring, names: list[str]) -> None:
    """Let traces come in and be worked on, without the tick that follows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Contrasts, "due", lambda _self: iter(()))
        arrive(parts, *names)


def test_a_sweep_names_each_failure_that_rests_on_others_once(parts: Wiring) -> None:
    work_off_without_sweep(parts, FAILED)
    assert swept(parts) == []
    work_off_without_sweep(parts, PASSED)

    assert sorted(swept(parts)) == ["f-early", "f-missing", "f-reason", "f-slow"]


class Overtaken(Patterns):
    """Lets something happen right before the first pattern is stored."""

    def __init__(self, parts: Wiring, other: Callable[[], Any]) -> None:
        super().__init__(parts.documents)
        self._other = [other]

    def store(self, *told: Any) -> bool:
        if self._other:
            self._other.pop()()
        return super().store(*told)


def test_a_pattern_that_a_whole_sweep_has_passed_by_is_extracted_again(
    parts: Wiring, source: Recorded
) -> None:
    """It was made by the healthy runs of before, and was not there yet for the sweep to see."""
    arrive(parts, "h-tent-2")
    work_off_without_sweep(parts, ["h-tent"])
    parts.publisher.publish(found("f-reason"))
    find_and_sanitize(parts)

    def extract(patterns: Patterns) -> None:
        message = CaptureStored(trace_id="f-reason")
        extract_pattern(message, captures=parts.captures, patterns=patterns, courses=parts.courses)

    with pytest.raises(ConflictError):
        extract(Overtaken(parts, lambda: swept(parts)))
    extract(parts.patterns)

    assert references_of(parts, "f-reason") == ["h-tent", "h-tent-2"]
    assert list(parts.contrasts.due()) == []


def test_what_comes_during_the_sweep_that_ends_a_run_is_swept_as_well(
    parts: Wiring, source: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(parts, *FAILED)
    begin, once = Contrasts.begin, ["h-tent-2"]

    def overtaken(self: Contrasts, known: Contrast) -> Contrast | None:
        begun = begin(self, known)
        while once:
            list(Sanitizer.of(parts).run(TraceFound(trace_id=once.pop())))
        return begun

    monkeypatch.setattr(Contrasts, "begin", overtaken)
    arrive(parts, "h-tent")

    assert references_of(parts, "f-reason") == ["h-tent", "h-tent-2"]
    assert list(parts.contrasts.due()) == []
