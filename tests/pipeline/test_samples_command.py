"""`evalforge samples` as it is called: made-up traces out, which `evalforge run` takes."""

import json
from pathlib import Path

import pytest
import yaml

from functions.local.sampling.scenarios import SCENARIOS
from functions.local.sampling.world import CARDS
from tests.pipeline.command import evalforge

EACH = 2 * len(SCENARIOS)


def test_samples_go_through_the_whole_loop(tmp_path: Path) -> None:
    path, store = tmp_path / "samples.jsonl", tmp_path / "store.db"

    made = evalforge("samples", "--count", str(EACH), "--seed", "7", "--output", path)
    ran = evalforge("run", path, "--json", "--store", store)

    assert (made.code, made.out) == (0, ""), made.err
    assert made.err.startswith(f"{path}: {len(SCENARIOS)} failing traces (hallucination 1, wrong_tool 1, ")
    assert made.err.endswith(f") and {len(SCENARIOS)} healthy\n")
    assert (ran.code, ran.err) == (0, "")
    assert (ran.json["captures"], ran.json["healthy"]) == (len(SCENARIOS), len(SCENARIOS))
    assert ran.json["dead_letters"] == 0
    assert {one["failure_type"] for one in ran.json["suggestions"]} == set(SCENARIOS)
    kept = evalforge("list", "captures", "--json", "--store", store).out
    text = path.read_text()
    for raw in ("@example.", "555-01", "Bearer ", "203.0.113."):
        assert raw not in kept
        assert raw in text, "the samples have it, or this test could not fail"
    assert [card for card in CARDS if card in kept] == []
    assert any(card in text for card in CARDS)


def test_standard_output_has_what_a_file_would_have(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    evalforge("samples", "--count", "5", "--seed", "3", "--output", path)

    once, again = (evalforge("samples", "--count", "5", "--seed", "3") for _ in range(2))

    assert once == again
    assert (once.code, once.err) == (0, "")
    assert once.out == path.read_text()
    assert evalforge("samples", "--count", "5", "--seed", "4").out != once.out
    assert list(tmp_path.iterdir()) == [path]


def test_samples_as_yaml_are_those_of_json_and_bear_the_name_that_was_told() -> None:
    call = ("samples", "--count", "4", "--ml-app", "my-shop")
    lines = [json.loads(line) for line in evalforge(*call).out.splitlines()]

    told = evalforge(*call, "--format", "yaml")

    assert yaml.safe_load(told.out) == lines
    assert {line["attributes"]["ml_app"] for line in lines} == {"my-shop"}
    assert "# wrong_tool\n" in told.out


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("--count", "0"), "--count"),
        ((), "--count"),
        (("--count", "2", "--format", "csv"), "--format"),
        (("--count", "2", "--upload"), "--upload needs --ml-app"),
        (("--count", "2", "--site", "datadoghq.eu"), "--site is for --upload"),
        (("--count", "2", "--ml-app", "My App"), "lowercase"),
        (("--count", "2", "--ml-app", "a__b"), "lowercase"),
        (("--count", "2", "--ml-app", "x" * 194), "lowercase"),
        (("--count", "2", "--upload", "--ml-app", "a"), "--upload needs DATADOG_API_KEY"),
        (("--count", "2", "--upload", "--ml-app", "a", "--site", "example.com"), "DATADOG_SITE"),
    ],
)
def test_what_cannot_be_done_is_told_with_what_to_mend(
    call: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    ended = evalforge("samples", *call, cwd=tmp_path)

    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


def test_an_upload_asks_nothing_of_the_backend(tmp_path: Path) -> None:
    ended = evalforge(
        "samples", "--count", "2", "--upload", "--ml-app", "a", cwd=tmp_path, EVALFORGE_BACKEND="cloud"
    )

    assert "DATADOG_API_KEY" in ended.err
    assert "GOOGLE_CLOUD_PROJECT" not in ended.err


@pytest.mark.parametrize("key", ["schlüssel", "a key", "key\n2"])
def test_a_key_that_was_pasted_wrongly_is_named_and_not_shown(key: str, tmp_path: Path) -> None:
    ended = evalforge(
        "samples", "--count", "2", "--upload", "--ml-app", "a", cwd=tmp_path, DATADOG_API_KEY=key
    )

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: DATADOG_API_KEY has characters")
    assert key not in ended.err


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    ended = evalforge("samples", "--count", "2", "--output", tmp_path / "missing" / "x.jsonl")

    assert ended.code == 1
    assert "missing/x.jsonl cannot be written: No such file or directory" in ended.err
