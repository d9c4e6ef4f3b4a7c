"""Folding: what hides a value becomes plain, and every finding goes back to where it stood."""

import unicodedata
from collections.abc import Callable
from itertools import pairwise
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.redaction.folding import fold, original_span
from tests.timings import growth

INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\u180e" + "".join(
    map(
        chr,
        (*range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xFE00, 0xFE10), *range(0xE0000, 0xE0080)),
    )
)
ASCII = st.characters(max_codepoint=0x7F)
PLAIN_ASCII = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="&%\\"), max_size=40
)


def folded(text: str) -> str:
    return text if (told := fold(text)) is None else told.text


@pytest.mark.parametrize(
    ("hidden", "plain"),
    [
        ("４１１１－１１１１", "4111-1111"),
        ("ｊｏｅ＠ｅｘａｍｐｌｅ．ｃｏｍ", "joe@example.com"),
        ("j\u200bo\u2060e@exam\u00adple.com", "joe@example.com"),
        ("٤١١١ १२३ ①②", "4111 123 12"),
        ("4\ufe0f\u20e31\ufe0f\u20e3", "41"),
        ("𝗷𝗼𝗲@𝖾𝗑𝖺𝗆𝗉𝗅𝖾.𝖼𝗈𝗆", "joe@example.com"),
        ("555\u2013123\u20124567", "555-123-4567"),
        ("4111\u00a01111\u20091111", "4111 1111 1111"),
        ("joe&#64;example&period;com", "joe@example.com"),
        ("joe&#x40;example.com joe&#00064example", "joe@example.com joe@example"),
        ("joe&commat;x joe&amp;#64;x joe&amp;amp;#64;x", "joe@x joe@x joe@x"),
        ("a &lt b &amp c", "a < b & c"),
        ("joe%40example.com %C3%A9t%C3%A9", "joe@example.com été"),
        ("joe%2540example.com", "joe@example.com"),
        ("%EF%BC%94%e2%80%8b1", "41"),
        (r"joe\u0040example.com", "joe@example.com"),
        (r"joe\\u0040example.com \ud835\udfd2", "joe@example.com 4"),
        ("&percnt;40 %26%2364%3B", "@ @"),
    ],
)
def test_what_hides_a_value_is_spelled_plainly(hidden: str, plain: str) -> None:
    assert folded(hidden) == plain


@pytest.mark.parametrize(
    "text",
    [
        "a plain text: 4111 1111 1111 1111, joe@example.com",
        "100% sure, 5 %d of %s, R&D, AT&T, a && b, 50%!",
        "Été à Zürich, naïve señor Ångström; Łódź, Привет, 東京, مرحبا",
        "he waited — and waited… for “nothing”, ‘they’ said • 20 °C",
        "Boarding ✈️ at the gate 👩‍💻 ❤️",
        "« Bonjour » : où\u202f? 100\u00a0€, 5\u00a0%",
        "?copy=1&reg=2&para=3",
        "&unknown; &#0; &#x110000; &#xd800; %ZZ %E9 \\ud800 \\u12",
        r"C:\users\joe",
        "",
    ],
)
def test_plain_text_is_left_alone(text: str) -> None:
    assert fold(text) is None


@pytest.mark.parametrize(
    ("text", "plain", "original"),
    [
        ("mail ｊｏｅ＠ｘ.com, now", "joe@x.com", "ｊｏｅ＠ｘ.com"),
        ("é\u200b4\u200b1\u200b1\u200b!", "411", "4\u200b1\u200b1"),
        ("to joe%2540x.com&nbsp;!", "joe@x.com", "joe%2540x.com"),
        ("ﬁ&amp;#64;ﬁx", "i@f", "ﬁ&amp;#64;ﬁ"),
        ("caf%C3%A9 %E9%40 %C3", "%E9@", "%E9%40"),
    ],
)
def test_a_finding_goes_back_to_where_it_stood(text: str, plain: str, original: str) -> None:
    told = fold(text)
    assert told is not None
    at = told.text.index(plain)
    start, end = original_span(told, at, at + len(plain))
    assert text[start:end] == original


def test_halves_of_characters_move_nothing() -> None:
    told = fold("\ud800４\udfff1")
    assert told is not None
    assert told.text == "\ufffd4\ufffd1"
    assert original_span(told, 1, 2) == (1, 2)


@given(st.text(ASCII.filter(lambda character: character not in "&%\\")))
def test_ascii_without_encodings_is_plain(text: str) -> None:
    assert fold(text) is None


@given(st.text(st.characters(categories=("Ll", "Lu"), max_codepoint=0x17E, exclude_characters="ªºĲĳ")))
def test_accented_text_is_plain(text: str) -> None:
    assert fold(unicodedata.normalize("NFC", text)) is None


ANY_TEXT = st.lists(
    st.one_of(
        st.text(max_size=6),
        st.sampled_from(
            [*INVISIBLE, "&amp;", "&#6", "4;", "%2", "5", "40", "\\u00", "&", "%", "４", "ﬁ", "—", "\ud83d"]
        ),
    )
).map("".join)


@given(ANY_TEXT)
def test_every_character_comes_from_somewhere_and_in_order(text: str) -> None:
    told = fold(text)
    if told is None:
        return
    spans = [original_span(told, at, at + 1) for at in range(len(told.text))]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    # The characters of one ligature or entity share its place.
    assert all(one == other or one[1] <= other[0] for one, other in pairwise(spans))


@given(ANY_TEXT)
def test_nothing_invisible_is_left(text: str) -> None:
    told = fold(text)
    assert told is None or not set(INVISIBLE).intersection(told.text)


@given(ANY_TEXT, st.data())
def test_what_stands_after_a_replacement_hides_nothing_new(text: str, data: st.DataObject) -> None:
    told = fold(text)
    if told is None or len(told.layers) > 2 or not told.text:
        return
    assert folded(told.text) == told.text


ENCODINGS: tuple[Callable[[str], str], ...] = (
    lambda character: character,
    lambda character: chr(ord(character) + 0xFEE0) if character != " " else "\u3000",
    lambda character: f"&#{ord(character)};",
    lambda character: f"&#X{ord(character):x};",
    lambda character: f"&amp;#{ord(character)};",
    lambda character: f"%{ord(character):02X}",
    lambda character: f"%25{ord(character):02x}",
    lambda character: quote(chr(ord(character) + 0xFEE0)) if character != " " else "%E2%80%82",
    lambda character: f"\\u{ord(character):04x}",
    lambda character: f"\\\\u{ord(character):04X}",
)


@given(PLAIN_ASCII, st.data())
def test_any_mix_of_encodings_folds_to_what_it_spells(text: str, data: st.DataObject) -> None:
    ways = data.draw(st.lists(st.sampled_from(ENCODINGS), min_size=len(text), max_size=len(text)))
    between = data.draw(
        st.lists(st.sampled_from(("", "", "\u200b", "\u00ad")), min_size=len(text), max_size=len(text))
    )
    hidden = "".join(way(one) + gap for way, one, gap in zip(ways, text, between, strict=True))
    told = fold(hidden)
    if told is None:
        assert hidden.replace("\u3000", " ") == text
        return
    assert told.text == text
    if not text:
        return
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    first, last = original_span(told, start, end)
    assert folded(hidden[first:last]).replace("\u3000", " ") == text[start:end]


@pytest.mark.parametrize(
    "hostile", ["%25", "&amp;", "&#", "\\", "\\u005c", "%", "\u200b", "４", "&a", "&#0", "%25\u200b"]
)
def test_hostile_text_takes_linear_time(hostile: str) -> None:
    # Far from the hundredfold of a quadratic walk, and from the noise of a machine at work.
    assert growth(lambda size: fold("é" + hostile * (size // len(hostile))), 30_000, 300_000) < 40
