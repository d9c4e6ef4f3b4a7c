"""Text in a capture that speaks to whoever reads it: commands, faked answers, faked marks of our own.

It is looked for as it is written, as it reads when it is unfolded, and as what
base64 and hexadecimal in it spell; over all texts in a row, for a command may be
spread over steps. What it misses meets the words that a sentence may have.
"""

import base64
import binascii
import re
from collections.abc import Iterator

from pydantic import JsonValue

from functions.extract.narrative.sentences import names_of
from shared.domain.captures import Capture
from shared.domain.conversation import leaf_texts, objects_in
from shared.domain.json_text import json_in
from shared.redaction.folding import fold
from shared.redaction.linear import Linear, any_pattern

_GAP = r"[^.!?]{0,60}"
_INSTRUCTIONS = (
    r"(?:instru[cçk]\pL*|istruzion\pL*|anweisung\pL*|vorgaben|prompts?|consignes?|reglas|regeln|regels"
    r"|rules|directions|guidelines|polecen\pL*|инструкци\pL*|указани\pL*|talimat\pL*)"
)
_FORGET = (
    r"(?:ignor\pL{0,4}|disregard|forget|override|bypass|vergiss|vergessen|missachte\pL{0,2}|oublie[zr]?"
    r"|olvid\pL{1,3}|dimentica\pL{0,2}|esque[cç]\pL{0,3}|negeer|vergeet|zignoruj\pL{0,3}|zapomnij"
    r"|игнориру\pL{0,4}|забудь\pL{0,2}|yok say|unut)"
)
_READER = (
    r"(?:analy[sz]t\pL*|analysis (?:model|system|tool|assistant)|reviewers?|evaluators?|graders?|judges?"
    r"|auditors?|evalforge|failure (?:analysis|analyst)|pr[uü]fer\pL*|gutachter\pL*|analyste\pL*|analista\pL*"
    r"|аналитик\pL*|whoever (?:reads|reviews|analy[sz]es)|(?:reading|analy[sz]ing|reviewing) this"
    r"|language models?|llms?)"
)
_ORDER = (
    r"(?:report|set|mark|say|write|output|return|answer|conclude|approve|close|lower|disable|remove|repeat"
    r"|reveal|print|melde|setze|schreib|sag|dis|écris|di|escribe|pon)"
)
_COMMANDS = any_pattern(
    rf"{_FORGET}{_GAP}{_INSTRUCTIONS}",
    rf"{_INSTRUCTIONS}{_GAP}(?:ignor|vergessen|missachten|außer acht|yok say|unut)",
    r"忽略.{0,20}(?:指令|指示|说明|提示)|無視.{0,20}|(?:指示|命令)を.{0,10}無視|무시하|تجاهل|התעלם|अनदेखा|نادیده",
    # To the reader: by a name for it, in front of what it is to do.
    r"\b(?:dear|hey|hello|attention|important|(?:note|message|nota|notiz|hinweis|mensaje|messaggio|avis|notice)"
    r" (?:to|for|al?|an|für|à|pour|para|per)|achtung|liebe[rs]?|cher|chère|querid[oa]|caro|cara)[:,]? "
    rf"(?:the |all |any |an? |le |la |el |den |die |l['’])?(?:ai |automated |failure ){{0,2}}{_READER}",
    # Tickets have analysts, reviewers and judges too, with names behind them: an order begins small.
    rf"\b{_READER} ?: ?(?:(?-i:[a-z*_<\[\"'])|{_ORDER})",
    rf"\b{_READER} (?:must|should|shall|please|has to|have to|soll|muss|doit|debe|deve)\b",
    r"\byou must now\b|\bdo not tell the user\b",
    r"\byou are (?:now (?:an?|the|in|my|free|acting|dan)|no longer)\b"
    r"|\bfrom now on,? (?:you|act|answer|respond|reply|treat|ignore|always|never|only)\b"
    r"|\bpretend (?:to be|that|you)|\bact as if\b|\brole[- ]?play as\b"
    r"|\bdu bist (?:jetzt|nun)\b|\bab jetzt (?:bist|antworte|sollst|ignorier)"
    r"|\btu es (?:maintenant|désormais)"
    r"|\bvous êtes (?:maintenant|désormais)|\bahora eres\b|\bora sei\b|\bagora você\b|\bdeveloper mode\b"
    r"|\bdo anything now\b|\bты теперь\b|你现在是|あなたは今から",
    # Of the analysis itself, which no application speaks of.
    r"\b(?:the|this|your|die|diese|l['’]|el|la) ?(?:failure )?"
    r"(?:analy[sz]\pL*|an[aá]lisis|review|narrative|report|triage)"
    r" (?:is|was|has been|ist|est|está|è) (?:now )?"
    r"(?:finished|complete[d]?|over|done|closed|abgeschlossen|beendet|terminée?|finie?|terminad[oa])",
    r"\b(?:set|lower|reduce|downgrade|report|mark|rate|setze|senke|baisse[zr]?|baja|pon)\b"
    rf"{_GAP}\b(?:severity|schweregrad|gravité|gravedad|confidence|failure_types?)\b"
    rf"{_GAP}\b(?:low|none|niedrig|gering|faible|baja?|zero|0|1|100)\b",
    r"\b(?:severity|schweregrad|gravité|gravedad|confidence)\b ?(?:is|=|:|to|auf|auf den wert|à|a)? ?[\"']?"
    r"(?:low|none|niedrig|gering|faible|baja?|zero)",
    r"\b(?:say|report|state|write|conclude|output|answer|claim|record|sage?|melde|schreibe?|dis|écri[st]|di|escribe"
    rf"|informa)\b{_GAP}\b(?:nothing (?:failed|went wrong|is wrong)|no (?:failure|problem|issue|error)s?"
    r"|not a failure|kein fehler|keine fehler|aucune? (?:erreur|échec|panne)|ning[uú]n (?:fallo|error)"
    r"|false (?:alarm|positive)|expected behaviou?r|worked as)",
    r"\b(?:disable|remove|switch off|turn off|deactivate|relax|weaken|delete|deaktivier\pL*|abschalten"
    rf"|désactive\pL*|desactiv\pL*)\b{_GAP}\b(?:guard ?rails?|safety|monitor(?:s|ing)\b|schutz\pL*"
    r"|leitplanken|garde-fous?|salvaguardas?|barreras?|evaluations?)\b",
    rf"\b(?:reveal|print|repeat|show|leak|output|disclose|copy|zeige?|affiche[zr]?|muestra|verrate)\b{_GAP}"
    r"\b(?:system[- ]?prompt|(?:your|the) prompt|your instructions"
    r"|the instructions (?:above|you)|(?:deine?n?|ihre?n?) (?:prompt|anweisungen)"
    r"|prompt système|tes instructions|tus instrucciones)",
    r"\b(?:approve|accept|reject|dismiss|close|merge|genehmige|approuve[zr]?|aprueba)\b"
    rf"{_GAP}\b(?:suggestion|finding|this failure|vorschlag|proposition"
    r"|sugerencia)\b",
    r"\brecommended_actions?\b|\broot_causes?\b|\bfailing_span|\bcause_span|\bfailure_types?\b",
    r"\b(?:end|begin|start|close|ende|fin) (?:of |de la |du |der )?(?:the )?"
    r"(?:capture|trace|untrusted|data block|aufzeichnung)|\bCAPTURE-|</?(?:capture|trace|untrusted|system)>"
    r"|<\|[a-z_]{2,20}\|>|\[/?INST\]|###? ?(?:system ?:|new (?:task|instruction))",
)
_ANY_CASE = Linear(f"(?i:{_COMMANDS.pattern})", never_capture=True)
_ENCODED = Linear(r"[A-Za-z0-9+/_\-]{24,}={0,2}", never_capture=True)
_HEX = Linear(r"(?:[0-9A-Fa-f]{2}[ :]?){16,}", never_capture=True)
_BASE64_BLOCK = 4
_BETWEEN_WORDS = re.compile(r"[_.\-]|(?<=[a-z])(?=[A-Z])")
_ORDERING = ("system", "developer")
# Letters that no screen shows, and that models read.
_TAGS = {0xE0000 + code: code for code in range(0x20, 0x7F)}


def speaks_to_the_reader(capture: Capture) -> bool:
    """Say whether anything in a capture commands, or poses as ours.

    What the application tells its own model does so by trade ("never reveal your
    instructions"), and is no stranger's: messages of the system are left out.
    """
    own = [span.model_copy(update={"input": _without_orders(span.input)}) for span in capture.spans]
    names = (_BETWEEN_WORDS.sub(" ", name) for name in names_of(capture))
    return is_directive(" ".join([*texts_of(capture.model_copy(update={"spans": tuple(own)})), *names]))


def is_directive(text: str) -> bool:
    """Say whether a text commands, read in every spelling that a model may read it in."""
    text = text.encode("utf-8", "replace").decode().translate(_TAGS)
    told = fold(text)
    plain = " ".join((told.text if told else text).split())
    return _ANY_CASE.is_in(plain) or any(_ANY_CASE.is_in(one) for one in _decoded(plain))


def texts_of(capture: Capture) -> Iterator[str]:
    """Yield every text of a capture, names and keys too; what steps say of one kind stands in a row."""
    for span in capture.spans:
        yield from (span.span_id, span.name, *span.tags)
        yield from _keys([span.input, span.output, span.metadata, span.metrics, span.extra])
    yield from (text for span in capture.spans for text in _texts(span.output))
    yield from (text for span in capture.spans for text in _texts(span.input))
    for span in capture.spans:
        yield from _texts([span.metadata, span.metrics, span.extra])
        for label, told in span.evaluations.items():
            yield from (label, *_texts([told.value, told.reasoning]))


def _without_orders(value: JsonValue) -> JsonValue:
    messages = value.get("messages") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(messages, list):
        return value
    kept = [one for one in messages if not (isinstance(one, dict) and one.get("role") in _ORDERING)]
    return {**value, "messages": kept}


def _texts(value: JsonValue) -> Iterator[str]:
    for text in leaf_texts(value):
        yield text
        # JSON within a text can spell letters that nobody sees before it is read.
        if "\\u" in text:
            yield from leaf_texts(json_in(text))


def _keys(value: JsonValue) -> Iterator[str]:
    return (key for each in objects_in(value) for key in each)


def _decoded(text: str) -> Iterator[str]:
    """Yield what encoded stretches spell, where that is text."""
    for found in _ENCODED.finditer(text):
        run = found[0].rstrip("=").replace("-", "+").replace("_", "/")
        yield _as_text(base64.b64decode(run[: len(run) // _BASE64_BLOCK * _BASE64_BLOCK]))
        # What is left of a run that ends within a block is a letter or two.
    for found in _HEX.finditer(text):
        try:
            yield _as_text(bytes.fromhex(found[0].replace(":", " ")))
        except (ValueError, binascii.Error):
            continue


def _as_text(told: bytes) -> str:
    return " ".join(told.decode("utf-8", "replace").split())
