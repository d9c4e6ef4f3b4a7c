"""Text from strangers in Markdown: shown as it is, never taken as markup."""

import re

# An underscore between letters is none of markup's.
_MARKUP = re.compile(r"([\\`*\[\]<>#|~&]|(?<!\w)_|_(?!\w))")
_LEADING = re.compile(r"^([-+=]|\d{1,9}(?=[.)]))")


def escape(text: str) -> str:
    """Escape a text for running prose, on one line."""
    return _LEADING.sub(_escaped_lead, _MARKUP.sub(r"\\\1", " ".join(text.split())))


def _escaped_lead(found: re.Match[str]) -> str:
    """Keep a line from beginning a list or underlining a heading: of a number its full stop is escaped."""
    return f"\\{found[1]}" if not found[1].isdigit() else f"{found[1]}\\"


def code(text: str) -> str:
    """Set a text as inline code with a fence longer than any in it."""
    flat = " ".join(text.split()) or " "
    fence = "`" * (max((len(run) for run in re.findall(r"`+", flat)), default=0) + 1)
    padded = f" {flat} " if flat.startswith("`") or flat.endswith("`") else flat
    return f"{fence}{padded}{fence}"


def quote(text: str) -> str:
    """Set a text as a block quote of escaped lines."""
    return "\n".join(f"> {escape(line)}" for line in text.splitlines() if line.strip())
