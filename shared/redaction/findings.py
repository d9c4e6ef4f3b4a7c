"""What in a text must not leave, but for what we put there ourselves."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable

from shared.redaction.text import find

_WORD = re.compile(r"\w+")
_WORD_WITH_DASHES = re.compile(r"[\w-]+")


def findings(texts: Iterable[str], issued: Collection[str] = ()) -> dict[str, int]:
    """Count what in these texts must not leave, by kind; an empty answer means that they may.

    `issued` are exact values that we put there ourselves, such as span ids.
    """
    cleaned = map(_blanking(issued), texts) if issued else texts
    return dict(Counter(found.kind.value for text in cleaned for found in find(text)))


def _blanking(issued: Collection[str]) -> Callable[[str], str]:
    """Blank what we put into a text ourselves, by word: a large trace has more ids than one pattern bears."""
    words = frozenset(issued)
    odd = _any_of([one for one in words if not _WORD_WITH_DASHES.fullmatch(one)])

    def blank(match: re.Match[str]) -> str:
        return " " if match[0] in words else match[0]

    def blanked(text: str) -> str:
        text = odd.sub(" ", text) if odd else text
        return _WORD.sub(blank, _WORD_WITH_DASHES.sub(blank, text))

    return blanked


def _any_of(values: Collection[str]) -> re.Pattern[str] | None:
    longest_first = sorted(values, key=lambda value: (-len(value), value))
    if not longest_first:
        return None
    # Beside these a value is part of a longer one, which we did not issue.
    return re.compile(r"(?<![\w.+@-])(?:" + "|".join(map(re.escape, longest_first)) + r")(?![\w@-])")
