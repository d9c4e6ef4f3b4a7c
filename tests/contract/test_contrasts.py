"""What is kept of healthy runs for contrasts: no change is lost, none is told twice, all is in one commit."""

import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.captures import Capture
from shared.domain.courses import Reference
from shared.domain.patterns import FailurePattern
from shared.domain.taxonomy import FailureType
from shared.ports import Check, Create, Delete, Document, Documents, Replace, Write
from shared.repositories.captures import HealthyCaptures, Known, Seen, Stored
from shared.repositories.contrasts import Contrast, Contrasts, State
from shared.repositories.courses import Courses
from shared.repositories.patterns import Patterns
from shared.topology import ALL_HEALTHY, CONTRASTS, COURSES, GROUPS, HEALTHY_TRACES, chunks_of
from tests.contract.test_documents import racing
from tests.unit import build
from tests.unit.runs import cancelled, captured, looked, run

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
SHOP = ("shop-assistant", "prod")


class Between:
    """Lets something happen right before the next commit, once; counts the writes of a collection."""

    def __init__(self, documents: Documents, then: Callable[[], Any] = lambda: None) -> None:
        self._documents = documents
        self.then: Callable[[], Any] | None = then
        self.written: list[Write] = []

    def commit(self, *writes: Write) -> bool:
        then, self.then = self.then, None
        if then:
            then()
        done = self._documents.commit(*writes)
        self.written += [one for one in writes if done and not isinstance(one, Check)]
        return done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._documents, name)


def healthy(trace_id: str, *, order: str = "W1001", env: str = "prod") -> Capture:
    return captured(run(trace_id, looked(order), cancelled(order), env=env))


def keep(documents: Documents, trace_id: str, **fields: Any) -> Stored:
    store = HealthyCaptures(documents)
    return store.store(healthy(trace_id, **fields), store.known(trace_id), at=NOON)


def remove(documents: Documents, trace_id: str) -> bool:
    store = HealthyCaptures(documents)
    return store.remove(trace_id, store.known(trace_id))


def due(documents: Documents) -> list[Contrast]:
    return list(Contrasts(documents).due())


def sweep(documents: Documents, then: Callable[[], Any] = lambda: None) -> list[str]:
    """Go through all that is due, as far as the healthy runs that a sweep sees."""
    contrasts, seen = Contrasts(documents), list[str]()
    for known in due(documents):
        if begun := contrasts.begin(known):
            seen += named(documents, begun.generation, (begun.ml_app, begun.env))
            then()
            contrasts.settle(begun)
    return seen


def named(documents: Documents, generation: int | None = 0, home: tuple[str, str] = SHOP) -> list[str]:
    group = Courses(documents).control_group(*home, generation)
    return sorted(one.trace_id for one in group.nearest(dict.fromkeys(("cancel", "my", "tent"), 1), 99))


def contents(documents: Documents) -> set[str]:
    return {one.id for one in documents.query(ALL_HEALTHY, limit=100).documents}


@pytest.fixture
def swept(documents: Documents) -> Documents:
    """A store of one healthy run, against which failures are held."""
    keep(documents, "h1")
    sweep(documents)
    assert due(documents) == []
    return documents


def test_a_check_holds_a_commit_to_a_version_and_writes_nothing(documents: Documents) -> None:
    documents.commit(Create(GROUPS, "held", {"n": 1}))
    held = documents.get(GROUPS, "held")
    assert held is not None
    assert documents.commit(Create(GROUPS, "one", {}), Check(GROUPS, "held", held.version))
    assert documents.get(GROUPS, "held") == held
    assert documents.commit(Replace(GROUPS, "held", {"n": 1}, held.version))
    assert not documents.commit(Create(GROUPS, "two", {}), Check(GROUPS, "held", held.version))
    assert not documents.commit(Create(GROUPS, "two", {}), Check(GROUPS, "none", held.version))
    assert documents.get(GROUPS, "two") is None
    one = documents.get(GROUPS, "one")
    now = documents.get(GROUPS, "held")
    assert one is not None
    assert now is not None
    assert not documents.commit(Create(GROUPS, "one", {}), Check(GROUPS, "held", now.version))
    assert documents.commit(Delete(GROUPS, "one", one.version), Check(GROUPS, "held", now.version))


def test_many_commits_that_check_one_document_are_in_nobodys_way(documents: Documents) -> None:
    documents.commit(Create(GROUPS, "held", {}))
    held = documents.get(GROUPS, "held")
    assert held is not None

    done = racing(
        lambda at: documents.commit(Create(GROUPS, f"g{at}", {}), Check(GROUPS, "held", held.version))
    )

    assert done == [True] * 8


def test_the_first_healthy_run_is_a_change_and_begins_the_generations(documents: Documents) -> None:
    courses = Courses(documents)
    assert courses.generation(*SHOP) is None

    keep(documents, "h1")

    assert [one[:4] for one in due(documents)] == [(*SHOP, State.CHANGED, 0)]
    assert courses.generation(*SHOP) == 0
    assert courses.generation("shop-assistant", "staging") is None


def test_a_change_is_noted_once_until_it_is_swept(documents: Documents) -> None:
    counting = Between(documents)
    for at in range(5):
        keep(counting, f"h{at}")
    remove(counting, "h0")

    notes = [one for one in counting.written if one.collection == CONTRASTS]

    assert len(notes) == 1
    assert sweep(documents) == ["h1", "h2", "h3", "h4"]


def test_each_application_and_environment_is_swept_by_itself(documents: Documents) -> None:
    keep(documents, "h1")
    keep(documents, "h2", env="staging")
    first, second = due(documents)
    contrasts = Contrasts(documents)
    begun = contrasts.begin(first)
    assert begun is not None
    contrasts.settle(begun)

    assert due(documents) == [second]


def test_what_is_swept_is_due_no_more_and_what_comes_then_is(swept: Documents) -> None:
    assert keep(swept, "h1") is Stored.UNCHANGED
    assert due(swept) == []
    keep(swept, "h2")
    assert len(due(swept)) == 1
    assert sweep(swept) == ["h1", "h2"]
    remove(swept, "h2")
    assert sweep(swept) == ["h1"]
    assert (due(swept), Courses(swept).generation(*SHOP)) == ([], 3)


def test_a_change_during_a_sweep_stays_due(swept: Documents) -> None:
    keep(swept, "h2")
    sweep(swept, then=lambda: keep(swept, "h3"))
    assert [one.state for one in due(swept)] == [State.CHANGED]
    assert sweep(swept) == ["h1", "h2", "h3"]
    assert due(swept) == []


@pytest.mark.parametrize("change", [keep, remove])
def test_a_whole_sweep_while_a_change_is_on_its_way_does_not_miss_it(swept: Documents, change: Any) -> None:
    """The change was noted when it was begun, but not yet made when the sweep looked."""
    keep(swept, "h2")
    keep(swept, "h3")

    assert change(Between(swept, lambda: sweep(swept)), "h3" if change is remove else "h4")

    assert [one.state for one in due(swept)] == [State.CHANGED]
    assert sweep(swept) == (["h1", "h2"] if change is remove else ["h1", "h2", "h3", "h4"])


@pytest.mark.parametrize("change", [keep, remove])
def test_a_note_that_somebody_else_writes_hinders_no_change(swept: Documents, change: Any) -> None:
    other = Between(swept, lambda: keep(swept, "h0"))

    assert change(other, "h1" if change is remove else "h2") in (True, Stored.NEW)

    assert sweep(swept) == (["h0"] if change is remove else ["h0", "h1", "h2"])


def test_a_sweep_that_was_broken_off_is_begun_again_as_a_new_one(swept: Documents) -> None:
    keep(swept, "h2")
    contrasts = Contrasts(swept)
    [known] = due(swept)
    begun = contrasts.begin(known)
    assert begun is not None

    assert due(swept) == [begun]
    again = contrasts.begin(begun)
    assert again is not None
    assert again.generation == begun.generation + 1
    contrasts.settle(again)
    assert due(swept) == []


def test_of_two_sweeps_at_once_one_begins_and_an_earlier_one_ends_nothing(swept: Documents) -> None:
    keep(swept, "h2")
    contrasts = Contrasts(swept)
    [known] = due(swept)
    begun = [one for one in racing(lambda _: contrasts.begin(known)) if one]
    assert len(begun) == 1
    later = contrasts.begin(begun[0])
    contrasts.settle(begun[0])
    assert due(swept) == [later]


def test_a_healthy_capture_and_its_course_come_and_go_together(documents: Documents) -> None:
    name = healthy("h1").trace_id
    keep(documents, name)
    assert contents(documents) == {name}
    assert documents.get(COURSES, name) is not None
    known = HealthyCaptures(documents).known(name)

    keep(documents, name, order="W2002")
    # Somebody who knew what was there before neither stores nor removes anything.
    store = HealthyCaptures(documents)
    assert store.store(healthy(name, order="W3003"), known, at=NOON) is Stored.CONFLICT
    assert not store.remove(name, known)
    [course] = Courses(documents).control_group(*SHOP, 0).nearest({"cancel": 1}, 9)
    assert course.reference == Reference(
        trace_id=name, content_hash=healthy(name, order="W2002").content_hash
    )

    assert remove(documents, name)
    assert documents.get(COURSES, name) is None


def test_of_many_writers_of_one_trace_one_course_and_capture_agree(documents: Documents) -> None:
    known = HealthyCaptures(documents).known("h1")

    def write(at: int) -> Stored:
        return HealthyCaptures(documents).store(healthy("h1", order=f"W100{at}"), known, at=NOON)

    assert sorted(racing(write, 4)) == [Stored.CONFLICT] * 3 + [Stored.NEW]
    assert_agreed(documents, "h1")


def test_many_that_come_at_once_are_all_stored(documents: Documents) -> None:
    assert racing(lambda at: keep(documents, f"h{at}"), 6) == [Stored.NEW] * 6
    assert sweep(documents) == [f"h{at}" for at in range(6)]


def assert_agreed(documents: Documents, name: str) -> None:
    head = HealthyCaptures(documents).head(name)
    assert head is not None
    [course] = Courses(documents).control_group(*SHOP, 0).nearest({"cancel": 1}, 9)
    assert course.content_hash == head.content_hash


def test_what_a_head_says_beside_changes_nothing(swept: Documents) -> None:
    store = HealthyCaptures(swept)
    seen = Seen("another look", settled=True, cited_by=(), roster="r")

    assert store.store(healthy("h1"), store.known("h1"), at=NOON, seen=seen) is Stored.REPLACED

    assert due(swept) == []
    assert_agreed(swept, "h1")


def test_a_run_that_turns_out_to_be_another_applications_changes_both(swept: Documents) -> None:
    """Its root, which says where it ran, came late."""
    keep(swept, "h1", env="staging")

    assert {(one.ml_app, one.env) for one in due(swept)} == {SHOP, ("shop-assistant", "staging")}
    sweep(swept)
    assert named(swept, 2) == []
    assert named(swept, 1, ("shop-assistant", "staging")) == ["h1"]


def test_a_large_course_leaves_nothing_behind(documents: Documents) -> None:
    noise = random.Random(5)

    def odd() -> Capture:
        texts = ["".join(chr(noise.randrange(0x4E00, 0x9000)) for _ in range(1990)) for _ in range(200)]
        calls = [build.call(f"c{n}", "do", {"x": one}, start_ns=9 + n) for n, one in enumerate(texts)]
        unlike = {"spans": (build.root(), *calls), "content_hash": texts[0]}
        return build.capture().model_copy(update=unlike)

    def chunks(within: str) -> list[Document]:
        page = documents.query(
            ALL_HEALTHY._replace(collection=chunks_of(within, odd_id), order_by=None), limit=50
        )
        return page.documents

    odd_id = build.TRACE_ID
    store = HealthyCaptures(documents)
    assert store.store(odd(), store.known(odd_id), at=NOON) is Stored.NEW
    first = {one.id for one in chunks(COURSES)}
    assert first
    assert store.store(odd(), store.known(odd_id), at=NOON) is Stored.REPLACED
    assert not first & {one.id for one in chunks(COURSES)}
    assert store.remove(odd_id, store.known(odd_id))
    assert chunks(COURSES) + chunks(HEALTHY_TRACES) == []


def test_a_control_group_is_read_once_for_each_generation(documents: Documents) -> None:
    keep(documents, "h1")
    courses = Courses(documents)
    first = courses.control_group(*SHOP, 0)
    keep(documents, "h2")
    assert courses.control_group(*SHOP, 0) is first
    sweep(documents)
    second = courses.control_group(*SHOP, courses.generation(*SHOP))
    assert (len(first), len(second)) == (1, 2)
    assert courses.control_group(*SHOP, 1) is second
    # Who began before a sweep is given what that has read, not something older.
    assert courses.control_group(*SHOP, 0) is second
    assert len(courses.control_group("shop-assistant", "staging", None)) == 0


def test_a_process_that_knows_many_groups_still_reads_each_right(documents: Documents) -> None:
    homes = [f"e{at}" for at in range(18)]
    for home in homes:
        keep(documents, f"h-{home}", env=home)
    courses = Courses(documents)
    for home in [*homes, *homes]:
        assert [
            one.trace_id for one in courses.control_group("shop-assistant", home, 0).nearest({"cancel": 1}, 9)
        ] == [f"h-{home}"]


def test_threads_read_one_generation_together(swept: Documents) -> None:
    courses = Courses(swept)
    read = threading.Semaphore(1)

    class Counted(Between):
        def query(self, *asked: Any, **limits: Any) -> Any:
            assert read.acquire(blocking=False), "read twice"
            return self._documents.query(*asked, **limits)

    courses = Courses(Counted(swept))
    groups = racing(lambda _: courses.control_group(*SHOP, 1))
    assert all(one is groups[0] for one in groups)


def test_the_latest_failures_that_rest_on_healthy_runs_come_first(documents: Documents) -> None:
    patterns = Patterns(documents)

    def pattern(name: str, hour: int, **fields: Any) -> FailurePattern:
        plain = build.pattern(name, FailureType.INCOMPLETE_TASK, failing="say")
        return plain.model_copy(update={"started_at": NOON.replace(hour=hour), "references": (), **fields})

    told = [
        pattern("early", 1),
        pattern("late", 9, references=(Reference(trace_id="h1", content_hash="x"),)),
        pattern("by itself", 5, references=None),
        pattern("withdrawn", 5, withdrawn=True),
        pattern("elsewhere", 5, env="staging"),
    ]
    for one in told:
        assert patterns.store(one, None)
    assert [one.trace_id for one in patterns.contrasted(*SHOP)] == ["late", "early"]
    known = patterns.get("late")
    assert known is not None
    assert patterns.store(pattern("late", 9, references=None), known)
    assert [one.trace_id for one in patterns.contrasted(*SHOP)] == ["early"]


def test_nothing_known_of_a_trace_is_no_error(documents: Documents) -> None:
    assert HealthyCaptures(documents).remove("none", Known(None))
    assert due(documents) == []
