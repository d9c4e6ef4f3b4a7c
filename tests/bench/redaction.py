"""How well, and how fast, the redactor works: labelled texts, the airline's traces, hostile texts."""

import gzip
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from functions.sanitize.capture import capture_of
from shared.domain.conversation import leaf_texts, objects_in
from shared.domain.json_text import json_in
from shared.domain.signals import SignalRules
from shared.domain.spans import Trace
from shared.redaction import text as redaction
from shared.redaction.policy import Redaction
from shared.redaction.redactor import redact_text, redact_trace
from tests.bench.airline_privacy import KEPT, survivors, text_of, traces_in, truth_of
from tests.bench.pii_set import (
    FOLDS,
    PERSONAL,
    Figures,
    blind_sets,
    figures,
    fold_of,
    load,
    missed,
    name_sentences,
    network_sentences,
)
from tests.conftest import AIRLINE, ROOT, SAMPLES, SHARED

PII = SHARED / "data" / "pii" / "presidio_synth_dev.json"
SALT = b"a salt for measuring, 32 long or more"
_LARGE = 5_000_000
# What takes so many times as long in small would take minutes in large.
_PROBE, _HOPELESS = 50_000, 60
_PASSES, _PEER_ROUNDS = 7, 5
HOSTILE = {
    "digits": "7",
    "single digits": "4 1 ",
    "pairs of digits": "12 34 ",
    "at signs": "@",
    "half addresses": "a@",
    "dots": "a.",
    "colons": "a::",
    "octets": "1.2.3.4.",
    "blanks": " ",
    "quotes": '"a":"',
    "keys": "key=",
    "braces": '{"a":',
    "base64": "QUtJQTEyMzQ1Njc4OTA",
    "placeholders": "<PERSON_1> ",
    "percent": "%41",
    "entities": "&#65;",
    "invisible": "a\u200b",
    "capitals": "Aa ",
    "initials": "A. B ",
    "titles": "Mr. ",
    "units": "Apt 1 ",
    "numbered names": "1 Aa ",
    "birth cues": "born 1 ",
    "private keys": "-----BEGIN PRIVATE KEY-----",
    "token starts": "eyJa.",
    "mixed spellings": "%40&lt;a\u200b\uff11\uff12 ",
    "several placeholders": "<PERSON_1><EMAIL_2> user_",
    "keys without values": '"first_name": ',
    "keys in keys": '\\"dob\\": \\"',
    "greetings": "Dear Aa ",
    "words on lines": "Aa\n",
    "addresses": "https://a:b",
    "hexadecimal": "deadbeef01",
}
# Drawn anew all the time, so that no page is like another.
DRAWN = {
    "drawn digits": "0123456789",
    "drawn digits, blanks": "0123456789   ",
    "drawn digits, marks": "0123456789 .-/+()",
    "drawn letters": "abcdefghij ABCDEFGHIJ",
    "drawn capitals": "Aa Bb Cc. ",
    "drawn addresses": "a1.@:/ ",
    "drawn encodings": "%4162&#;aB0 ",
    "drawn marks": "\"'{}[]:,=<>\\aA1 ",
    "drawn spellings": "a\u200b\uff11\uff12é½ ",
}
# Where the airline's tools tell what must stay.
_KEPT_PLACES = {
    "reservation numbers by place": ("reservation_id", "reservations"),
    "flight numbers by place": ("flight_number",),
    "amounts by place": ("amount", "price"),
}
_SENTENCE = re.compile(r"[A-Z][^.!?\n]{15,300}[.!?]")
_WORD = re.compile(r"(?<!\w)-?\w+(?:\.\d+)?|\w+(?:\.\d+)?")
# Its own recognisers of patterns, without a model of names.
_PEER = """
import json, sys, time
from presidio_analyzer import predefined_recognizers as known
names = "CreditCard Email Iban Ip Phone Url UsSsn UsLicense UsPassport UsBank Date Crypto".split()
recognizers = [getattr(known, name + "Recognizer")() for name in names]
for line in sys.stdin:
    texts = json.loads(line)
    started = time.process_time()
    for text in texts:
        for recognizer in recognizers:
            recognizer.analyze(text, recognizer.supported_entities, None)
    print(time.process_time() - started, flush=True)
"""


class AirlineFigures(NamedTuple):
    """What survives of customers, by kind; and what stood in the traces, and still stands, of their trips."""

    left: Counter[str]
    stood: Counter[str]
    kept: Counter[str]


def airline_figures(traces: Sequence[Trace]) -> AirlineFigures:
    """Look at the whole JSON of each trace's capture; a value counts once in each trace."""
    truth = truth_of(list(traces))
    told = AirlineFigures(Counter(), Counter(), Counter())
    for trace in traces:
        capture = capture_of(trace, rules=SignalRules(), redaction=Redaction(SALT))
        # Texts one by one for what stands in words, and the JSON for what stands in its keys.
        texts = "\n".join([*leaf_texts(capture.model_dump(mode="json")), capture.model_dump_json()])
        told.left.update({kind: len(found) for kind, found in survivors(truth, trace, texts).items()})
        told.left["user ids"] += sum(one in texts for one in _told_under(trace, ("user_id",)))
        words, before = set(_WORD.findall(texts)), text_of(trace)
        for kind, places in _KEPT_PLACES.items():
            values = _told_under(trace, places)
            told.stood[kind] += len(values)
            told.kept[kind] += len(values & words)
        for kind, pattern in KEPT.items():
            values = set(pattern.findall(before))
            told.stood[kind] += len(values)
            told.kept[kind] += len(values & set(pattern.findall(texts)))
    return told


def _told_under(trace: Trace, keys: tuple[str, ...]) -> set[str]:
    """Collect what tools were given or returned under any of these keys, as it is spelled."""
    told: set[str] = set()
    for value in (side for span in trace.spans if span.kind == "tool" for side in (span.input, span.output)):
        parsed = [inner for text in leaf_texts(value) if (inner := json_in(text)) is not None]
        for one in (one for part in (value, *parsed) for one in objects_in(part)):
            for held in map(one.get, keys):
                listed = held if isinstance(held, list) else [held]
                told.update(str(each) for each in listed if isinstance(each, str | int | float))
    return told


def print_redaction() -> None:
    """Print every figure with its count."""
    if PII.exists():
        _print_labelled(load(PII))
    else:
        print(f"{PII.name} is not there: no figures on labelled texts")
    _print_blind_sets()
    _print_own_sets()
    if AIRLINE.exists():
        _print_airline()
    _print_hostile()


def _print_labelled(records: Sequence[dict[str, Any]]) -> None:
    listed, bare_finder = redaction.find, partial(redaction.find, listed=False)
    whole, bare = figures(records, listed), figures(records, bare_finder)
    folds = [figures([one for one in records if fold_of(one) == fold], listed) for fold in range(FOLDS)]
    print(f"labelled texts: {len(records)} of {len({one['template_id'] for one in records})} templates")
    print(f"{'recall by characters':24} values   chars   all    without lists   folds by template")
    for name, told in whole.recall.items():
        spread = [fold.recall[name].share for fold in folds if name in fold.recall]
        share, unlisted = f"{told.share:.3f}", f"{bare.recall[name].share:.3f}"
        print(
            f"  {name:22} {told.values:6} {told.characters:7}  {share}  {unlisted}           "
            f"{min(spread):.3f} to {max(spread):.3f}"
        )
    for label, measure in (
        ("precision", lambda one: one.precision),
        ("F2, personal types", lambda one: one.f2(PERSONAL)),
        ("F2, all types", lambda one: one.f2(one.recall)),
    ):
        _print_line(label, measure, whole, bare, folds)
    print(f"  redacted characters {whole.redacted}, outside every label {whole.outside}")
    print("  the rules were written with all of these templates in view")
    print("  published: Presidio F2 .618 as it comes, .845 at best, all types (presidio-research notebooks);")
    print("  a prototype of rules, held out: F2 .888, PERSON .878, STREET_ADDRESS .831, precision .948")


def _print_line(
    label: str, measure: Callable[[Figures], float], whole: Figures, bare: Figures, folds: list[Figures]
) -> None:
    spread = [measure(fold) for fold in folds]
    told = f"{measure(whole):.3f}  {measure(bare):.3f}"
    print(f"  {label:38}  {told}           {min(spread):.3f} to {max(spread):.3f}")


def _print_blind_sets() -> None:
    """Print the figures on our own labelled texts, now that what was missed has been looked at."""
    told = [figures(records, redaction.find) for records in blind_sets().values()]
    print(
        f"\nown labelled texts, {len(told)} sets, each written without a look at the rules, as found today:"
    )
    for name in PERSONAL:
        recall = [one.recall.get(name) for one in told]
        shares = "   ".join(f"{one.share:.3f} ({one.values})" if one else f"{'none':11}" for one in recall)
        print(f"  {name:20} {shares}")
    print("  precision            " + "         ".join(f"{one.precision:.3f}" for one in told))
    print("  F2                   " + "         ".join(f"{one.f2(PERSONAL):.3f}" for one in told))


def _print_own_sets() -> None:
    print("\nsentences of our own, drawn by a seed:")
    for version in (4, 6):
        told = network_sentences(version)
        print(f"  IPv{version}: {len(told) - len(missed(told, redaction.find))} of {len(told)} found whole")
    named = name_sentences()
    bare = len(missed(named, partial(redaction.find, listed=False)))
    print(
        f"  names in free text: {len(missed(named, redaction.find))} of {len(named)} survive in whole or in "
        f"part; without lists {bare}"
    )


def _print_airline() -> None:
    traces = traces_in(AIRLINE)
    truth = truth_of(traces)
    counted = {name: len(values) for name, values in zip(truth._fields, truth, strict=True)}
    print(f"\nairline traces: {len(traces)}; told by tools: {counted}")
    told = airline_figures(traces)
    print("  survive: " + ", ".join(f"{kind} {count}" for kind, count in told.left.items()))
    for kind, stood in told.stood.items():
        print(f"  kept: {told.kept[kind]} of {stood} {kind}")
    _print_speed(traces)


def _print_speed(traces: Sequence[Trace]) -> None:
    with gzip.open(AIRLINE) as file:
        lines = len(file.read()) / 1e6
    leaves = sum(len(text_of(trace).encode()) for trace in traces) / 1e6
    for label, fresh in (("first pass", True), ("again, texts seen before", False)):
        rounds = [_pass_over(traces, fresh=fresh) for _ in range(_PASSES)]
        taken = sorted(sum(one) for one in rounds)
        middle = [statistics.median(times) for times in zip(*rounds, strict=True)]
        p99 = statistics.quantiles(middle, n=100)[98]
        print(
            f"  redact_trace, {label:26} {lines / statistics.median(taken):6.2f} MB/s of {lines:.1f} MB of "
            f"lines ({lines / taken[-1]:.2f} to {lines / taken[0]:.2f} in {_PASSES} passes), "
            f"{leaves / statistics.median(taken):.2f} MB/s of {leaves:.1f} MB of texts, "
            f"p99 {p99 * 1e3:.0f} ms a trace"
        )
    texts = sorted({text for trace in traces for text in text_of(trace).split("\n")})
    redaction.forget()
    ours = _seconds(lambda: [redaction.find(text) for text in texts])
    characters = sum(map(len, texts)) / 1e6
    print(f"  find, {len(texts)} lines told once: {characters / ours:.2f} MB/s")
    peer = os.environ.get("PRESIDIO_PYTHON", sys.executable)
    sample = texts[:: max(1, len(texts) // 1500)]
    ratios = sorted(_peer_ratios(peer, sample))
    if not ratios:
        print("  Presidio is not installed: PRESIDIO_PYTHON may name an interpreter that has it")
        return
    print(
        f"  {len(sample)} lines, in turn: {statistics.median(ratios):.1f} times the throughput of Presidio's "
        f"pattern recognisers ({ratios[0]:.1f} to {ratios[-1]:.1f} in {len(ratios)} rounds)"
    )


def _pass_over(traces: Sequence[Trace], *, fresh: bool) -> list[float]:
    """Take the time of each trace; a fresh pass knows no text, as a new process does."""
    if fresh:
        redaction.forget()
    return [_seconds(partial(redact_trace, trace, SALT)) for trace in traces]


def _peer_ratios(interpreter: str, texts: list[str]) -> list[float]:
    """Let the peer and us read the same texts in turn, so that both meet the machine as it is."""
    peer = subprocess.Popen(
        [interpreter, "-c", _PEER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    )
    assert peer.stdin
    assert peer.stdout
    ratios = list[float]()
    with peer:
        for _ in range(_PEER_ROUNDS):
            try:
                peer.stdin.write(json.dumps(texts) + "\n")
                peer.stdin.flush()
            except BrokenPipeError:
                return []
            if not (told := peer.stdout.readline()):
                return []
            redaction.forget()
            ratios.append(float(told) / _seconds(lambda: [redaction.find(text) for text in texts]))
    return ratios


def _print_hostile() -> None:
    plain = conversation(_LARGE)
    for label, work in (("find", redaction.find), ("redact_text", redact_text)):
        usual = _of_plain(work, plain)
        print(
            f"\nhostile texts of {_LARGE / 1e6:.0f} MB against plain text, sentences of the sample's "
            f"conversations drawn at random ({_LARGE / 1e6 / usual:.2f} MB/s), {label}:"
        )
        told = [(_ratio(work, partial(_repeated, piece), usual), name) for name, piece in HOSTILE.items()]
        for name, characters in DRAWN.items():
            # These are the slow ones: each is held to plain text that is read next to it.
            told.append((_ratio(work, partial(_drawn, characters), _of_plain(work, plain)), name))
        for ratio, name in sorted(told, reverse=True):
            print(f"  {name:22} {ratio:7.1f} x")


def _of_plain(work: Callable[[str], object], plain: str) -> float:
    redaction.forget()
    return _seconds(partial(work, plain))


def _ratio(work: Callable[[str], object], text_of_size: Callable[[int], str], usual: float) -> float:
    """Say how many times as long a hostile text takes; one that is hopeless is told from a small one."""
    for size in (_PROBE, _LARGE):
        redaction.forget()
        ratio = _seconds(partial(work, text_of_size(size))) / (usual * size / _LARGE)
        if ratio > _HOPELESS:
            return ratio
    return ratio


def conversation(size: int) -> str:
    """Draw plain text: what users and assistants of the sample said, sentence by sentence, by a seed."""
    spans = (json.loads(line)["attributes"] for line in SAMPLES.read_text(encoding="utf-8").splitlines())
    said = {
        text
        for span in spans
        for side in (span.get("input"), span.get("output"))
        for text in leaf_texts(side)
        if json_in(text) is None
    }
    sentences = sorted({sentence for text in said for sentence in _SENTENCE.findall(text)})
    chosen, drawn = random.Random(5), list[str]()
    length = 0
    while length < size:
        drawn.append(chosen.choice(sentences))
        length += len(drawn[-1]) + 1
    return " ".join(drawn)[:size]


def _repeated(piece: str, size: int) -> str:
    return piece * (size // len(piece))


def _drawn(characters: str, size: int) -> str:
    return "".join(random.Random(7).choices(characters, k=size))


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
