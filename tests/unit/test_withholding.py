"""Free text that an application withholds: structure, tools and signals stay, and the loop works on."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from functions.local.trace_run import deliver_all, run_files
from functions.replay.replaying import ReplayStage, replay_since
from functions.sanitize.capture import capture_of
from shared.domain.captures import Capture
from shared.domain.free_text import FreeText, FreeTextPolicy
from shared.domain.signals import SignalRules
from shared.domain.spans import Evaluation, Span
from shared.errors import ConfigError
from shared.redaction.kinds import Found, Kind
from shared.redaction.policy import Redaction
from shared.redaction.pseudonyms import key_of
from shared.settings import load_settings
from tests.conftest import SAMPLES
from tests.pipeline.command import evalforge
from tests.pipeline.end_state import NoTraces, assert_whole, open_store
from tests.unit.build import SALT, call, model, root, trace, verdict

WITHHELD = Redaction(SALT, free_text=FreeTextPolicy(default=FreeText.WITHHOLD))


def captured(redaction: Redaction = WITHHELD) -> Capture:
    spans = (
        root(input={"value": "where is my blue lamp"}, output={"value": "it is lost, sorry"}),
        model("m", said="I look it up for you", tools=("get_order",)),
        call(
            "c",
            "get_order",
            {"order_id": "A 1042", "count": 2},
            {"state": "sent away", "total": 19.5},
            status="error",
        ),
        call("d", "note", {"text": "it is lost, sorry"}, "it is lost, sorry"),
    )
    told = spans[0].model_copy(
        update={"evaluations": {"faithfulness": verdict("fail", 0.1, "the carrier says it is lost")}}
    )
    return capture_of(trace(told, *spans[1:]), rules=SignalRules(), redaction=redaction)


def test_no_free_text_is_left() -> None:
    spelled = captured().model_dump_json()

    for prose in ("blue lamp", "lost, sorry", "look it up", "A 1042", "sent away", "carrier says"):
        assert prose not in spelled


def test_structure_tools_and_signals_stay() -> None:
    whole, bare = captured(Redaction(SALT)), captured()

    assert [(one.span_id, one.name, one.kind, one.status) for one in bare.spans] == [
        (one.span_id, one.name, one.kind, one.status) for one in whole.spans
    ]
    assert [(one.failure_type, one.source) for one in bare.signals] == [
        (one.failure_type, one.source) for one in whole.signals
    ]
    arguments = json.loads(_value(_span(bare, "c").input))
    assert arguments.keys() == {"order_id", "count"}
    assert arguments["count"] == 2
    assert json.loads(_value(_span(bare, "c").output))["total"] == 19.5
    assert "get_order" in _span(bare, "m").model_dump_json()
    assert bare.redactions["WITHHELD"] > 5


def test_equal_texts_stay_equal_and_doing_it_again_changes_nothing() -> None:
    bare = captured()

    assert _value(bare.trace.root.output) == _value(_span(bare, "d").output)
    assert WITHHELD.of(bare.trace, bare.signals).trace == bare.trace


def test_in_what_a_tool_is_given_no_key_makes_a_word_a_label() -> None:
    told: dict[str, Any] = dict.fromkeys(("name", "type", "role", "content", "id", "kind"), "Pneumonia")
    requested = {"name": "note", "arguments": told, "tool_id": "t-1", "type": "function"}
    said = {"messages": [{"role": "assistant", "content": "", "tool_calls": [requested]}]}
    span = model("m").model_copy(update={"output": said})
    bare = capture_of(
        trace(root(), span, call("c", "note", told, {"name": "Pneumonia"})),
        rules=SignalRules(),
        redaction=WITHHELD,
    )

    assert "Pneumonia" not in bare.model_dump_json()
    output: Any = _span(bare, "m").output
    [asked] = output["messages"][0]["tool_calls"]
    assert (asked["name"], asked["tool_id"], asked["type"]) == ("note", "t-1", "function")


def test_of_what_is_noted_only_labels_stay() -> None:
    noted: dict[str, Any] = {"model_name": "gpt-4o", "note": "ill", "type": "訂單丟失了", "latency": 2}
    error = {"type": "ReadTimeout", "message": "離婚しました"}
    judged = Evaluation(assessment="fail", value="unfaithful", reasoning="ill")
    span = root(metadata=noted, extra={"error": error}, evaluations={"faithfulness": judged}, status="error")
    bare = capture_of(trace(span), rules=SignalRules(), redaction=WITHHELD).trace.root

    assert isinstance(bare.metadata, dict)
    assert (bare.metadata["model_name"], bare.metadata["latency"]) == ("gpt-4o", 2)
    assert bare.metadata["type"] != noted["type"]
    kept: Any = bare.extra["error"]
    assert kept["type"] == "ReadTimeout"
    assert (bare.evaluations["faithfulness"].assessment, bare.evaluations["faithfulness"].value) == (
        "fail",
        "unfaithful",
    )
    spelled = bare.model_dump_json()
    assert not [prose for prose in ("ill", "離婚", "丟失") if f'"{prose}' in spelled]


def test_a_mark_that_somebody_typed_is_no_other_texts() -> None:
    span = root(input={"value": "<WITHHELD_1>"}, output={"value": "it is lost"})
    bare = capture_of(trace(span), rules=SignalRules(), redaction=WITHHELD).trace.root

    assert _value(bare.input) == "<WITHHELD_1>" != _value(bare.output)


def test_a_replay_withholds_what_was_stored_before_the_policy(tmp_path: Path) -> None:
    parts = open_store(tmp_path / "store.db")
    run_files([SAMPLES], parts)
    policy = parts.settings.model_copy(update={"free_text": FreeText.WITHHOLD})
    # The source is not asked: what is stored is all that there is.
    withholding = replace(parts, settings=policy, made_traces=NoTraces)
    spelled: list[str] = []
    for _ in range(2):
        replay_since(ReplayStage.SANITIZE, datetime(2020, 1, 1, tzinfo=UTC), withholding)
        deliver_all(withholding)
        spelled.append("".join(one.model_dump_json() for one in parts.captures.all()))

    assert parts.dead_letters.count() == 0
    assert not [text for text in _questions() if len(text) > 20 and text in spelled[0]]
    assert spelled[0] == spelled[1]
    assert_whole(parts)


def test_each_application_decides(tmp_path: Path) -> None:
    policy = load_settings(free_text_by_app={"bank": "withhold"}).free_text_policy

    assert policy.withholds("bank")
    assert not policy.withholds("shop")


@pytest.mark.parametrize("told", ["not json", '{"bank": "maybe"}', "[]"])
def test_a_wrong_policy_is_named(monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    monkeypatch.setenv("FREE_TEXT_BY_APP", told)

    with pytest.raises(ConfigError, match="FREE_TEXT_BY_APP"):
        load_settings()


def test_the_whole_loop_works_on_withheld_captures(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    ended = evalforge("run", SAMPLES, "--json", "--store", store, FREE_TEXT="withhold")

    assert ended.json["captures"] == 11
    assert ended.json["dead_letters"] == 0
    assert len(ended.json["suggestions"]) > 3
    said = [text for text in _questions() if len(text) > 20]
    kept = evalforge("list", "captures", "--json", "--store", store).out + ended.out
    assert len(said) > 5
    assert not [text for text in said if text in kept]


def test_a_further_detector_joins_by_union() -> None:
    class Lamps:
        def find(self, text: str) -> list[Found]:
            at = text.find("blue lamp")
            return [Found(at, at + 9, Kind.SECRET, "lamp")] if at >= 0 else []

    told = captured(Redaction(SALT, further=(Lamps(),)))

    assert _value(told.trace.root.input) == "where is my <SECRET_1>"
    assert "sorry" in _value(told.trace.root.output)


def test_another_version_of_the_salt_changes_every_hash() -> None:
    def hash_of(version: str) -> str | None:
        redaction = Redaction(key_of(SALT, version), version)
        span = root(metadata={"user_id": "joe-77"}, evaluations={"x": Evaluation(assessment="fail")})
        capture = capture_of(trace(span), rules=SignalRules(), redaction=redaction)
        assert capture.salt_version == version
        return capture.user_hash

    assert hash_of("1") == hash_of("1")
    assert hash_of("1") != hash_of("2")


def _span(capture: Capture, span_id: str) -> Span:
    span = capture.span(span_id)
    assert span is not None
    return span


def _value(told: Any) -> str:
    value: str = told["value"]
    return value


def _questions() -> list[str]:
    spans = [json.loads(line)["attributes"] for line in SAMPLES.read_text().splitlines()]
    return [span["input"]["value"] for span in spans if isinstance(span["input"].get("value"), str)]


@pytest.mark.parametrize("name", ["bank", "bob@shop.org"])
@pytest.mark.parametrize("inner", [False, True])
def test_an_application_withholds_by_its_own_name_wherever_it_stands(name: str, inner: bool) -> None:
    redaction = Redaction(SALT, free_text=FreeTextPolicy(by_app={name: FreeText.WITHHOLD}))
    outer = {} if inner else {"ml_app": name}
    step_ = call("c", "note", {"text": "grey ferry"}, "kept dry", **({"ml_app": name} if inner else outer))
    told = capture_of(
        trace(root(input={"value": "grey ferry please"}, **outer), step_),
        rules=SignalRules(),
        redaction=redaction,
    )

    assert "grey ferry" not in told.model_dump_json()
