"""The figures that redaction is held to: on labelled texts, on network addresses, on the airline's traces."""

import ipaddress
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from shared.redaction.redactor import redact_trace
from shared.redaction.text import find
from tests.bench.airline_privacy import KEPT, survivors, text_of, traces_in, truth_of
from tests.bench.pii_set import FOLDS, PERSONAL, Figures, figures, fold_of, load
from tests.conftest import SHARED
from tests.unit.build import SALT

PII = SHARED / "data" / "pii" / "presidio_synth_dev.json"
RECALL = {
    "CREDIT_CARD": 1.0,
    "EMAIL_ADDRESS": 1.0,
    "US_SSN": 1.0,
    "IBAN_CODE": 0.97,
    "PHONE_NUMBER": 0.97,
    "PERSON": 0.90,
    "STREET_ADDRESS": 0.87,
}
FRAMES = (
    "the request came from {} at noon",
    "Blocked {}.",
    "({})",
    "host={}, port=443",
    "{}",
    "from {}, then again",
    '{{"peer": "{}"}}',
    "Is {} yours?",
)


@pytest.fixture(scope="module")
def labelled() -> Figures:
    if not PII.exists():
        pytest.skip("the shared data is not beside the project; name its folder in EVALFORGE_SHARED")
    return figures(load(PII), find)


@pytest.mark.parametrize(("kind", "least"), RECALL.items())
def test_recall_on_labelled_texts(labelled: Figures, kind: str, least: float) -> None:
    assert labelled.recall[kind].values > 5
    assert labelled.recall[kind].share >= least


def test_precision_and_f2_on_labelled_texts(labelled: Figures) -> None:
    assert labelled.texts > 500
    assert labelled.precision >= 0.93
    assert labelled.f2(PERSONAL) >= 0.90


@pytest.mark.parametrize("fold", range(FOLDS))
def test_no_fold_of_templates_is_left_behind(labelled: Figures, fold: int) -> None:
    part = figures([one for one in load(PII) if fold_of(one) == fold], find)

    assert part.texts > 50
    assert part.precision >= 0.93
    assert part.f2(PERSONAL) >= 0.90


def test_context_and_form_find_most_names_without_any_list(labelled: Figures) -> None:
    bare = figures(load(PII), partial(find, listed=False))

    assert 0.7 < bare.recall["PERSON"].share < labelled.recall["PERSON"].share


@pytest.mark.parametrize("make", [ipaddress.IPv4Address, ipaddress.IPv6Address])
def test_every_network_address_is_found(
    make: Callable[[int], ipaddress.IPv4Address | ipaddress.IPv6Address],
) -> None:
    drawn = random.Random(11)
    missed = []
    for number in range(500):
        address = make(drawn.getrandbits(make(0).max_prefixlen))
        spelled = drawn.choice([str(address), address.exploded, str(address).upper()])
        text = FRAMES[number % len(FRAMES)].format(spelled)
        start = text.index(spelled)
        if not any(one.start <= start and one.end >= start + len(spelled) for one in find(text)):
            missed.append(text)

    assert missed == []


def test_no_customer_of_the_airline_survives_and_their_trips_do(airline: Path) -> None:
    traces = traces_in(airline)
    truth = truth_of(traces)
    assert min(map(len, truth)) > 30
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

    assert left.total() == 0, left
    assert min(total.values()) > 500
    assert all(kept[kind] >= 0.99 * total[kind] for kind in total), (kept, total)
