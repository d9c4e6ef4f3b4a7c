"""The figures that redaction is held to: on labelled texts, on network addresses, on the airline's traces."""

import sys
from functools import partial
from pathlib import Path

import pytest

from shared.redaction.text import find
from tests.bench.airline_privacy import traces_in, truth_of
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
from tests.bench.redaction import PII, airline_figures

RECALL = {
    "CREDIT_CARD": 1.0,
    "EMAIL_ADDRESS": 1.0,
    "US_SSN": 1.0,
    "IBAN_CODE": 0.97,
    "PHONE_NUMBER": 0.97,
    "PERSON": 0.90,
    "STREET_ADDRESS": 0.87,
}


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


@pytest.fixture(scope="module", params=[1, 2, 3, 4, 5])
def blind(request: pytest.FixtureRequest) -> Figures:
    return figures(blind_sets()[request.param], find)


def test_recall_on_texts_of_our_own(blind: Figures) -> None:
    # In the fifth, Maestro numbers of twelve digits that no word tells of.
    wanted = {
        **RECALL,
        "CREDIT_CARD": 0.98,
        "IP_ADDRESS": 1.0,
        "US_DRIVER_LICENSE": 1.0,
        "PHONE_NUMBER": 0.95,
        "PERSON": 0.88,
    }
    # Not every set has network addresses.
    kinds = [kind for kind in wanted if kind in blind.recall]

    assert set(RECALL) <= set(kinds)
    assert all(blind.recall[kind].values >= 20 for kind in kinds)
    assert {kind: blind.recall[kind] for kind in kinds if blind.recall[kind].share < wanted[kind]} == {}


def test_precision_and_f2_on_texts_of_our_own(blind: Figures) -> None:
    assert blind.texts > 500
    assert blind.precision >= 0.97
    assert blind.f2(PERSONAL) >= 0.94


def test_context_and_form_find_most_names_without_any_list(labelled: Figures) -> None:
    bare = figures(load(PII), partial(find, listed=False))

    assert 0.7 < bare.recall["PERSON"].share < labelled.recall["PERSON"].share


@pytest.mark.parametrize("version", [4, 6])
def test_every_network_address_is_found(version: int) -> None:
    told = network_sentences(version)

    assert len({one.text for one in told}) > 490
    assert missed(told, find) == []


def test_most_names_that_no_field_tells_are_found_in_free_text(capsys: pytest.CaptureFixture[str]) -> None:
    told = name_sentences()
    survive = missed(told, find)
    with capsys.disabled():
        sys.stdout.write(f"\n{len(survive)} of {len(told)} names in free text survive in whole or in part\n")

    assert len({one.text for one in told}) == 200
    assert len(survive) < len(told) / 2


def test_no_customer_of_the_airline_survives_and_their_trips_do(airline: Path) -> None:
    traces = traces_in(airline)
    assert min(map(len, truth_of(traces))) > 30

    told = airline_figures(traces)

    assert told.left.total() == 0, told.left
    assert min(told.stood.values()) > 500
    assert all(told.kept[kind] >= 0.99 * stood for kind, stood in told.stood.items()), told
