"""Folds what hides a value from a pattern into plain text, and tells where each character came from."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache, partial
from html.entities import html5
from itertools import accumulate
from typing import NamedTuple

from shared.redaction.linear import Linear

# Twice encoded, in two ways, is the most that anything downstream undoes.
_MOST_LAYERS = 4
# What is this short comes again and again.
_LONGEST_COMMON = 60

# ---- RE2 has no difference of classes: `[^\P{N}\x00-\x7f]` is a number beyond ASCII
_NUMBERS = r"[^\P{N}\x00-\x7f]"
_SPACES = r"[^\P{Zs} ]"
_DASHES = r"(?:[^\P{Pd}-]|\x{2212})"
_INVISIBLE = (
    r"\xad\x{34f}\x{61c}\x{115f}\x{1160}\x{17b4}\x{17b5}\x{180b}-\x{180f}\x{200b}\x{200c}\x{200e}\x{200f}"
    r"\x{202a}-\x{202e}\x{2060}-\x{206f}\x{20e3}\x{3164}\x{feff}\x{ffa0}\x{fff9}-\x{fffb}"
    r"\x{1bca0}-\x{1bca3}\x{1d173}-\x{1d17a}\x{e0000}-\x{e0fff}"
)
# An emoji brings these along.
_JOINERS = r"\x{200d}\x{fe00}-\x{fe0f}"
_LOOKALIKES = (
    r"\x{132}\x{133}\x{17f}\x{1c7}-\x{1cc}\x{1f1}-\x{1f3}\x{2b0}-\x{2b8}\x{2e1}-\x{2e3}\x{37e}\x{1d2c}-\x{1dbb}"
    r"\x{1fef}\x{2024}\x{2025}\x{203c}\x{2047}-\x{2049}\x{2071}-\x{209c}\x{20a8}\x{2100}-\x{2121}\x{2123}-\x{214f}"
    r"\x{249c}-\x{24e9}\x{2a74}-\x{2a76}\x{2c7c}\x{2c7d}\x{3250}\x{32cc}-\x{32cf}\x{3371}-\x{33ff}"
    r"\x{a7f2}-\x{a7f4}\x{fb00}-\x{fb06}\x{fb29}\x{fe10}-\x{fe19}\x{fe30}-\x{fe6b}\x{ff01}-\x{ff5e}\x{107a5}"
    r"\x{1d400}-\x{1d6a3}\x{1f110}-\x{1f190}"
)
_ENCODED = (
    r"&(?:#0*[0-9]{1,7}|#[xX]0*[0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31}(?:[^=A-Za-z0-9]|$))"
    r"|(?:%[0-9A-Fa-f]{2})+|(?:\\{1,8}u[0-9A-Fa-f]{4})+"
)
# Print is full of dashes, narrow blanks and emoji that hide nothing: those alone are no reason to fold.
_HIDING = Linear(
    rf"{_ENCODED}|{_NUMBERS}|[{_INVISIBLE}{_LOOKALIKES}]|\pN{_DASHES}|{_DASHES}\pN"
    rf"|[^«]{_SPACES}[^\s:;!?»%€]|[\pL\pN!-~][{_JOINERS}]"
)
_DROPPED = Linear(rf"[{_INVISIBLE}{_JOINERS}]")
_DASH = Linear(_DASHES)
_SPACE = Linear(_SPACES)

# RE2 is slow to tell of many matches. What `re` finds soon is a first character; the rest looks back at it.
_UNITS = re.compile(
    r"[&%\\](?:"
    r"(?<=&)(?:(?:#0*[0-9]{1,7}|#[xX]0*[0-9A-Fa-f]{1,6});?|[A-Za-z][A-Za-z0-9]{1,31}(?:;|(?![=A-Za-z0-9])))"
    r"|(?<=%)[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2})*"
    r"|(?<=\\)\\{0,7}u[0-9A-Fa-f]{4}(?:\\{1,8}u[0-9A-Fa-f]{4})*)"
)
_ESCAPE = re.compile(
    r"\\+u(?P<high>[Dd][89ABab][0-9A-Fa-f]{2})\\+u(?P<low>[Dd][C-Fc-f][0-9A-Fa-f]{2})"
    r"|\\+u(?P<unit>[0-9A-Fa-f]{4})"
)
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SURROGATES = range(0xD800, 0xE000)
_LAST_CHARACTER = 0x10FFFF
_MOST_SHAPES = 8192
# So many are sooner replaced one after the other than looked up character by character.
_FEW = 24


# A stretch of a text, from where to where, and what it spells in plain; each character of that covers
# so many of the text before, or where that is 0, all of them.
_Piece = tuple[int, int, str, int]


class Layer(NamedTuple):
    """One folding: where its pieces begin in the folded text, and what they cover in the text before."""

    at: Sequence[int]
    starts: Sequence[int]
    ends: Sequence[int]
    widths: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Take a stretch of the folded text back to the text before."""
        first, last = bisect_right(self.at, start) - 1, bisect_right(self.at, end - 1) - 1
        before = self.starts[first] + self.widths[first] * (start - self.at[first])
        width = self.widths[last]
        return before, self.starts[last] + width * (end - self.at[last]) if width else self.ends[last]


class Folded(NamedTuple):
    """A text in plain characters, with the way back to the original, which is made where it is asked for."""

    text: str
    layers: tuple[Callable[[], Layer], ...]


def fold(text: str) -> Folded | None:
    """Spell a text in plain: no look-alikes, invisible characters or encodings; None where it is plain.

    Text is plain as well where only its print is fancy: accents, dashes between
    words, emoji.
    """
    if text.isascii():
        if "&" not in text and "%" not in text and "\\u" not in text:
            return None
    else:
        # The halves of characters that some texts hold are nothing RE2 can read.
        text = _SURROGATE.sub("\ufffd", text)
    if _HIDING.search(text) is None:
        return None
    layers: list[Callable[[], Layer]] = []
    for _ in range(_MOST_LAYERS):
        before = text
        for undo in (_reshaped, _decoded):
            if told := undo(text):
                text = told[0]
                layers.append(told[1])
        if text == before:
            break
    return Folded(text, tuple(layers)) if layers else None


def original_span(folded: Folded, start: int, end: int) -> tuple[int, int]:
    """Say where a stretch of the folded text, of one character or more, stands in the original."""
    for layer in reversed(folded.layers):
        start, end = layer().span(start, end)
    return start, end


def _reshaped(text: str) -> tuple[str, Callable[[], Layer]] | None:
    """Spell every character in its plain shape; None where all have it."""
    if text.isascii():
        return None
    shapes = {one: shape for one in set(text) if (shape := _shapes[ord(one)]) != one}
    if not shapes:
        return None
    if len(shapes) > _FEW:
        plain = text.translate(_shapes)
    else:
        plain = text
        # A plain shape is ASCII, so that none is shaped again.
        for one, shape in shapes.items():
            plain = plain.replace(one, shape)
    # A character that stays one is part of a run; what is dropped, or becomes several, parts runs.
    return plain, cache(partial(_layer_of, text, {one: len(s) for one, s in shapes.items() if len(s) != 1}))


def _layer_of(text: str, parting: dict[str, int]) -> Layer:
    parts = re.split(f"([{re.escape(''.join(sorted(parting)))}])", text) if parting else [text]
    before = list(map(len, parts))
    lengths = before.copy()
    lengths[1::2] = map(parting.__getitem__, parts[1::2])
    starts = list(accumulate(before, initial=0))
    # Where pieces have no length the last of them counts, which is where one goes on.
    return Layer(list(accumulate(lengths, initial=0)), starts, starts[1:], [1, 0] * len(parts))


def _decoded(text: str) -> tuple[str, Callable[[], Layer]] | None:
    """Decode what is encoded; None where nothing is. What is dropped leaves nothing to come from."""
    if not (pieces := list(_pieces(text))):
        return None
    kept: list[_Piece] = []
    done = 0
    for piece in (*pieces, (len(text), len(text), "", 0)):
        start, end, plain, _ = piece
        if done < start:
            kept.append((done, start, text[done:start], 1))
        if plain:
            kept.append(piece)
        done = end
    starts, ends, spelled, widths = zip(*kept, strict=True) if kept else ((), (), (), ())
    at = tuple(accumulate(map(len, spelled), initial=0))
    return "".join(spelled), partial(Layer, at, starts, ends, widths)


def _pieces(text: str) -> Iterator[_Piece]:
    for match in _UNITS.finditer(text):
        at, spelled = match.start(), match[0]
        for start, end, plain, width in (
            _common(spelled) if len(spelled) <= _LONGEST_COMMON else _read(spelled)
        ):
            yield at + start, at + end, plain, width


def _read(spelled: str) -> tuple[_Piece, ...]:
    """Read one thing that `_UNITS` finds: an entity or a run of escapes."""
    match spelled[0]:
        case "&":
            plain = _entity(spelled[1:].removesuffix(";"), spelled[1:])
            return ((0, len(spelled), plain, 0),) if plain is not None else ()
        case "%":
            return tuple(_percent_encoded(spelled))
        case _:
            return tuple(_escaped(spelled))


_common = lru_cache(maxsize=4096)(_read)


def _entity(number: str, name: str) -> str | None:
    if not number.startswith("#"):
        return _all_plain(html5[name]) if name in html5 else None
    digits = number[1:].lower()
    code = int(f"0{digits}", 16) if digits.startswith("x") else int(digits)
    is_character = 0 < code <= _LAST_CHARACTER and code not in _SURROGATES
    return _plain(chr(code)) if is_character else None


def _percent_encoded(spelled: str) -> Iterator[_Piece]:
    """Decode a run of `%XX` as UTF-8; bytes that are none stay as they are written."""
    told = bytes.fromhex(spelled.replace("%", ""))
    if told.isascii():
        yield 0, len(spelled), told.decode(), 3
        return
    start = 0
    for character in told.decode("utf-8", "surrogateescape"):
        if ord(character) in _SURROGATES:
            start += 3
            continue
        end = start + 3 * len(character.encode())
        yield start, end, _plain(character), 0
        start = end


def _escaped(spelled: str) -> Iterator[_Piece]:
    r"""Read a run of `\u0040`, however many backslashes JSON within JSON gave each."""
    for match in _ESCAPE.finditer(spelled):
        units = match["high"] + match["low"] if match["high"] else match["unit"]
        character = bytes.fromhex(units).decode("utf-16-be", "surrogatepass")
        if ord(character) not in _SURROGATES:
            yield *match.span(), _plain(character), 0


def _all_plain(text: str) -> str:
    return "".join(map(_plain, text))


def _plain(character: str) -> str:
    """Spell a character in ASCII where it is only another shape of that; else give it back."""
    if character.isascii():
        return character
    if _DROPPED.match(character):
        return ""
    if _SPACE.match(character):
        return " "
    if _DASH.match(character):
        return "-"
    if (digit := unicodedata.digit(character, None)) is not None:
        return str(digit)
    composed = unicodedata.normalize("NFKC", character)
    return composed if composed.isascii() else character


class _Shapes(dict[int, str]):
    """The plain spelling of each character, as `str.translate` asks for it."""

    def __missing__(self, code: int) -> str:
        # No text makes it remember all of Unicode.
        if len(self) >= _MOST_SHAPES:
            self.clear()
        plain = self[code] = _plain(chr(code))
        return plain


_shapes = _Shapes()
