"""Patterns that take linear time whatever the text: RE2's, with room for large ones."""

from collections.abc import Collection
from typing import Any

import re2

# A capital first; letters of Latin beyond ASCII come in pairs, and both are taken.
CAPITAL = r"[A-Z\x{c0}-\x{de}\x{100}-\x{24f}\x{386}-\x{3ab}\x{400}-\x{42f}\x{1e00}-\x{1eff}]"
# What words are made of, told by what they are not: a smaller machine than all letters of all scripts.
IN_WORD = r"[^\x00-&(-,./0-@\[-`{-\x{bf}\s]"
_MEMORY = 64 << 20


def linear(pattern: str) -> Any:  # noqa: ANN401 - the library has no types
    """Compile a pattern of RE2's syntax: no look-around, no backreference."""
    return re2.compile(pattern, _options())


def any_pattern(*patterns: str) -> Any:  # noqa: ANN401 - the library has no types
    """Compile what any of these patterns finds, without their groups, which slow a scan."""
    return re2.compile("|".join(f"(?:{one})" for one in patterns), _options(never_capture=True))


def any_of(values: Collection[str]) -> Any:  # noqa: ANN401 - the library has no types
    """Compile a pattern of these texts as they are, the longest first; None where there are none."""
    if not values:
        return None
    return re2.compile("|".join(map(re2.escape, values)), _options(longest_match=True))


def _options(**told: bool) -> Any:  # noqa: ANN401 - the library has no types
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    for name, value in told.items():
        setattr(options, name, value)
    return options
