"""The course of a run: what was asked, what was done, and which of it the user had agreed to."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.courses import Course, is_reading, request_of, says_yes, terms_of
from shared.domain.spans import Trace
from tests.properties import examples
from tests.unit.build import call, capture, failed_call, json_values, model, root
from tests.unit.runs import Done, cancelled, captured, looked, run

_ODD = st.text(max_size=300) | st.text("ab1-_<>#É ß中\x00\u2028", max_size=300)


def _course(*done: Done, **fields: Any) -> Course:
    return Course.of(captured(run("t", *done, **fields)))


def _calling(arguments: Any, tool: str = "change_it") -> Course:
    return Course.of(capture(root(), call("c", tool, arguments)))


@pytest.mark.parametrize(
    "said",
    [
        *(
            "Yes",
            "yes, please",
            "Yeah that is fine",
            "Ok!",
            "OK, cancel it",
            "Sure.",
            "I confirm",
            "Confirmed",
        ),
        *("Please go ahead", "That's correct", "sounds good", "please do", "No problem, go ahead", "Agreed."),
        *(
            "Ja",
            "Ja, bitte",
            "Genau",
            "Einverstanden",
            "In Ordnung",
            "Passt",
            "Das stimmt",
            "Ich bestätige das",
        ),
        *("Oui", "Oui, merci", "D'accord", "D’accord", "Bien sûr", "Je confirme", "Allez-y", "c'est bon"),
        *(
            "Sí",
            "Sí, por favor",
            "si",
            "Si, claro",
            "Claro que sí",
            "De acuerdo",
            "Vale",
            "Confirmo",
            "adelante",
        ),
    ],
)
def test_users_say_yes_in_four_languages(said: str) -> None:
    assert says_yes(said)


@pytest.mark.parametrize(
    "said",
    [
        *("", "No", "Cancel my order", "I'm not sure", "That is not correct", "Please don't proceed"),
        *("Do not go ahead", "please do not cancel it", "It's not okay", "Never confirm that", "yesterday"),
        *("Nein", "Das ist nicht richtig", "Das stimmt nicht", "Nicht einverstanden", "Januar", "jagen"),
        *("Non", "Je ne suis pas d'accord", "Si c'est possible, annulez ma commande", "louis"),
        *("No estoy de acuerdo", "No es correcto", "Si es posible, cancele mi pedido", "valenciano"),
    ],
)
def test_what_is_no_yes_confirms_nothing(said: str) -> None:
    assert not says_yes(said)


def test_an_action_is_confirmed_by_what_the_user_said_last_before_it() -> None:
    course = _course(cancelled("W1001", said=""), cancelled("W1002"), cancelled("W1003", said="And W1003?"))

    assert [action.confirmed for action in course.actions] == [False, True, False]


def test_actions_stand_in_their_order_without_those_that_failed() -> None:
    course = _course(looked("W1001"), Done("cancel_order", {}, failed=True), cancelled("W1001"))

    assert [action.tool for action in course.actions] == ["get_order", "cancel_order"]
    assert [action.tool for action in course.changes] == ["cancel_order"]
    assert [action.span_id for action in course.actions] == ["do-0", "do-2"]


def test_equal_arguments_are_spelled_in_one_way() -> None:
    one = _calling({"order": "W1001", "items": [1, 2]})
    other = _calling({"items": [1, 2], "order": "W1001"})

    assert one.actions[0].key == other.actions[0].key


def test_long_arguments_that_end_otherwise_are_others() -> None:
    one, other = (_calling({"note": "x" * 5000 + end}) for end in "ab")

    assert one.actions[0].key != other.actions[0].key
    assert len(one.actions[0].arguments) < 2100


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("W1001", "W2345678"),
        ("#W1001", "#W2002"),
        ("2026-11-18", "2026-12-01"),
        ("<EMAIL_1>", "<EMAIL_22>"),
        ("user_abcdefghijklmnop", "user_ponmlkjihgfedcba"),
        ("id_" + "abcdefgh" * 4, "id_" + "hgfedcba" * 4),
        ("8f14e45f-ceea-467f-9af0-1234567890ab", "1c383cd3-0b7c-498a-a3a1-abcdef012345"),
    ],
)
def test_actions_of_two_users_are_alike_but_for_what_they_name(one: str, other: str) -> None:
    first, second = (_calling({"of": name, "reason": "by mistake"}).actions[0] for name in (one, other))

    assert first.key != second.key
    assert first.shape == second.shape


@pytest.mark.parametrize(
    ("one", "other"), [("by mistake", "no longer needed"), (2, 3), ("London", "Paris"), (True, False)]
)
def test_what_names_nothing_makes_actions_others(one: Any, other: Any) -> None:
    assert _calling({"x": one}).actions[0].shape != _calling({"x": other}).actions[0].shape


def test_a_run_names_the_things_of_its_calls() -> None:
    hashed = "user_abcdefghijklmnop"

    course = _calling({"order": "#W1001", "who": hashed, "reason": "by mistake", "many": 2})

    assert course.identifiers == {"W1001", hashed}


def test_a_placeholder_names_nothing_beyond_its_trace() -> None:
    """The first address of every trace is <EMAIL_1>, whoever's it is."""
    assert _calling({"to": "<EMAIL_1>", "from": "<PERSON_12>"}).identifiers == frozenset()


def test_the_request_is_every_turn_of_the_user_as_long_as_patterns_keep_it() -> None:
    told = captured(run("t", cancelled("W1001", said="Yes " + "x" * 5000)))

    asked = request_of(told)

    assert asked[0] == run("t").root.input["value"]  # type: ignore[index, call-overload]
    assert [len(turn) for turn in asked[1:]] == [4000]


def test_terms_are_words_and_pairs_of_words_within_a_turn() -> None:
    assert terms_of(["Cancel my Tent", "my tent!"]) == {
        "cancel": 1,
        "my": 2,
        "tent": 2,
        "cancel my": 1,
        "my tent": 2,
    }


def test_terms_of_a_long_request_are_those_of_its_beginning() -> None:
    many = [f"first{n} " * 400 for n in range(40)]

    assert "first0" in terms_of(many)
    assert "first39" not in terms_of(many)


@examples(150)
@given(st.lists(_ODD, max_size=5))
def test_odd_requests_have_terms(request_: list[str]) -> None:
    counted = terms_of(request_)

    assert all(times > 0 for times in counted.values())
    assert terms_of(tuple(request_)) == counted


@pytest.mark.parametrize(
    "unit",
    ["a", "a ", "a-", "1", "1-", "user_", "<EMAIL_", "é", "中", "not ", "si ", "please do ", " ", "\n"],
)
def test_texts_of_any_length_are_read_in_no_time(unit: str) -> None:
    huge = unit * (1_000_000 // len(unit))
    spans = [
        model("m", input={"messages": [{"role": "user", "content": huge}]}),
        call("c", "do", {"x": huge}),
    ]
    told = capture(root()).model_copy(update={"spans": (root(), *spans)})

    started = time.process_time()
    course = Course.of(told)
    for action in course.actions:
        assert action.shape
    assert course.identifiers is not None
    says_yes(huge[:300])

    assert time.process_time() - started < 2


@examples(150)
@given(arguments=json_values, tool=_ODD, duration=st.integers(-(10**400), 10**400))
def test_a_course_is_made_of_any_run_and_stored(arguments: Any, tool: str, duration: int) -> None:
    odd = Trace.of("t", [root(duration_ns=duration), call("c", tool, arguments), failed_call("f", "x", "no")])

    course = Course.of(capture(*odd.spans))

    assert Course.model_validate_json(course.model_dump_json()) == course
    assert 0 <= course.seconds < float("inf")
    assert len(course.actions) == 1
    assert course.actions[0].shape[0] == course.actions[0].tool


def test_a_course_stays_small_whatever_the_run() -> None:
    calls = [call(f"c{n}", "t" * 50_000 + str(n), {"x": "y" * 9000}, start_ns=3000 + n) for n in range(300)]

    course = Course.of(capture(root(), *calls))

    assert len(course.actions) == 200
    assert len(course.model_dump_json()) < 600_000


@pytest.mark.parametrize(
    ("tool", "reading"),
    [
        *((name, True) for name in ("getOrder", "get.order", "orders.get", "functions.get_order", "HTTPGet")),
        *((name, True) for name in ("mcp__shop__get_order", "order_lookup", "OrderLookup", "web_search")),
        *((name, False) for name in ("checkAndBook", "check_out", "check_in_guest", "find_and_replace")),
        *((name, False) for name in ("mcp__shop__cancel_order", "query_and_update", "sendEmail", "")),
    ],
)
def test_the_spelling_of_a_tools_name_does_not_matter(tool: str, *, reading: bool) -> None:
    assert is_reading(tool) is reading
