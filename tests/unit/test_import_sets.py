"""No function loads at its start what it does not use: each looked at in a process of its own."""

import pytest

from shared.topology import FUNCTIONS, Function
from tests.import_sets import ASKING, LOADED_BY_EVENTS, POSTING, SERVING, deployed, loaded_by, starting

each_function = pytest.mark.parametrize("function", FUNCTIONS, ids=[function.name for function in FUNCTIONS])


@each_function
def test_a_function_starts_with_no_more_than_it_needs(function: Function) -> None:
    assert loaded_by(starting(function), deployed(function)) == SERVING


def test_deliver_loads_what_posts_where_slack_is_set() -> None:
    deliver = next(function for function in FUNCTIONS if "SLACK_WEBHOOK_URL" in function.secrets)
    slack = {"SLACK_WEBHOOK_URL": "https://hooks.slack.invalid/made/up"}

    assert loaded_by(starting(deliver), deployed(deliver) | slack) == SERVING | POSTING


@pytest.mark.parametrize(
    ("told", "loads"),
    [
        ({}, ASKING),
        ({"ASK_MODEL": "false"}, frozenset[str]()),
        (
            {"EVALFORGE_BACKEND": "emulator", "FIRESTORE_EMULATOR_HOST": "x", "PUBSUB_EMULATOR_HOST": "x"},
            None,
        ),
    ],
    ids=["deployed", "told not to", "on the emulators"],
)
def test_extract_loads_what_asks_models_where_one_is_asked(
    told: dict[str, str], loads: frozenset[str] | None
) -> None:
    """With its first event it makes what asks; with no model, nothing more than before."""
    (extract,) = (function for function in FUNCTIONS if function.asks_models)
    code = starting(extract) + f"functions.{extract.name}.main.narrator_of(wiring.current())\n"

    assert loaded_by(code, deployed(extract) | told) == SERVING | (loads or frozenset())


@each_function
def test_those_that_publish_and_no_others_may_load_what_publishes(function: Function) -> None:
    assert ("google.cloud.pubsub_v1" in LOADED_BY_EVENTS[function.name]) == bool(function.publishes)


def test_the_look_sees_what_was_loaded() -> None:
    assert loaded_by("import functions_framework, sqlite3\n", {}) == {"click", "flask", "sqlite3"}
