"""Patterns that take linear time whatever the text: RE2's, with room for large ones."""

from collections.abc import Collection, Iterator
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, cast

import re2

if TYPE_CHECKING:
    import re

# A capital first; letters of Latin beyond ASCII come in pairs, and both are taken.
CAPITAL = r"[A-Z\x{c0}-\x{de}\x{100}-\x{24f}\x{386}-\x{3ab}\x{400}-\x{42f}\x{1e00}-\x{1eff}]"
# What words are made of, told by what they are not: a smaller machine than all letters of all scripts.
IN_WORD = r"[^\x00-&(-,./0-@\[-`{-\x{bf}\s]"
_MEMORY = 64 << 20


class Linear:
    """A pattern of RE2's syntax, without look-around and backreferences; the first text compiles it."""

    def __init__(self, pattern: str, **options: bool) -> None:
        """Keep the pattern; the options are RE2's own, by name."""
        self.pattern = pattern
        self._options = options

    def is_in(self, text: str) -> bool:
        """Say whether it matches anywhere; faster than a search, for nobody asks where."""
        told = _encoded(text)
        # The library's own search makes a generator and a match of it, which takes as long as the engine.
        spans = self._engine.Match(re2._Anchor.UNANCHORED, told, 0, len(told))  # noqa: SLF001
        return bool(spans[0][0] >= 0)

    def search(self, text: str) -> "re.Match[str] | None":
        """Find the first match; as `re` does, as do the others."""
        return self._compiled.search(text)

    def match(self, text: str) -> "re.Match[str] | None":
        """Match at the beginning."""
        return self._compiled.match(text)

    def fullmatch(self, text: str) -> "re.Match[str] | None":
        """Match the whole text."""
        return self._compiled.fullmatch(text)

    def finditer(self, text: str) -> "Iterator[re.Match[str]]":
        """Find all matches that do not overlap."""
        # Most patterns are nowhere in most texts.
        return self._compiled.finditer(text) if self.is_in(text) else iter(())

    def spans(self, text: str) -> "Iterator[tuple[int, int]]":
        """Say where matches stand, none of which is empty; sooner done than `finditer`, which has groups."""
        told = _encoded(text)
        plain = len(told) == len(text)
        past = characters = 0
        while True:
            start, end = self._engine.Match(re2._Anchor.UNANCHORED, told, past, len(told))[0]  # noqa: SLF001
            if start < 0:
                return
            if plain:
                yield start, end
            else:
                first = characters + len(told[past:start].decode())
                characters = first + len(told[start:end].decode())
                yield first, characters
            past = end

    @cached_property
    def _engine(self) -> Any:  # noqa: ANN401 - a class of the library's own, without types
        return self._compiled._regexp  # type: ignore[attr-defined]  # noqa: SLF001

    @cached_property
    def _compiled(self) -> "re.Pattern[str]":
        options = re2.Options()
        options.max_mem = _MEMORY
        options.log_errors = False
        for name, value in self._options.items():
            setattr(options, name, value)
        # The library has no types; what it gives does what `re` does.
        return cast("re.Pattern[str]", re2.compile(self.pattern, options))


def _encoded(text: str) -> bytes:
    # One pattern after the other looks at the same text, and what is not ASCII takes long to encode.
    return text.encode() if text.isascii() else _last_encoded(text)


_last_encoded = lru_cache(maxsize=1)(str.encode)


def any_pattern(*patterns: str) -> Linear:
    """Make a pattern of what any of these finds, without their groups, which slow a scan."""
    return Linear("|".join(f"(?:{one})" for one in patterns), never_capture=True)


def any_of(values: Collection[str]) -> Linear | None:
    """Make a pattern of these texts as they are, the longest first; None where there are none."""
    if not values:
        return None
    return Linear("|".join(map(re2.escape, values)), longest_match=True)
