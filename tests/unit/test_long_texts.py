"""Long texts are read page by page: nothing is lost where pages meet, and no text takes long."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.redaction import text as redaction
from shared.redaction.redactor import redact_text
from shared.redaction.text import find
from tests.bench.redaction import HOSTILE, conversation
from tests.properties import examples

FILLER = "we looked at the parcel and found nothing wrong with it, then told the warehouse to look again; "
VALUES = (
    "jane.roe@example.com",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
    "078-05-1120",
    "192.168.17.4",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "%34%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31",
    "my name is Alice Kowalczewska",
    "1428 Elm Street, Springwood, OH 45011",
)
PAGE = 4096
SIZE = 400_000
PLAIN = conversation(SIZE)


def filled(length: int) -> str:
    return (FILLER * (length // len(FILLER) + 1))[:length]


@examples(60)
@given(st.sampled_from(VALUES), st.integers(0, 5), st.integers(-60, 60))
def test_what_stands_where_two_pages_meet_is_found_as_anywhere(value: str, page: int, beside: int) -> None:
    short = f"x {value} ; "
    wanted = [(one.start, one.end, one.kind) for one in find(short)]
    assert wanted
    at = max(0, page * PAGE + beside)
    long_text = filled(at) + " ; " + short + filled(8 * PAGE - at)
    # The sentence's own end may stand in front: what counts is where the value stands.
    shift = at + 3
    assert [(one.start - shift, one.end - shift, one.kind) for one in find(long_text)] == wanted


def test_a_key_longer_than_a_page_is_found_whole() -> None:
    body = "".join(random.Random(3).choices("ABCDEFGHIJabcdefghij0123456789+/", k=12_000))
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    key = f"-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----"
    for before in (0, 3000, 16_000, 65_000, 66_000):
        text = filled(before) + key + filled(30_000)
        first = next(one for one in find(text) if one.rule == "private_key")
        assert (first.start, first.end) == (before, before + len(key))


def test_a_name_told_on_one_page_is_found_alone_on_another() -> None:
    text = f"My name is Alice Kowalczewska. {filled(30_000)}Then Kowalczewska called. {filled(9_000)}"
    assert [text[one.start : one.end] for one in find(text)] == ["Alice Kowalczewska", "Kowalczewska"]


@pytest.mark.parametrize("before", [1000, 4054, 4080, 65_000, 65_500])
def test_a_long_value_is_found_whole_wherever_pages_meet(before: int) -> None:
    words = "Wiesengrund hinter der alten Muehle 7; " * 17
    cookies = "; ".join(f"c{number}={'0v1' * 900}" for number in range(8))
    for value in (f'"address": "{words}"', f"Cookie: {cookies}"):
        text = f"{filled(before)} {value} {filled(30_000)}"
        left = list(text)
        for one in find(text):
            left[one.start : one.end] = "\0" * (one.end - one.start)
        kept = "".join(left)
        assert "Wiesengrund" not in kept
        assert "0v1" not in kept


def test_a_name_told_on_one_page_is_no_part_of_a_path_or_a_firm_on_another() -> None:
    told = f"Dear Quillon O'Vexmoor, welcome. {filled(30_000)}"
    kept = "see /home/O'Vexmoor/x and ask_Quillon_tool and O'Vexmoor Bank there"
    found = find(f"{told}O'Vexmoor came; {kept} {filled(9000)}")
    assert [one.end - one.start for one in found] == [17, 9]


@examples(25)
@given(
    st.lists(st.sampled_from((*VALUES, "Dear Mr. Kowalczewska,", "APT 1", "lives at 5 elm", "x")), max_size=9)
)
def test_redacting_a_long_text_twice_changes_nothing(values: list[str]) -> None:
    text = redact_text("".join(f"{value} {filled(2500)} " for value in values) + filled(17_000))
    assert redact_text(text) == text


def test_half_a_character_in_a_long_text_moves_nothing() -> None:
    text = "\ud800 " + filled(20_000) + " jane.roe@example.com"
    assert [text[one.start : one.end] for one in find(text)] == ["jane.roe@example.com"]


def seconds(text: str) -> float:
    redaction.forget()
    started = time.process_time()
    find(text)
    return time.process_time() - started


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE)
def test_no_text_that_repeats_itself_takes_three_times_as_long_as_what_people_say(piece: str) -> None:
    hostile = piece * (SIZE // len(piece))
    # Both are measured next to each other, and more than once: another process may slow down one of them.
    assert any(seconds(hostile) < 3 * seconds(PLAIN) for _ in range(4))
