"""Notes of changed control groups: no change is lost, and none is told twice."""

from typing import Any

import pytest

from shared.ports import Check, Create, Delete, Documents, Replace
from shared.repositories.captures import Stored
from shared.repositories.contrasts import Contrast, Contrasts, State
from shared.repositories.courses import Courses
from shared.topology import CONTRASTS, GROUPS
from tests.contract.keeping import SHOP, Between, due, keep, remove, sweep
from tests.contract.test_documents import racing


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


def begun_from(documents: Documents) -> Contrast:
    [known] = due(documents)
    begun = Contrasts(documents).begin(known)
    assert begun is not None
    return begun


def test_of_many_sweeps_that_begin_at_once_one_does(swept: Documents) -> None:
    keep(swept, "h2")
    [known] = due(swept)

    assert len([one for one in racing(lambda _: Contrasts(swept).begin(known)) if one]) == 1


def test_a_sweep_that_is_begun_again_while_it_goes_on_ends_both(swept: Documents) -> None:
    """Else sweeps that are longer than the time between two ticks would never come to an end."""
    keep(swept, "h2")
    first = begun_from(swept)
    begun_from(swept)
    third = begun_from(swept)
    Contrasts(swept).settle(first)
    assert due(swept) == []
    Contrasts(swept).settle(third)
    assert (due(swept), Courses(swept).generation(*SHOP)) == ([], third.generation)


def test_a_sweep_ends_none_that_was_begun_for_a_later_change(swept: Documents) -> None:
    keep(swept, "h2")
    first = begun_from(swept)
    keep(swept, "h3")
    begun_from(swept)
    later = begun_from(swept)
    Contrasts(swept).settle(first)
    assert due(swept) == [later]
    Contrasts(swept).settle(later)
    assert due(swept) == []
