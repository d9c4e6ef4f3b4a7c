"""Made-up traces: what they show, that a seed is all they hang on, and in which form they are sent."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from functions.local.sampling import formats
from functions.local.sampling import upload as uploading
from functions.local.sampling.formats import Format, OutputError, spelled, write_whole
from functions.local.sampling.scenarios import SCENARIOS
from functions.local.sampling.traces import MOMENT, Sample, samples
from functions.local.sampling.upload import (
    EVALUATIONS_PATH,
    MOST_BYTES,
    MOST_ITEMS,
    SPANS_PATH,
    Intake,
    Sent,
    upload,
)
from functions.local.sampling.world import CARDS, MAIL_HOSTS, NETWORKS
from shared.domain.conversation import tool_calls, user_turns
from shared.domain.signals import SignalRules, signals_of, was_evaluated
from shared.domain.span_shapes import parse_span
from shared.domain.spans import Trace
from shared.domain.taxonomy import FailureType, by_precedence, type_of_label
from shared.redaction.redactor import safe_id
from tests.properties import examples

RULES = SignalRules()
EACH = 2 * len(SCENARIOS)
UNSHOWN = {FailureType.UNKNOWN}
_DATED = re.compile(
    r"\d{4}-\d\d-\d\d|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, [A-Z][a-z]+ \d{1,2}|call_[0-9a-f]{14}"
)


def trace_of(sample: Sample) -> Trace:
    spans = [parse_span(item) for item in sample.spans]
    return Trace.of(spans[0].trace_id, spans)


def attributes(sample: Sample) -> list[dict[str, Any]]:
    return [item["attributes"] for item in sample.spans]  # type: ignore[misc]


def ended(span: dict[str, Any]) -> int:
    return int(span["start_ns"]) + int(span["duration"])


def text_of(made: Iterable[Sample]) -> str:
    return b"".join(spelled(made, Format.JSON)).decode()


def test_every_type_that_is_known_is_shown() -> None:
    assert set(SCENARIOS) == set(FailureType) - UNSHOWN


@examples(25)
@given(st.integers(min_value=0))
def test_a_failing_trace_fails_as_it_was_meant_to_and_its_neighbour_does_not(seed: int) -> None:
    told = {True: set[FailureType](), False: set[FailureType]()}
    for sample in samples(EACH, seed=seed):
        trace = trace_of(sample)
        found = signals_of(trace, RULES)
        told[sample.failing].add(sample.failure_type)
        if sample.failing:
            assert by_precedence({signal.failure_type for signal in found})[0] is sample.failure_type
        else:
            assert found == (), sample.failure_type
            assert was_evaluated(trace)
    assert told[True] == told[False] == set(SCENARIOS)


@examples(10)
@given(st.integers(min_value=0))
def test_a_trace_hangs_together(seed: int) -> None:
    for sample in samples(EACH, seed=seed):
        told = attributes(sample)
        by_id = {span["span_id"]: span for span in told}
        assert len(by_id) == len(told)
        assert len({span["trace_id"] for span in told}) == 1
        assert [span["span_kind"] for span in told if span["parent_id"] == "undefined"] == ["agent"]
        for span in told[1:]:
            above = by_id[span["parent_id"]]
            assert above["start_ns"] <= span["start_ns"]
            assert ended(span) <= ended(above)
        started = [span["start_ns"] for span in told]
        assert started == sorted(started)
        assert safe_id(told[0]["trace_id"], b"") == told[0]["trace_id"], "a search leaves out such an id"


def test_traces_are_as_rich_as_those_of_an_application() -> None:
    told = [trace_of(sample) for sample in samples(EACH, seed=1)]

    kinds = Counter(span.kind for trace in told for span in trace.spans)
    assert {"agent", "llm", "tool", "retrieval", "task", "workflow"} <= set(kinds)
    assert max(len(user_turns(trace)) for trace in told) >= 3
    assert len({call.name for trace in told for call in tool_calls(trace)}) >= 8
    models = [span for trace in told for span in trace.spans if span.kind == "llm"]
    for span in models:
        given_tokens, got, total = (
            span.metrics[key] for key in ("input_tokens", "output_tokens", "total_tokens")
        )
        assert isinstance(given_tokens, int)
        assert isinstance(got, int)
        assert total == given_tokens + got
    types = {told.metric_type for trace in told for span in trace.spans for told in span.evaluations.values()}
    assert types == {"categorical", "score"}


def test_the_same_seed_and_count_give_the_same_bytes_and_another_seed_others() -> None:
    for form in Format:
        once, again = (b"".join(spelled(samples(7, seed=3), form)) for _ in range(2))
        assert once == again
        assert once != b"".join(spelled(samples(7, seed=4), form))


def test_wordings_and_people_vary_with_the_seed() -> None:
    asked: defaultdict[FailureType, set[str]] = defaultdict(set)
    people = set()
    for seed in range(20):
        for sample in samples(EACH, seed=seed):
            words = re.sub(r"\d+", "0", user_turns(trace_of(sample))[0])
            asked[sample.failure_type].add(words)
            people.add(attributes(sample)[0]["metadata"]["user.email"])

    assert {kind: len(words) for kind, words in asked.items() if len(words) < 6} == {}
    assert len(people) > 500


@pytest.mark.parametrize("count", [1, 2, 3, EACH - 1, EACH, EACH + 5])
def test_types_take_turns_and_about_half_is_healthy(count: int) -> None:
    made = list(samples(count, seed=0))

    assert len(made) == count
    assert [sample.failing for sample in made] == [number % 2 == 0 for number in range(count)]
    kinds = list(SCENARIOS) * 2
    assert [sample.failure_type for sample in made] == [kinds[number // 2] for number in range(count)]


def test_another_end_moves_the_times_along_and_changes_ids_and_nothing_else() -> None:
    later = MOMENT + timedelta(days=400, hours=3, microseconds=5)
    one, other = (list(samples(EACH, seed=5, until=until)) for until in (MOMENT, later))

    assert not {span["span_id"] for sample in one for span in attributes(sample)} & {
        span["span_id"] for sample in other for span in attributes(sample)
    }
    assert [plain(sample) for sample in one] == [plain(sample) for sample in other]


def plain(sample: Sample) -> list[Any]:
    """Leave out of a trace what hangs on when it was made."""
    ids = {span["span_id"]: number for number, span in enumerate(attributes(sample))}
    start = sample.spans[0]["attributes"]["start_ns"]  # type: ignore[call-overload, index]
    told = []
    for span in attributes(sample):
        rest = {key: value for key, value in span.items() if key not in ("span_id", "trace_id")}
        tags = [tag for tag in span["tags"] if not tag.startswith("session_id:")]
        rest |= {
            "start_ns": span["start_ns"] - start,
            "parent_id": ids.get(span["parent_id"]),
            "tags": tags,
        }
        told.append(_DATED.sub("*", json.dumps(rest)))
    return told


@pytest.mark.parametrize("count", [1, 100, 3000])
def test_all_of_it_lies_within_the_hours_that_the_intake_takes(count: int) -> None:
    now = datetime(2026, 12, 1, 12, tzinfo=UTC)
    for sample in samples(count, seed=2, until=now):
        root = attributes(sample)[0]
        started = datetime.fromtimestamp(root["start_ns"] / 1e9, tz=UTC)
        assert now - timedelta(hours=21) < started
        assert started + timedelta(microseconds=root["duration"] / 1000) < now


@examples(5)
@given(st.integers(min_value=0))
def test_personal_data_is_of_the_ranges_that_nobody_has(seed: int) -> None:
    text = text_of(samples(EACH, seed=seed))

    hosts = set(re.findall(r"[\w.+-]+@([\w.-]+\w)", text))
    assert hosts
    assert hosts <= set(MAIL_HOSTS)
    phones = re.findall(r"\(\d{3}\) (\d{3}-\d{4})", text)
    assert phones
    assert [phone for phone in phones if not re.fullmatch(r"555-01\d\d", phone)] == []
    cards = set(re.findall(r"\b(?:\d{4} ){3}\d{4}\b|\b\d{4} \d{6} \d{5}\b", text))
    assert cards <= set(CARDS)
    addresses = set(re.findall(r"\b(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}\b", text))
    assert addresses
    assert addresses <= set(NETWORKS)


def test_yaml_holds_what_json_holds() -> None:
    made = list(samples(EACH, seed=9))

    lines = [json.loads(line) for line in text_of(made).splitlines()]
    document = b"".join(spelled(made, Format.YAML)).decode()

    assert yaml.safe_load(document) == lines
    assert "content: |-" in document, "a text of many lines is laid out as it reads"
    assert "# a run like that, without hallucination" in document


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    write_whole(path, [b"old\n"])

    def breaks() -> Iterable[bytes]:
        yield b"new\n"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(path, breaks())
    assert path.read_bytes() == b"old\n"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OutputError, match=r"missing/x\.jsonl cannot be written: No such file"):
        write_whole(tmp_path / "missing" / "x.jsonl", [b""])


class Written(Intake):
    """An intake that only remembers."""

    def __init__(self) -> None:
        super().__init__("https://api.datadoghq.com", "a key")
        self.taken: list[tuple[str, bytes]] = []

    def post(self, call: Any, path: str, body: bytes) -> None:
        self.taken.append((path, body))


def test_requests_stay_below_the_limits_and_evaluations_come_last() -> None:
    intake, seen = Written(), list[Sent]()
    made = list(samples(400, seed=1, ml_app="trial/shop"))

    sent = upload(made, intake, ml_app="trial/shop", progress=seen.append)

    paths = [path for path, _ in intake.taken]
    assert paths == sorted(paths, key=[SPANS_PATH, EVALUATIONS_PATH].index)
    assert paths.count(SPANS_PATH) > 2
    assert paths.count(EVALUATIONS_PATH) > 1
    assert max(len(body) for _, body in intake.taken) < MOST_BYTES + 10 * MOST_ITEMS
    bodies = [(path, json.loads(body)["data"]["attributes"]) for path, body in intake.taken]
    spans = [span for path, told in bodies if path == SPANS_PATH for span in told["spans"]]
    metrics = [one for path, told in bodies if path == EVALUATIONS_PATH for one in told["metrics"]]
    assert len(spans) == sent.spans == sum(len(sample.spans) for sample in made)
    assert len(metrics) == sent.evaluations
    assert seen[-1] == sent
    assert {
        told["ml_app"] for told in (*metrics, *(told for path, told in bodies if path == SPANS_PATH))
    } == {"trial/shop"}


def test_a_request_of_large_spans_has_fewer_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    intake, most = Written(), 40_000
    monkeypatch.setattr(uploading, "MOST_BYTES", most)

    sent = upload(samples(EACH, seed=1), intake, ml_app="shop-assistant", progress=lambda _: None)

    sizes = [len(body) for path, body in intake.taken if path == SPANS_PATH]
    assert len(sizes) < sent.spans / 4
    assert most / 2 < sorted(sizes)[1]
    assert max(sizes) < most * 1.1


def test_what_is_sent_has_nothing_that_datadog_adds_itself() -> None:
    intake = Written()
    upload(samples(EACH, seed=1), intake, ml_app="shop-assistant", progress=lambda _: None)

    bodies = [json.loads(body)["data"]["attributes"] for _, body in intake.taken]
    spans = [span for told in bodies for span in told.get("spans", ())]
    metrics = [metric for told in bodies for metric in told.get("metrics", ())]
    assert spans
    assert metrics
    for span in spans:
        assert (span["status"] == "error") >= ("error" in span["meta"])
        named = {tag.partition(":")[0] for tag in span["tags"]}
        assert {"env", "service", "version"} <= named
        assert not named & {"ml_app", "session_id", "source", "error", "error_type"}
        assert all(isinstance(value, int) for value in span["metrics"].values())
    # Those that are tagged as our own are left out of every search.
    assert not any("tags" in metric for metric in metrics)


@pytest.mark.parametrize("kind", sorted(set(FailureType) - UNSHOWN))
def test_an_evaluation_called_as_a_type_means_that_type(kind: FailureType) -> None:
    assert type_of_label(kind.value, {}) is kind
    assert type_of_label(kind.value.replace("_", " ").title(), {}) is kind
    assert type_of_label(kind.value, {kind.value: FailureType.UNKNOWN}) is FailureType.UNKNOWN


def test_an_evaluation_of_another_name_says_that_the_quality_is_low() -> None:
    assert type_of_label("our own", {}) is type_of_label("unknown", {}) is FailureType.QUALITY_DEGRADATION


def test_yaml_is_loaded_only_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> Any:
        raise ModuleNotFoundError

    monkeypatch.setattr(formats, "_yaml", absent)

    assert text_of(samples(2, seed=0))
