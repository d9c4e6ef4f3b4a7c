"""Long texts are read page by page: pages are the same again behind a change, and no value is lost."""

import random
from collections.abc import Iterator

import pytest

from shared.redaction import text as redaction
from shared.redaction.kinds import Found

_SIZE = 300_000
_ALPHABETS = {
    "words": "abcdefghij     ",
    "digits": "0123456789 ",
    "one of several scripts": "aé\u200b\uff11½ ",
}


def _drawn(characters: str) -> str:
    return "".join(random.Random(3).choices(characters, k=_SIZE))


def _pages_seen(text: str) -> list[str]:
    seen: list[str] = []

    def detect(page: str) -> Iterator[Found]:
        seen.append(page)
        yield from ()

    list(redaction._page_by_page(text, detect, page=4096, beside=512))
    return seen


@pytest.mark.parametrize("characters", _ALPHABETS.values(), ids=_ALPHABETS)
def test_pages_are_the_same_again_soon_behind_a_change(characters: str) -> None:
    text = _drawn(characters)
    changed = text[:1000] + "<PERSON_1>" + text[1000:]
    before = set(_pages_seen(text))

    anew = [page for page in _pages_seen(changed) if page not in before]

    assert len(anew) <= len(before) // 4


@pytest.mark.parametrize("characters", ["abcdefghij     ", "0123456789 ", "Aa Bb Cc. "])
def test_pages_stay_within_their_bounds(characters: str) -> None:
    pages = _pages_seen(_drawn(characters))

    assert max(map(len, pages)) <= 4096 * 17 // 16 + 2 * 512
    assert len(pages) <= _SIZE // (4096 * 15 // 16) + 1


@pytest.mark.parametrize("piece", ["7", "4 1 ", "a@", "<PERSON_1> ", "key="])
def test_a_text_that_repeats_itself_has_few_pages_that_differ(piece: str) -> None:
    assert len(_pages_seen(piece * (_SIZE // len(piece)))) <= 8


@pytest.mark.parametrize("at", range(0, 4600, 23))
def test_a_value_is_found_whole_wherever_a_page_ends(at: int) -> None:
    address = "jane.doe@mail.example.org"
    text = f"{'so it is ' * 600}"[:at] + f" {address} " + "so it is " * 3000

    assert [text[one.start : one.end] for one in redaction.find(text)] == [address]
