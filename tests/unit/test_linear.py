"""Patterns of the other engine: what is told without its groups is what is told with them."""

from hypothesis import given
from hypothesis import strategies as st

from shared.redaction.linear import Linear
from tests.properties import examples

_WORDS = Linear(r"a+|é{2}|(b)c?|😀")


@given(st.text("aébc😀 ", max_size=60))
@examples(200)
def test_stretches_are_those_of_the_matches_that_are_found(text: str) -> None:
    told = [match.span() for match in _WORDS.finditer(text)]
    assert list(_WORDS.spans(text)) == told
    assert _WORDS.is_in(text) == bool(told)
