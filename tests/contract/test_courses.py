"""Courses of healthy runs, in one commit with their captures; the failures that rest on them."""

import random
import threading
from typing import Any

import pytest

from shared.domain.captures import Capture
from shared.domain.courses import Reference
from shared.domain.patterns import FailurePattern
from shared.domain.taxonomy import FailureType
from shared.ports import Document, Documents
from shared.repositories.captures import HealthyCaptures, Known, Seen, Stored
from shared.repositories.courses import Courses
from shared.repositories.patterns import Patterns
from shared.topology import ALL_HEALTHY, COURSES, HEALTHY_TRACES, chunks_of
from tests.contract.keeping import NOON, SHOP, Between, contents, due, healthy, keep, named, remove, sweep
from tests.contract.test_documents import racing
from tests.unit import build


@pytest.fixture
def swept(documents: Documents) -> Documents:
    """A store of one healthy run, against which failures are held."""
    keep(documents, "h1")
    sweep(documents)
    assert due(documents) == []
    return documents


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
