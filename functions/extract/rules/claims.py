"""Answers that claim that something was done which a tool failed to do."""

import re
from collections.abc import Iterator

from functions.extract.error_types import said_of_error
from functions.extract.rules.finding import LONGEST_QUOTE, Finding
from functions.extract.rules.view import CaptureView
from shared.domain.conversation import ToolCall, leaf_texts
from shared.domain.courses import is_reading
from shared.domain.spans import Span
from shared.domain.taxonomy import FailureType

_LONGEST_SAID = 20_000
_MOST_WORDS = 60
_MOST_CALLS = 20
# Between the word that claims and the deed stand few words: "I have just successfully cancelled".
_REACH = 4
_SENTENCE = re.compile(r"[^.!?\n;]{4,600}")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]{1,3})?")


def _words(spelled: str) -> frozenset[str]:
    return frozenset(spelled.split())


# The deeds that tools are named for, as they are told when they are done: the beginnings of words in
# English, German, French and Spanish. Tools that are named otherwise are spelled by rule, in English.
_DONE: dict[str, tuple[str, ...]] = {
    "add": ("added", "hinzugefügt", "ajouté", "añadid", "agregad"),
    "apply": ("applied", "angewendet", "angewandt", "appliqué", "aplicad"),
    "book": ("booked", "gebucht", "réservé", "reservad"),
    "buy": ("bought", "purchased", "gekauft", "acheté", "comprad"),
    "cancel": ("cancelled", "canceled", "storniert", "gekündigt", "annulé", "cancelad", "anulad"),
    "change": ("changed", "geändert", "modifié", "cambiad"),
    "create": ("created", "opened", "erstellt", "angelegt", "créé", "cread"),
    "delete": ("deleted", "removed", "gelöscht", "supprimé", "eliminad", "borrad"),
    "exchange": ("exchanged", "umgetauscht", "échangé", "cambiad"),
    "issue": ("issued", "ausgestellt", "émis", "emitid"),
    "make": ("made", "gemacht", "fait", "hech"),
    "modify": ("modified", "changed", "geändert", "modifié", "modificad"),
    "open": ("opened", "created", "eröffnet", "ouvert", "abiert"),
    "order": ("ordered", "bestellt", "commandé", "pedid"),
    "pay": ("paid", "bezahlt", "payé", "pagad"),
    "place": ("placed", "aufgegeben", "passé", "realizad"),
    "refund": ("refunded", "erstattet", "remboursé", "reembolsad"),
    "remove": ("removed", "deleted", "entfernt", "supprimé", "retiré", "eliminad"),
    "reset": ("reset", "zurückgesetzt", "réinitialisé", "restablecid"),
    "return": ("returned", "zurückgeschickt", "retourné", "devuelt"),
    "schedule": ("scheduled", "geplant", "terminiert", "planifié", "programmad"),
    "send": ("sent", "gesendet", "geschickt", "verschickt", "envoyé", "enviad"),
    "submit": ("submitted", "eingereicht", "soumis", "enviad"),
    "transfer": ("transferred", "überwiesen", "übertragen", "transféré", "transferid"),
    "update": ("updated", "changed", "aktualisiert", "geändert", "mis à jour", "actualizad"),
    "upgrade": ("upgraded", "hochgestuft", "surclassé", "mejorad"),
}
_CLAIMS = _words(
    "successfully been i've we've have has had am is are now ich habe haben wurde wurden wird ist erfolgreich"
    " ai avons été est sont hemos ha han sido está"
)
# A sentence with one of these promises, denies or asks.
_OPEN = _words(
    "not no n't never cannot can't couldn't wasn't isn't hasn't haven't won't didn't don't unable failed fail"
    " fails error unfortunately sorry if once when before until after will would could can may might should"
    " shall must need needs to be please try issue problem unless yet still only nicht kein keine leider"
    " konnte kann wenn sobald falls werden würde soll bitte ne pas aucun malheureusement si quand lorsque"
    " pourrait peut sera serait no pudo puede cuando será sería lamentablemente already bereits déjà ya"
    " previously earlier"
)
_NAME_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def claimed_success(view: CaptureView) -> Finding | None:
    """Blame the step that tells the user that a deed is done whose tool failed and never did it."""
    failed = [call for call in view.calls if call.failed]
    done = {deed for call in view.calls if not call.failed for deed in _deeds(call.name)} if failed else set()
    for call in failed[:_MOST_CALLS]:
        if is_reading(call.name) or not (deeds := _deeds(call.name)) or not done.isdisjoint(deeds):
            continue
        if _was_needless(call, deeds):
            continue
        for span, said in _said_after(view, call):
            if claim := _claim(said, deeds):
                return Finding(
                    rule="claimed_success",
                    failure_type=FailureType.HALLUCINATION,
                    span_id=span.span_id,
                    cause_span_id=call.span.span_id,
                    reason=f"the application says that {call.name} has succeeded, which failed",
                    quote=claim[:LONGEST_QUOTE],
                    stable=call.name,
                )
    return None


def _deeds(tool: str) -> tuple[str, ...]:
    """List how a tool's verb is spelled when it is done."""
    words = [word.lower() for word in _NAME_WORD.findall(tool[:80])]
    verb = next((word for word in words if word in _DONE), words[0] if words else "")
    if verb in _DONE:
        return _DONE[verb]
    if len(verb) <= 2:  # noqa: PLR2004 - no verb that is worth a guess
        return ()
    stem = verb[:-1] if verb.endswith("e") else f"{verb[:-1]}i" if verb.endswith("y") else verb
    return (f"{stem}ed",)


def _was_needless(call: ToolCall, deeds: tuple[str, ...]) -> bool:
    """Say whether the error tells that the deed had been done before."""
    error = said_of_error(call.span)[:_LONGEST_SAID].lower()
    return "already" in error or any(deed in error for deed in deeds)


def _said_after(view: CaptureView, call: ToolCall) -> Iterator[tuple[Span, str]]:
    """Yield what models said after a call, and the answer."""
    place = view.places[call.span.span_id]
    for span in view.models:
        if view.places[span.span_id] > place and isinstance(span.output, dict):
            yield from ((span, text) for text in leaf_texts(span.output) if " " in text)
    if view.answering is not None:
        yield view.answering, view.answer


def _claim(said: str, deeds: tuple[str, ...]) -> str | None:
    """Find the sentence that claims the deed without an if or a but."""
    for found in _SENTENCE.finditer(said[:_LONGEST_SAID]):
        sentence = found[0].strip()
        asks = said[found.end() : found.end() + 1] == "?"
        words = [word.lower().replace("’", "'") for word in _WORD.findall(sentence)[:_MOST_WORDS]]
        if asks or not _OPEN.isdisjoint(words) or any(word.endswith("n't") for word in words):
            continue
        for at, word in enumerate(words):
            if word.startswith(deeds) and not _CLAIMS.isdisjoint(words[max(0, at - _REACH) : at]):
                return sentence
    return None
