"""What a model may say in its own words: one plain sentence, of our words and the capture's names.

The list of words is the rule that carries the others: what addresses a reader,
weakens a guard or passes judgement has no word there, in any language.
"""

import re
from collections.abc import Callable, Iterator

from functions.extract.narrative.prompt import narrative_words
from shared.domain.captures import Capture
from shared.domain.conversation import objects_in, requested_tools, tool_calls
from shared.redaction.text import find

SHORTEST, LONGEST = 12, 200
# So many words in a row are no chance: the sentence is the capture's own.
COPIED_WORDS = 5
_FEWEST_WORDS = 3
_MOST_NAMES = 3
_LONGEST_NAME = 40
_FORM = re.compile(r"[A-Za-z](?:[A-Za-z0-9_.,;'\- ])*")
_TOKEN = re.compile(r"[A-Za-z0-9_'\-]+(?:\.[A-Za-z0-9_\-]+)*")
_WORD = re.compile(r"\w+")
_CLAUSE = re.compile(r"[,;]")
_COMMA = re.compile(r"[,;](?= )")
# What no word is: parts joined by a sign, or a capital within.
_NAME = re.compile(
    r"[A-Za-z][A-Za-z0-9]{0,19}(?:[_.\-][A-Za-z0-9]{1,20}){1,4}|[A-Za-z][a-z0-9]{0,19}(?:[A-Z][a-z0-9]{1,19}){1,4}"
)
_VERDICT = re.compile(
    r"\b(?:no|not|never|nothing|none|neither|nor|nobody|without|zero|cannot|\w+n't)(?: [\w']+){0,3}?"
    r" (?:fail|error|problem|issue|fault|mistake|trouble|violat|wrong|bad|incorrect|mislead|bug|defect)"
    r"|\b(?:tests?|checks?|evaluations?|reviews?|runs?)(?: has| have| had)? passed\b"
    r"|\bas (?:expected|planned|designed|requested|asked|wanted|agreed|promised|required|specified|told)\b"
)


def tidied(text: str) -> str:
    """Take the marks off that models set names in, and the full stop at the end."""
    return " ".join(text.replace("`", "").replace("’", "'").split(" ")).strip().removesuffix(".")


def names_of(capture: Capture) -> frozenset[str]:
    """List what a sentence may name beside words: tools, steps and arguments, by names that no word is."""
    told = {span.name for span in capture.spans}
    told |= {tool for span in capture.spans for tool in requested_tools(span)}
    told |= {key for call in tool_calls(capture.trace) for each in objects_in(call.arguments) for key in each}
    return frozenset(name for name in told if is_name(name))


def is_name(text: str) -> bool:
    """Say whether a text can only be a name."""
    return len(text) <= _LONGEST_NAME and _NAME.fullmatch(text) is not None


def named_in(sentence: str) -> frozenset[str]:
    """List the names in a checked sentence."""
    return frozenset(token for token in _TOKEN.findall(sentence) if is_name(token) and not _is_known(token))


def fault_of(sentence: str, names: frozenset[str]) -> str:
    """Say which rule a tidied sentence breaks first, in a word; empty where it may be said."""
    return next((fault for fault, breaks in _RULES if breaks(sentence, names)), "")


def _is_ill_formed(sentence: str, _: frozenset[str]) -> bool:
    """Say whether it is anything but one line of plain words, with commas between them."""
    if not SHORTEST <= len(sentence) <= LONGEST or not _FORM.fullmatch(sentence):
        return True
    tokens = _TOKEN.findall(sentence)
    return len(tokens) < _FEWEST_WORDS or " ".join(tokens) != _COMMA.sub("", sentence)


def _has_foreign_word(sentence: str, names: frozenset[str]) -> bool:
    return not _unknown(sentence) <= names


def _names_much(sentence: str, _: frozenset[str]) -> bool:
    return len(_unknown(sentence)) > _MOST_NAMES


def _commands(sentence: str, names: frozenset[str]) -> bool:
    """Say whether it, or a part of it behind a comma, begins as commands do: with a bare verb."""
    first = _TOKEN.findall(sentence)[0]
    if first.lower() not in narrative_words().openers and first not in names:
        return True
    return any(_leads_with_verb(clause, names) for clause in _CLAUSE.split(sentence))


def _passes_judgement(sentence: str, _: frozenset[str]) -> bool:
    return _VERDICT.search(" ".join(_TOKEN.findall(sentence.lower()))) is not None


def _is_personal(sentence: str, _: frozenset[str]) -> bool:
    return bool(find(sentence))


# Each asks what the ones before have let through.
_RULES: tuple[tuple[str, Callable[[str, frozenset[str]], bool]], ...] = (
    ("form", _is_ill_formed),
    ("word", _has_foreign_word),
    ("names", _names_much),
    ("command", _commands),
    ("verdict", _passes_judgement),
    ("personal", _is_personal),
)


def _unknown(sentence: str) -> frozenset[str]:
    return frozenset(token for token in _TOKEN.findall(sentence) if not _is_known(token))


def runs_of(sentences: list[str]) -> frozenset[tuple[str, ...]]:
    """List all runs of words that would be copied if a capture had them too."""
    return frozenset(run for sentence in sentences for run in _runs(sentence))


def copied_from(texts: Iterator[str], sentences: list[str]) -> frozenset[str]:
    """Say which sentences repeat a run of words of these texts; the work grows as the texts do."""
    wanted = runs_of(sentences)
    # Joined, for a run may be spread over texts that follow each other.
    words = (word for text in texts for word in _WORD.findall(text.lower()))
    held: list[str] = []
    found: set[tuple[str, ...]] = set()
    for word in words if wanted else ():
        held.append(word)
        if len(held) > COPIED_WORDS:
            del held[0]
        if (run := tuple(held)) in wanted:
            found.add(run)
    return frozenset(one for one in sentences if not found.isdisjoint(_runs(one)))


def _runs(sentence: str) -> list[tuple[str, ...]]:
    words = _WORD.findall(sentence.lower())
    return [tuple(words[at : at + COPIED_WORDS]) for at in range(len(words) - COPIED_WORDS + 1)]


def _leads_with_verb(clause: str, names: frozenset[str]) -> bool:
    words = [word for word in _TOKEN.findall(clause) if word.lower() not in narrative_words().conjunctions]
    return bool(words) and words[0].lower() in narrative_words().verbs and words[0] not in names


def _is_known(token: str) -> bool:
    """Say whether a token is of words of the list, in any form that a verb or a noun takes."""
    parts = token.lower().split("-")
    return "_" not in token and "." not in token and all(_is_word(part) for part in parts)


def _is_word(word: str) -> bool:
    vocabulary = narrative_words()
    return any(
        form in vocabulary.others or form in vocabulary.verbs for form in _forms(word.removesuffix("'s"))
    )


def _forms(word: str) -> Iterator[str]:
    """Yield what a word may be a form of; a form that is no English does no harm."""
    yield word
    yield word.removesuffix("'")
    for ending, endings in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 1:
            stem = word[: -len(ending)]
            yield from (stem + other for other in endings)
            if ending in {"ed", "ing"} and stem[-1] == stem[-2:-1]:
                yield stem[:-1]


_ENDINGS = (
    ("s", ("",)),
    ("es", ("",)),
    ("ies", ("y",)),
    ("d", ("",)),
    ("ed", ("",)),
    ("ied", ("y",)),
    ("ing", ("", "e")),
    ("ly", ("",)),
)
