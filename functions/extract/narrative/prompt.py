"""The question's fixed half: versioned files beside the code, read when they are first asked for."""

from functools import cache
from importlib.resources import files

from shared.domain.canonical import digest
from shared.domain.model import Model
from shared.domain.taxonomy import FailureType

# What is stored by one prompt's id must stay what that prompt says: a change is a new file.
_PROMPT, _WORDS = "narrative-1", "words-1"


class Vocabulary(Model):
    """The words of which a model's sentences may be made.

    A sentence begins with one of the openers; no part of it begins with a verb,
    nor with a verb behind a conjunction.
    """

    openers: frozenset[str]
    conjunctions: frozenset[str]
    verbs: frozenset[str]
    others: frozenset[str]


class Prompt(Model):
    """An instruction as it is sent, and the hash of it."""

    id: str
    text: str
    hash: str


@cache
def narrative_prompt() -> Prompt:
    """Read the instruction for a narrative, with the vocabulary and the taxonomy in it."""
    vocabulary = narrative_words()
    text = (
        _read(f"{_PROMPT}.md")
        .replace("{types}", ", ".join(kind.value for kind in FailureType))
        .replace("{words}", " ".join(sorted(vocabulary.verbs | vocabulary.others)))
    )
    return Prompt(id=_PROMPT, text=text, hash=digest(text))


@cache
def narrative_words() -> Vocabulary:
    """Read the words that the sentences of a narrative may be made of."""
    _, *sections = _read(f"{_WORDS}.txt").split("[")
    named = (section.partition("]") for section in sections)
    return Vocabulary(**{name: frozenset(words.split()) for name, _, words in named})


def _read(name: str) -> str:
    return (files("functions.extract.narrative") / "prompts" / name).read_text(encoding="utf-8")
