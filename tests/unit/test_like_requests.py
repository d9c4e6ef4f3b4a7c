"""The healthy runs whose requests are most alike: the same ones whatever came first."""

import random
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.courses import Course, terms_of
from shared.domain.like_requests import LEAST_SHARED, REFERENCES, ControlGroup, shared_terms
from tests.properties import examples

_TERMS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 10**6), max_size=6)


def _asked(trace_id: str, *turns: str) -> Course:
    return _course(trace_id, terms_of(turns))


def _course(trace_id: str, terms: dict[str, int]) -> Course:
    return Course(trace_id=trace_id, content_hash="h", terms=terms, actions=(), seconds=1.0)


def _names(group: ControlGroup, asked: str, most: int = REFERENCES) -> list[str]:
    return [one.trace_id for one in group.nearest(terms_of([asked]), most)]


def test_the_most_alike_request_comes_first() -> None:
    group = ControlGroup(
        [
            _asked("tent", "Cancel my tent order"),
            _asked("boots", "Cancel my boots order"),
            _asked("parcel", "Where is my parcel"),
        ]
    )

    assert _names(group, "please cancel the tent order") == ["tent", "boots"]
    assert _names(group, "please cancel the tent order", 1) == ["tent"]


def test_a_rare_word_tells_more_than_a_common_one() -> None:
    common = [_asked(f"c{n}", "please cancel order") for n in range(8)]
    group = ControlGroup([*common, _asked("rare", "refund for kayak")])

    assert _names(group, "please kayak", 1) == ["rare"]


def test_of_equally_alike_ones_the_trace_ids_decide() -> None:
    group = ControlGroup([_asked(name, "cancel my order") for name in ("d", "b", "a", "c")])

    assert _names(group, "cancel my order") == ["a", "b", "c"]


def test_whoever_shares_next_to_nothing_is_no_reference() -> None:
    one = "I want my money back for a tent that has a hole in its floor and no poles at all"
    other = "where can we find your nearest shop in town and when does it open on a day like sunday"
    group = ControlGroup([_asked("other", other)])

    assert shared_terms(terms_of([one]), terms_of([other])) < LEAST_SHARED
    assert _names(group, one) == []


def test_without_runs_or_words_nothing_is_near() -> None:
    assert _names(ControlGroup(()), "cancel") == []
    assert _names(ControlGroup([_asked("a", "cancel my order")]), "") == []
    assert _names(ControlGroup([_asked("a", "!?")]), "cancel my order") == []


@examples(100)
@given(st.lists(_TERMS, max_size=12), _TERMS, st.integers(0, 5), st.randoms(use_true_random=False))
def test_the_nearest_do_not_depend_on_the_order_of_the_runs(
    terms: list[dict[str, int]], asked: dict[str, int], most: int, order: random.Random
) -> None:
    courses = [_course(f"t{at}", one) for at, one in enumerate(terms)]
    shuffled = [*courses]
    order.shuffle(shuffled)
    mixed = [*asked.items()]
    order.shuffle(mixed)

    nearest = ControlGroup(courses).nearest(asked, most)

    assert ControlGroup(shuffled).nearest(dict(mixed), most) == nearest
    assert len(nearest) <= most
    assert all(shared_terms(asked, one.terms) >= LEAST_SHARED for one in nearest)


@examples(60)
@given(st.lists(st.sets(st.sampled_from("abcdefgh"), min_size=1), min_size=1, max_size=8), st.data())
def test_a_run_of_the_very_request_comes_first(terms: list[set[str]], data: st.DataObject) -> None:
    asked = dict.fromkeys(data.draw(st.sampled_from(terms)), 1)
    group = ControlGroup([_course(f"t{at}", dict.fromkeys(one, 1)) for at, one in enumerate(terms)])

    assert group.nearest(asked, 1)[0].terms == asked


def test_the_group_knows_how_many_there_are() -> None:
    assert len(ControlGroup([_asked("a", "x"), _asked("b", "y")])) == 2


def test_the_last_digits_of_sums_decide_nothing() -> None:
    """Two that are equally alike by other words: their likeness is summed in another order."""
    for counts in combinations(range(2, 9), 3):
        ahead, back = (
            dict(zip(names, counts, strict=True)) for names in (("a1", "a2", "a3"), ("b1", "b2", "b3"))
        )
        asked = {**ahead, **dict(reversed(back.items()))}
        group = ControlGroup([_course("1", back), _course("2", ahead)])

        assert [one.trace_id for one in group.nearest(asked, 2)] == ["1", "2"]
        assert [one.trace_id for one in group.nearest(dict(reversed(asked.items())), 2)] == ["1", "2"]
