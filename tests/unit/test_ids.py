"""Document ids: every string that a caller chose has one, and no two share it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.canonical import canonical_json, digest
from shared.domain.ids import artifact_id, document_id, group_id, suggestion_id
from tests.properties import examples
from tests.unit.build import json_values

_FIRESTORE_BYTES = 1500
_RESERVED = re.compile(r"__.*__", re.DOTALL)

# Spellings that a careless encoding would bring together, or that a store would refuse.
HOSTILE = (
    "",
    " ",
    ".",
    "..",
    "...",
    "%2E",
    "%2e",
    "%252E",
    "/",
    "//",
    "a/b",
    "a%2Fb",
    "a\\b",
    "__x__",
    "%5F_x__",
    "_x_",
    "__",
    "____",
    "__.__",
    "~",
    "%7E",
    "a~b",
    "\x00",
    "\n",
    "\t",
    "é",
    "e\u0301",
    "🧭",
    "\ud800",
    "\udc00",
    "\ufffd",
    "?",
    "A",
    "a",
    "x" * 400,
    "x" * 401,
    "x" * 402,
    "x" * 400 + "y",
    "é" * 2_000,
    "é" * 2_000 + "/",
    "/" * 3_000,
    "/" * 3_001,
    "__" + "x" * 2_000 + "__",
)

any_string = st.text(st.characters(exclude_categories=()) | st.sampled_from("/.%_~"), max_size=60)
# Long ones differ behind the part of the name that an id can spell out.
long_string = st.builds(lambda start, end: start * 40 + end, st.text(min_size=10, max_size=20), st.text())


def _is_legal(name: str) -> bool:
    return (
        0 < len(name.encode()) <= _FIRESTORE_BYTES
        and "/" not in name
        and name not in (".", "..")
        and _RESERVED.fullmatch(name) is None
    )


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_hostile_names_become_legal_document_ids(name: str) -> None:
    assert _is_legal(document_id(name))


def test_hostile_names_have_ids_of_their_own() -> None:
    assert len({document_id(name) for name in HOSTILE}) == len(set(HOSTILE))


@examples(100)
@given(any_string | long_string)
def test_any_string_becomes_a_legal_document_id(name: str) -> None:
    assert _is_legal(document_id(name))


@examples(100)
@given(any_string, any_string)
def test_two_strings_never_share_a_document_id(one: str, other: str) -> None:
    assert (document_id(one) == document_id(other)) == (one == other)


@examples(100)
@given(long_string, long_string)
def test_two_long_strings_never_share_a_document_id(one: str, other: str) -> None:
    assert (document_id(one) == document_id(other)) == (one == other)


def test_a_plain_trace_id_stays_readable() -> None:
    assert document_id("6903738200000000af2d3775dfc70530") == "6903738200000000af2d3775dfc70530"


def test_a_digest_frames_its_parts() -> None:
    framings = [("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ("", "abc"), ('a","bc',)]

    assert len({digest(*parts) for parts in framings}) == len(framings)


@examples(100)
@given(st.lists(st.text(max_size=8), max_size=4), st.lists(st.text(max_size=8), max_size=4))
def test_digests_are_equal_for_equal_parts_alone(one: list[str], other: list[str]) -> None:
    assert (digest(*one) == digest(*other)) == (one == other)


def test_a_digest_has_the_length_that_is_asked_for() -> None:
    assert [len(digest("x", length=length)) for length in (8, 16, 32)] == [8, 16, 32]
    assert digest("x", length=32).startswith(digest("x", length=8))


def test_groups_of_different_environments_have_ids_of_their_own() -> None:
    keys = [("shop", "prod", "1", "s"), ("shop", "staging", "1", "s"), ("shoppr", "od", "1", "s")]
    keys += [("shop", "prod", "2", "s"), ("shop", "prod", "1", "t")]

    assert len({group_id(*key) for key in keys}) == len(keys)


def test_un_merging_names_another_suggestion_of_the_same_group() -> None:
    assert suggestion_id("gr-1") == suggestion_id("gr-1", 0)
    assert suggestion_id("gr-1") != suggestion_id("gr-1", 1)


def test_each_revision_of_each_kind_has_an_artifact_id() -> None:
    wanted = [("sg-1", "eval", 1), ("sg-1", "eval", 2), ("sg-1", "runbook", 1), ("sg-2", "eval", 1)]

    assert len({artifact_id(*parts) for parts in wanted}) == len(wanted)


@examples(100)
@given(json_values)
def test_keys_in_any_order_are_spelled_the_same(value: object) -> None:
    one = {"a": value, "b": 1}
    other = {"b": 1, "a": value}

    assert canonical_json(one) == canonical_json(other)  # type: ignore[arg-type]
