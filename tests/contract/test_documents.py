"""The documents port: what every backend must do."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from functions.resend.resending import resend_due
from shared.domain.dead_letters import LetterState
from shared.domain.ids import document_id
from shared.errors import MessageError, RefusedError, UnavailableError
from shared.ports import Create, Delete, Documents, Outgoing, Replace, Write
from shared.repositories.dead_letters import DeadLetters
from shared.topology import (
    CONTROL_GROUP_LAST_FIRST,
    GROUPS,
    HEALTHY_TRACES,
    RAW_TRACES,
    SIMILAR_GROUPS,
    Query,
    Topic,
)
from tests.properties import examples

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def racing(work: Callable[[int], Any], racers: int = 8) -> list[Any]:
    """Do the same work in many threads that start together."""
    gate = threading.Barrier(racers)

    def start(number: int) -> Any:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(racers) as pool:
        return list(pool.map(start, range(racers)))


def test_what_was_written_is_read_back(documents: Documents) -> None:
    data: dict[str, JsonValue] = {
        "text": "ключ 🔑\n\x00",
        "deep": {"list": [1, 2.5, None, True, {"a": []}]},
        "": "empty key",
    }
    assert documents.commit(Create(RAW_TRACES, "one", data))
    found = documents.get(RAW_TRACES, "one")
    assert found is not None
    assert (found.id, found.data) == ("one", data)
    assert documents.get(RAW_TRACES, "other") is None
    assert documents.get(GROUPS, "one") is None


@examples(60)
@given(value=json_values)
def test_any_json_value_is_read_back(documents: Documents, value: Any) -> None:
    documents.commit(Delete(RAW_TRACES, "one"))
    assert documents.commit(Create(RAW_TRACES, "one", {"value": value}))
    found = documents.get(RAW_TRACES, "one")
    assert found is not None
    assert found.data == {"value": value}


def test_of_eight_that_create_one_document_one_succeeds(documents: Documents) -> None:
    for round_ in range(20):
        name = f"raced-{round_}"
        won = racing(lambda number, name=name: documents.commit(Create(RAW_TRACES, name, {"by": number})))  # type: ignore[misc]
        assert sorted(won) == [False] * 7 + [True]
        found = documents.get(RAW_TRACES, name)
        assert found is not None
        assert won[int(str(found.data["by"]))] is True


def test_increments_by_compare_and_set_lose_none(documents: Documents) -> None:
    documents.commit(Create(RAW_TRACES, "counter", {"n": 0}))

    def increment(_: int) -> int:
        done = tries = 0
        while done < 10:
            tries += 1
            found = documents.get(RAW_TRACES, "counter")
            assert found is not None
            data = {"n": int(str(found.data["n"])) + 1}
            done += documents.commit(Replace(RAW_TRACES, "counter", data, found.version))
        return tries

    racing(increment, racers=4)
    found = documents.get(RAW_TRACES, "counter")
    assert found is not None
    assert found.data == {"n": 40}


def test_a_replacement_needs_the_version_that_was_read(documents: Documents) -> None:
    documents.commit(Create(RAW_TRACES, "one", {"n": 1}))
    first = documents.get(RAW_TRACES, "one")
    assert first is not None
    assert documents.commit(Replace(RAW_TRACES, "one", {"n": 2}, first.version))
    assert not documents.commit(Replace(RAW_TRACES, "one", {"n": 3}, first.version))
    assert not documents.commit(Replace(RAW_TRACES, "none", {"n": 3}, first.version))
    found = documents.get(RAW_TRACES, "one")
    assert found is not None
    assert found.data == {"n": 2}


def test_a_write_of_the_same_again_is_a_write(documents: Documents) -> None:
    """Whoever has read before it must notice, though nothing looks different."""
    documents.commit(Create(RAW_TRACES, "one", {"marked": True}))
    first = documents.get(RAW_TRACES, "one")
    assert first is not None
    assert documents.commit(Replace(RAW_TRACES, "one", {"marked": True}, first.version))
    assert not documents.commit(Replace(RAW_TRACES, "one", {"marked": False}, first.version))
    assert not documents.commit(Delete(RAW_TRACES, "one", first.version))


def test_a_commit_does_all_or_nothing(documents: Documents) -> None:
    documents.commit(Create(RAW_TRACES, "taken", {}))
    writes: list[Write] = [
        Create(RAW_TRACES, "new", {}),
        Delete(RAW_TRACES, "taken"),
        Create(GROUPS, "g", {}),
    ]
    documents.commit(Create(GROUPS, "taken", {}))
    assert not documents.commit(*writes, Create(GROUPS, "taken", {}))
    assert documents.get(RAW_TRACES, "new") is None
    assert documents.get(RAW_TRACES, "taken") is not None
    assert documents.commit(*writes)
    assert documents.get(RAW_TRACES, "taken") is None
    assert documents.get(GROUPS, "g") is not None


def test_a_commit_that_writes_a_document_twice_is_refused(documents: Documents) -> None:
    with pytest.raises(RefusedError):
        documents.commit(Create(GROUPS, "g", {"n": 1}), Create(GROUPS, "g", {"n": 2}))
    assert documents.get(GROUPS, "g") is None


def test_a_commit_of_nothing_is_done(documents: Documents) -> None:
    assert documents.commit()


@pytest.mark.parametrize("name", ["ключ 🔑", "a b%2F\\'\"`", "é" * 700, "1", "_", "~", "\x7f", "__a", "a__"])
def test_any_text_without_a_slash_is_an_id(documents: Documents, name: str) -> None:
    assert documents.commit(Create(GROUPS, name, {"n": name}))
    found = documents.get(GROUPS, name)
    assert found is not None
    assert (found.id, found.data) == (name, {"n": name})
    assert [one.id for one in documents.query(Query(GROUPS), limit=5).documents] == [name]


@pytest.mark.parametrize("name", ["", "a/b", ".", "..", "__x__", "é" * 751, "half \ud800"])
def test_what_is_no_id_is_nowhere_and_cannot_be_written(documents: Documents, name: str) -> None:
    assert documents.get(GROUPS, name) is None
    with pytest.raises(RefusedError):
        documents.commit(Create(GROUPS, "good", {}), Create(GROUPS, name, {}))
    assert documents.get(GROUPS, "good") is None


@given(name=st.text(min_size=1))
@examples(40)
def test_the_id_of_any_name_is_one(documents: Documents, name: str) -> None:
    documents.commit(Delete(GROUPS, document_id(name)))
    assert documents.commit(Create(GROUPS, document_id(name), {}))


def test_removing_what_is_not_there_succeeds(documents: Documents) -> None:
    assert documents.commit(Delete(RAW_TRACES, "none"))


def test_a_removal_with_a_version_needs_that_version(documents: Documents) -> None:
    documents.commit(Create(RAW_TRACES, "one", {"n": 1}))
    first = documents.get(RAW_TRACES, "one")
    assert first is not None
    assert not documents.commit(Delete(RAW_TRACES, "none", first.version))
    documents.commit(Replace(RAW_TRACES, "one", {"n": 2}, first.version))
    assert not documents.commit(Delete(RAW_TRACES, "one", first.version))
    second = documents.get(RAW_TRACES, "one")
    assert second is not None
    assert documents.commit(Delete(RAW_TRACES, "one", second.version))
    assert documents.get(RAW_TRACES, "one") is None


@pytest.mark.parametrize("descending", [False, True])
def test_a_query_pages_in_order_through_all_of_it(documents: Documents, *, descending: bool) -> None:
    by_rank = CONTROL_GROUP_LAST_FIRST._replace(descending=descending)
    for number in range(25):
        # Equal ranks, so that the document id must make the order total.
        data = {"ml_app": "a", "env": "prod", "version": "1", "rank": f"{number // 3:02}"}
        documents.commit(Create(HEALTHY_TRACES, f"d{number:02}", data))
    documents.commit(
        Create(HEALTHY_TRACES, "other", {"ml_app": "b", "env": "prod", "version": "1", "rank": "00"})
    )
    seen: list[str] = []
    cursor = None
    while True:
        page = documents.query(by_rank, ("a", "prod", "1"), limit=4, cursor=cursor)
        assert len(page.documents) <= 4
        seen += [document.id for document in page.documents]
        if (cursor := page.cursor) is None:
            break
    assert seen == sorted((f"d{number:02}" for number in range(25)), reverse=descending)
    assert documents.count(CONTROL_GROUP_LAST_FIRST, ("a", "prod", "1")) == 25
    assert documents.count(CONTROL_GROUP_LAST_FIRST, ("c", "prod", "1")) == 0


def test_a_full_last_page_has_no_cursor(documents: Documents) -> None:
    for number in range(4):
        documents.commit(Create(RAW_TRACES, f"d{number}", {"started_at": "2026"}))
    page = documents.query(Query(RAW_TRACES), limit=4)
    assert (len(page.documents), page.cursor) == (4, None)
    assert documents.query(Query("empty"), limit=4) == ([], None)


def test_a_document_written_while_paging_disturbs_nobody(documents: Documents) -> None:
    for number in range(0, 20, 2):
        documents.commit(Create(RAW_TRACES, f"d{number:02}", {}))
    first = documents.query(Query(RAW_TRACES), limit=5)
    documents.commit(Create(RAW_TRACES, "d01", {}), Delete(RAW_TRACES, "d08"))
    second = documents.query(Query(RAW_TRACES), limit=50, cursor=first.cursor)
    assert [one.id for one in second.documents] == ["d10", "d12", "d14", "d16", "d18"]


@pytest.mark.parametrize("cursor", ["", "!!!", "e30=", "WzFd", "bnVsbA==", "WzEsMiwzXQ=="])
def test_a_cursor_of_somebody_else_is_refused(documents: Documents, cursor: str) -> None:
    with pytest.raises(MessageError, match="cursor"):
        documents.query(CONTROL_GROUP_LAST_FIRST, ("a", "b", "c"), limit=1, cursor=cursor)


def test_subcollections_are_apart(documents: Documents) -> None:
    documents.commit(Create("a/1/members", "m", {"n": 1}), Create("a/2/members", "m", {"n": 2}))
    page = documents.query(Query("a/1/members"), limit=10)
    assert [one.data for one in page.documents] == [{"n": 1}]
    assert documents.count(Query("a/2/members")) == 1


def test_the_nearest_are_those_of_brute_force(documents: Documents) -> None:
    random = np.random.default_rng(7)
    vectors = random.normal(size=(300, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    key = {"ml_app": "a", "env": "prod", "failure_type": "unknown", "embedder_version": "v"}
    for number, vector in enumerate(vectors):
        data = key | {"ml_app": "a" if number % 2 else "b"}
        documents.commit(Create(GROUPS, f"g{number:03}", data, vector.tolist()))
    documents.commit(Create(GROUPS, "without", dict(key)))
    for wanted in vectors[:20]:
        found = documents.nearest(SIMILAR_GROUPS, tuple(key.values()), wanted.tolist(), limit=5)
        similarities = vectors[1::2] @ wanted
        best = np.argsort(-similarities)[:5]
        assert [one.document.id for one in found] == [f"g{2 * at + 1:03}" for at in best]
        assert np.allclose([one.similarity for one in found], similarities[best], atol=1e-5)


def test_equal_vectors_are_alike_by_one_at_most(documents: Documents) -> None:
    random = np.random.default_rng(11)
    for number in range(100):
        vector = random.normal(size=768).astype(np.float32)
        vector /= np.linalg.norm(vector)
        data = {"ml_app": str(number), "env": "e", "failure_type": "t", "embedder_version": "v"}
        documents.commit(Create(GROUPS, f"g{number}", data, vector.tolist()))
        found = documents.nearest(SIMILAR_GROUPS, (str(number), "e", "t", "v"), vector.tolist(), limit=1)
        assert 0.9999 < found[0].similarity <= 1.0


def test_nothing_is_nearest_to_anything_in_an_empty_collection(documents: Documents) -> None:
    vector = [1.0] * 4
    assert documents.nearest(SIMILAR_GROUPS, ("a", "b", "c", "d"), vector, limit=3) == []


def test_a_replacement_is_whole_with_its_vector_or_without(documents: Documents) -> None:
    old, new = [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]
    data: dict[str, JsonValue] = {"ml_app": "a", "env": "e", "failure_type": "t", "embedder_version": "v"}
    key = tuple(data.values())
    documents.commit(Create(GROUPS, "g", data | {"old": 1}, old))
    found = documents.get(GROUPS, "g")
    assert found is not None
    assert documents.commit(Replace(GROUPS, "g", data | {"new": 1}, found.version, new))
    nearest = documents.nearest(SIMILAR_GROUPS, key, new, limit=1)
    assert [(one.document.data, one.similarity) for one in nearest] == [(data | {"new": 1}, 1.0)]
    assert documents.commit(Replace(GROUPS, "g", data, nearest[0].document.version))
    assert documents.nearest(SIMILAR_GROUPS, key, new, limit=1) == []


def test_a_large_document_is_kept_whole(documents: Documents) -> None:
    text = "ü" * 450_000
    assert documents.commit(Create(RAW_TRACES, "large", {"body": text}))
    found = documents.get(RAW_TRACES, "large")
    assert found is not None
    assert found.data["body"] == text


def nested(depth: int) -> JsonValue:
    value: JsonValue = "bottom"
    for level in range(depth):
        value = {"in": value} if level % 2 else [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        nested(60),
        [[1, [2, [3]]], []],
        [{"a": [[{}]]}],
        {
            "": 1,
            "__name__": 2,
            "a.b": 3,
            "`": 4,
            "é" * 800: 5,
            "evalforge:json": "6",
            "__type__": "__vector__",
        },
        {"evalforge:json": "[1]"},
        [2**63, -(2**63) - 1, 2**200, 2**63 - 1],
        {"x" * 1600: 1},
        {str(number): number for number in range(3000)},
    ],
    ids=["deep", "lists-in-lists", "mixed", "names", "our-own-mark", "integers", "long-name", "many"],
)
def test_what_a_store_cannot_hold_as_it_is_is_read_back_all_the_same(
    documents: Documents, value: JsonValue
) -> None:
    data = {"value": value, "beside": 1}
    assert documents.commit(Create(RAW_TRACES, "one", data))
    found = documents.get(RAW_TRACES, "one")
    assert found is not None
    assert found.data == data


def test_a_hundred_large_documents_are_one_commit(documents: Documents) -> None:
    writes = [Create(RAW_TRACES, f"d{number}", {"body": "x" * 30_000}) for number in range(100)]
    assert documents.commit(*writes)
    assert documents.count(Query(RAW_TRACES)) == 100


@pytest.mark.parametrize("skew", [timedelta(days=-30), timedelta(days=30)], ids=["behind", "ahead"])
def test_writers_whose_clocks_differ_lose_nothing(documents: Documents, skew: timedelta) -> None:
    """What decides is the version, never a writer's clock; and no claim outlasts its maker for long."""
    noon = datetime(2026, 11, 18, 12, tzinfo=UTC)
    letters = DeadLetters(documents)
    message: dict[str, JsonValue] = {"trace_id": "t"}
    one = letters.record(
        stage="extract", error=UnavailableError("no"), message=message, at=noon + skew, transient=True
    )
    known = letters.known(one.id)
    assert known is not None
    # The other clock's process claims it, and ends before it has published.
    claim = {"state": LetterState.SENDING, "moved_at": noon + skew}
    assert letters.replace(known.letter.model_copy(update=claim), known)
    assert not letters.replace(known.letter, known)
    published: list[Outgoing] = []

    class Told:
        def publish(self, outgoing: Iterable[Outgoing], *, trace_context: str = "") -> int:
            published.extend(outgoing)
            return 1

    resend_due(letters, Told(), clock=lambda: noon)
    assert [sent.topic for sent in published] == [Topic.CAPTURES]
    assert letters.count() == 0
