"""How well, and how fast, the redactor works: labelled texts, the airline's traces, hostile texts."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from shared.redaction import text as redaction
from shared.redaction.redactor import redact_trace
from tests.bench.airline_privacy import KEPT, survivors, text_of, traces_in, truth_of
from tests.bench.pii_set import FOLDS, PERSONAL, Figures, figures, fold_of, load
from tests.conftest import AIRLINE, ROOT, SHARED

PII = SHARED / "data" / "pii" / "presidio_synth_dev.json"
SALT = b"a salt for measuring, 32 long or more"
_LARGE = 5_000_000
_PLAIN = (
    "The customer wrote that the parcel had not come, and asked whether the order could be sent again; "
    "we looked at it, found nothing wrong, and told the warehouse to look once more. "
)
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
}
# Its own recognisers of patterns, without a model of names.
_PEER = """
import json, sys, time
from presidio_analyzer import predefined_recognizers as known
names = "CreditCard Email Iban Ip Phone Url UsSsn UsLicense UsPassport UsBank Date Crypto".split()
recognizers = [getattr(known, name + "Recognizer")() for name in names]
texts = json.load(sys.stdin)
started = time.process_time()
for text in texts:
    for recognizer in recognizers:
        recognizer.analyze(text, recognizer.supported_entities, None)
print(time.process_time() - started)
"""


def print_redaction() -> None:
    """Print every figure with its count."""
    if PII.exists():
        _print_labelled(load(PII))
    else:
        print(f"{PII.name} is not there: no figures on labelled texts")
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
    print("  published: Presidio F2 .618 as it comes, .845 at best, all types (presidio-research notebooks);")
    print("  a prototype of rules, held out: F2 .888, PERSON .878, STREET_ADDRESS .831, precision .948")


def _print_line(
    label: str, measure: Callable[[Figures], float], whole: Figures, bare: Figures, folds: list[Figures]
) -> None:
    spread = [measure(fold) for fold in folds]
    told = f"{measure(whole):.3f}  {measure(bare):.3f}"
    print(f"  {label:38}  {told}           {min(spread):.3f} to {max(spread):.3f}")


def _print_airline() -> None:
    traces = traces_in(AIRLINE)
    truth = truth_of(traces)
    counted = {name: len(values) for name, values in zip(truth._fields, truth, strict=True)}
    print(f"\nairline traces: {len(traces)}; told by tools: {counted}")
    left: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for trace in traces:
        before, after = text_of(trace), text_of(redact_trace(trace, SALT).trace)
        left.update({kind: len(found) for kind, found in survivors(truth, trace, after).items()})
        for kind, pattern in KEPT.items():
            stood = set(pattern.findall(before))
            total[kind] += len(stood)
            kept[kind] += len(stood & set(pattern.findall(after)))
    print("  survive: " + ", ".join(f"{kind} {count}" for kind, count in left.items()))
    print("  kept: " + ", ".join(f"{kind} {kept[kind]} of {total[kind]}" for kind in total))
    _print_speed(traces)


def _print_speed(traces: Sequence[Any]) -> None:
    size = sum(len(trace.model_dump_json()) for trace in traces) / 1e6
    redaction.forget()
    for label in ("first pass", "again, texts seen before"):
        taken = [_seconds(partial(redact_trace, trace, SALT)) for trace in traces]
        p99 = statistics.quantiles(taken, n=100)[98]
        print(f"  redact_trace, {label:26} {size / sum(taken):6.2f} MB/s, p99 {p99 * 1e3:.0f} ms a trace")
    texts = sorted({text for trace in traces for text in text_of(trace).split("\n")})
    redaction.forget()
    ours = _seconds(lambda: [redaction.find(text) for text in texts])
    characters = sum(map(len, texts)) / 1e6
    print(f"  find, {len(texts)} lines told once: {characters / ours:.2f} MB/s")
    peer = os.environ.get("PRESIDIO_PYTHON", sys.executable)
    sample = texts[:: max(1, len(texts) // 1500)]
    told = _peer_seconds(peer, sample)
    if told is None:
        print("  Presidio is not installed: PRESIDIO_PYTHON may name an interpreter that has it")
        return
    redaction.forget()
    ours = _seconds(lambda: [redaction.find(text) for text in sample])
    print(f"  {len(sample)} lines: {told / ours:.1f} times the throughput of Presidio's pattern recognisers")


def _peer_seconds(interpreter: str, texts: list[str]) -> float | None:
    ended = subprocess.run(
        [interpreter, "-c", _PEER],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    return float(ended.stdout) if ended.returncode == 0 else None


def _print_hostile() -> None:
    plain = _seconds(lambda: redaction.find(_sized(_PLAIN)))
    print(f"\nhostile texts of {_LARGE / 1e6:.0f} MB against plain text ({_LARGE / 1e6 / plain:.1f} MB/s):")
    ratios = {
        name: _seconds(partial(redaction.find, _sized(piece))) / plain for name, piece in HOSTILE.items()
    }
    for name, ratio in sorted(ratios.items(), key=lambda one: -one[1]):
        print(f"  {name:18} {ratio:6.1f} x")


def _sized(piece: str) -> str:
    return piece * (_LARGE // len(piece))


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
