"""JSON inside texts: what is nested too deep is text, however many brackets it has."""

import pytest

from shared.domain.json_text import DEEPEST, json_in


@pytest.mark.parametrize(
    ("depth", "parsed"), [(1, True), (DEEPEST - 1, True), (DEEPEST, False), (200, False)]
)
def test_what_is_nested_too_deep_is_no_json(depth: int, parsed: bool) -> None:
    assert (json_in("[" * depth + "1" + "]" * depth) is not None) is parsed


def test_many_objects_beside_each_other_are_not_deep() -> None:
    assert json_in("[" + ",".join(['{"a": []}'] * 100) + "]") == [{"a": []}] * 100
