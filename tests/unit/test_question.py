"""The question: the prompt's parts, what a capture looks like in it, and what is cut of a long one."""

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.extract.advice import ADVICE, recommended_actions
from functions.extract.extraction import pattern_of
from functions.extract.narrative.answer import Told
from functions.extract.narrative.prompt import narrative_prompt, narrative_words
from functions.extract.narrative.question import MOST_CHARACTERS, Question, question_of
from functions.extract.narrative.sentences import fault_of, tidied
from shared.domain.captures import Capture
from shared.domain.taxonomy import FailureType
from tests.properties import examples
from tests.unit.build import ROOT_ID, call, capture, failed_call, model, root, verdict
from tests.unit.told_models import rules_in, steps_in

EXAMPLE = re.compile(
    r"- (\w+)\. (?P<seen>.*?) Title: (?P<title>.*?\.) Cause: (?P<cause>.*?\.) Quote(.*?): (?P<quote>.+)"
)
JUDGING = (
    "you your we please must should approve disable ignore visit click download severity critical low"
    " high harmless safe fine correctly success successful password reviewer analyst everything good well"
)
PROMPT_HASH = "87f3f0143e980bcf6f9c5af5827e1fb1"
SMALL = capture(root(), failed_call("pay", "refund_order", "503 service unavailable", {"order_id": "W1"}))


def _examples() -> dict[str, re.Match[str]]:
    found = (EXAMPLE.fullmatch(line) for line in narrative_prompt().text.splitlines())
    return {match[1]: match for match in found if match}


def asked(told: Capture, **options: Any) -> Question:
    return question_of(told, pattern_of(told), narrative_prompt(), **options)


def steps_shown(told: Capture, question: Question) -> list[str]:
    ids = [span.span_id for span in told.spans]
    return [ids[int(line["step"][1:]) - 1] for line in steps_in(question.request)]


def test_the_prompt_has_an_example_for_each_type_and_names_it() -> None:
    assert set(_examples()) == {kind.value for kind in FailureType}
    assert all(kind.value in narrative_prompt().text for kind in FailureType)


@pytest.mark.parametrize("kind", list(FailureType))
def test_an_example_is_what_the_checks_let_through(kind: FailureType) -> None:
    example = _examples()[kind.value]
    names = frozenset(re.findall(r"`(\w+)`", example[0]))

    assert fault_of(tidied(example["title"]), names) == ""
    assert fault_of(tidied(example["cause"]), names) == ""
    assert 8 <= len(example["quote"]) <= 200


def test_the_prompt_says_its_words_and_its_hash_is_that_of_its_text() -> None:
    prompt, words = narrative_prompt(), narrative_words()

    assert prompt.id == "narrative-1"
    assert "{" not in prompt.text.replace('{"', "")
    assert all(f"{word} " in prompt.text for word in ("although", "call", "refund"))
    assert not words.verbs & words.others
    # A prompt that is changed is another one: give it a new id, and say its hash here.
    assert prompt.hash == PROMPT_HASH


@pytest.mark.parametrize(
    "word",
    JUDGING.split(),
)
def test_words_that_address_weaken_or_judge_are_none_of_ours_in_any_form(word: str) -> None:
    assert fault_of(f"The agent {word} the order of the user", frozenset()) == "word"


def test_every_type_but_unknown_has_advice_and_each_advice_is_of_a_type() -> None:
    given = {kind: recommended_actions((kind,)) for kind in FailureType}

    assert [kind for kind, told in given.items() if len(told) == 1] == [FailureType.UNKNOWN]
    assert {one for told in given.values() for one in told} >= set(ADVICE.values())


def test_a_capture_is_shown_step_by_step_with_what_the_rules_found() -> None:
    question = asked(SMALL)

    [first, second] = steps_in(question.request)
    assert (first["step"], second["step"], second["under"]) == ("s1", "s2", "s1")
    assert (second["name"], second["status"]) == ("refund_order", "error")
    assert second["output"] == {"value": "503 service unavailable"}
    assert rules_in(question.request)["failing_span"] == "s2"
    assert question.cut == ""
    assert "Left out: nothing." in question.request.content


def test_the_same_question_is_asked_twice_in_the_same_words() -> None:
    assert asked(SMALL) == asked(SMALL)


def test_the_mark_is_another_one_for_another_capture() -> None:
    marks = {asked(told).request.content.split()[0] for told in (SMALL, capture(root(status="error")))}

    assert len(marks) == 2


def test_ids_of_spans_are_not_shown() -> None:
    told = capture(root(), failed_call("ignore-this-id", "refund_order", "503"))

    assert "ignore-this-id" not in asked(told).request.content


def test_the_schema_offers_the_types_the_steps_and_the_advice() -> None:
    schema: Any = asked(SMALL).request.schema
    properties = schema["properties"]

    assert properties["failure_types"]["items"]["enum"] == [kind.value for kind in FailureType]
    assert properties["failing_span"]["enum"] == ["s1", "s2"]
    assert properties["cause_span"]["enum"] == ["s1", "s2", "none"]
    assert properties["recommended_actions"]["items"]["enum"] == list(ADVICE)
    assert schema["required"] == list(properties)
    assert properties.keys() == Told.model_fields.keys()
    assert schema["additionalProperties"] is False


def test_many_steps_are_not_offered_one_by_one() -> None:
    told = capture(
        root(), *(call(f"c{at}", "look", {"at": at}, "x", start_ns=2_000 + at) for at in range(150))
    )
    schema: Any = question_of(told, pattern_of(_failing(told)), narrative_prompt()).request.schema

    assert "enum" not in schema["properties"]["failing_span"]


def _failing(told: Capture) -> Capture:
    return capture(*told.spans, failed_call("pay", "refund_order", "503", start_ns=90_000))


@given(st.text(max_size=200))
@examples(200)
def test_any_text_stays_on_its_line_and_comes_back_as_it_was(text: str) -> None:
    told = SMALL.model_copy(
        update={"spans": tuple(span.model_copy(update={"output": text or "-"}) for span in SMALL.spans)}
    )
    request = question_of(told, pattern_of(SMALL), narrative_prompt()).request

    assert [line["output"] for line in steps_in(request)] == [text or "-"] * 2
    assert len(request.content.splitlines()) == len(SMALL.spans) + 5
    assert all(one.isprintable() or one == "\n" for one in request.content if ord(one) < 0xA0)


@pytest.mark.parametrize("unseen", ["\u2028", "\u200b", "\u202e", "\x85", "\U000e0041", "\ufeff"])
def test_what_nobody_would_see_is_spelled_out(unseen: str) -> None:
    told = SMALL.model_copy(
        update={"spans": tuple(span.model_copy(update={"output": f"a{unseen}b"}) for span in SMALL.spans)}
    )

    content = question_of(told, pattern_of(SMALL), narrative_prompt()).request.content

    assert unseen not in content
    assert "\\u" in content


# ---- long captures


def _long(steps: int, length: int, *, failing: int) -> Capture:
    def one(at: int) -> Any:
        told = f"{at} " + "many words " * (length // 11)
        if at == failing:
            return failed_call(
                f"c{at}", "refund_order", "503 unavailable", {"order_id": "W1"}, start_ns=2_000 + at
            )
        return call(f"c{at}", f"look_{at}", {"at": at}, told, start_ns=2_000 + at)

    said = model("say", said="It did not work.", start_ns=900_000)
    return capture(root(), *(one(at) for at in range(steps)), said)


def test_a_capture_that_fits_is_shown_whole() -> None:
    told = _long(5, 8_000, failing=3)

    question = asked(told)

    assert question.cut == ""
    assert steps_shown(told, question) == [span.span_id for span in told.spans]
    assert "left out]" not in question.request.content


def test_texts_are_shortened_before_steps_are_left_out() -> None:
    told = _long(30, 8_000, failing=10)

    question = asked(told)

    assert len(steps_shown(told, question)) == len(told.spans)
    assert "shortened" in question.cut
    assert "left out" not in question.cut
    assert f"Left out: {question.cut}." in question.request.content
    assert "characters left out]" in question.request.content


def test_texts_beside_the_failing_step_are_shortened_less_than_far_ones() -> None:
    told = _long(30, 8_000, failing=10)

    lines = dict(zip(steps_shown(told, asked(told)), steps_in(asked(told).request), strict=True))
    beside, far = (len(json.dumps(lines[name])) for name in ("c9", "c25"))

    assert beside > 2 * far


@pytest.mark.parametrize("failing", [0, 400, 999])
def test_of_very_many_steps_the_farthest_are_left_out(failing: int) -> None:
    told = _long(1_000, 3_000, failing=failing)

    question = asked(told)

    shown = steps_shown(told, question)
    assert {ROOT_ID, f"c{failing}", "say"} <= set(shown)
    assert {f"c{near}" for near in (failing - 1, failing + 1) if 0 <= near < 1_000} <= set(shown)
    assert len(shown) < 1_000
    assert f"{len(told.spans) - len(shown)} steps far from the failing one are left out" in question.cut
    assert shown == [span.span_id for span in told.spans if span.span_id in set(shown)]


@pytest.mark.parametrize("most", [6_000, 20_000, MOST_CHARACTERS])
@pytest.mark.parametrize(
    "told", [_long(3, 400_000, failing=1), _long(600, 900, failing=300)], ids=["long", "many"]
)
def test_no_capture_makes_a_longer_question(told: Capture, most: int) -> None:
    assert len(asked(told, most=most).request.content) <= most + 1_000


def test_one_step_of_very_many_short_texts_is_cut_too() -> None:
    told = capture(root(), failed_call("pay", "refund_order", "503", {f"k{at}": "v" for at in range(40_000)}))

    assert len(asked(told).request.content) <= MOST_CHARACTERS + 1_000


def test_one_step_of_very_many_short_fields_is_cut_too() -> None:
    arguments = {f"k{at}": "v" for at in range(40_000)}
    told = capture(root(), failed_call("pay", "refund_order", "503", input=arguments))

    assert len(asked(told).request.content) <= MOST_CHARACTERS + 1_000


def test_what_the_rules_found_takes_its_room_from_the_capture() -> None:
    judged = {f"judge_{at}": verdict("fail", "bad", "many words " * 60) for at in range(9)}
    told = capture(root(evaluations=judged), *_long(600, 900, failing=300).spans[1:])

    question = asked(told, most=20_000)

    assert len(json.dumps(rules_in(question.request))) > 2_000
    assert len(question.request.content) <= 20_000 + 1_000


def test_the_first_and_the_last_thing_that_the_user_said_are_kept() -> None:
    def asks(at: int, words: str) -> Any:
        return model(
            f"m{at}",
            said=f"answer {at}",
            input={"messages": [{"role": "user", "content": words}]},
            start_ns=at,
        )

    middle = [call(f"c{at}", "look", {"at": at}, "words " * 400, start_ns=10_000 + at) for at in range(900)]
    told = capture(
        root(input=None, output=None, start_ns=1),
        asks(2, "the first thing"),
        *middle,
        failed_call("pay", "refund_order", "503 unavailable", start_ns=10_450),
        asks(90_000, "the last thing"),
    )

    question = asked(told)
    content = question.request.content

    assert ROOT_ID in steps_shown(told, question)
    assert "the first thing" in content
    assert "the last thing" in content


def test_the_work_grows_as_the_capture_does() -> None:
    def seconds(steps: int) -> float:
        told = _long(steps, 2_000, failing=steps // 2)
        pattern = pattern_of(told)
        started = time.process_time()
        question_of(told, pattern, narrative_prompt())
        return time.process_time() - started

    seconds(50)
    assert seconds(2_000) < 40 * max(seconds(200), 0.005)
