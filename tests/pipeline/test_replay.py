"""Doing work again: nothing changes under the same versions, and everything follows a new one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.cli.__main__ import cli
from functions.extract import extraction
from functions.generate import generation
from functions.local.trace_run import deliver_all, run_files
from functions.replay.replaying import ReplayStage, replay_only, replay_since
from functions.review.decisions import approve
from functions.sanitize import capture as sanitizing
from shared.embedded.embedder import HashingEmbedder
from shared.errors import NameTakenError, NotFoundError
from shared.messages import TraceFound
from shared.ports import Outgoing
from shared.topology import Topic
from shared.wiring import Wiring
from tests.conftest import SAMPLES
from tests.pipeline.command import evalforge
from tests.pipeline.end_state import NoTraces, assert_whole, end_state, open_store
from tests.pipeline.test_schedules import all_rows

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def ran(tmp_path: Path) -> Wiring:
    """A store that a whole run has come through."""
    parts = open_store(tmp_path / "store.db")
    run_files([SAMPLES], parts)
    return parts


def replayed(stage: ReplayStage, parts: Wiring) -> int:
    done = replay_since(stage, LONG_AGO, parts)
    deliver_all(parts)
    assert parts.dead_letters.count() == 0
    assert_whole(parts)
    return done.published


@pytest.mark.parametrize(
    ("stage", "published"),
    [
        (ReplayStage.SANITIZE, 24),
        (ReplayStage.EXTRACT, 11),
        (ReplayStage.DEDUPLICATE, 11),
        (ReplayStage.GENERATE, 6),
    ],
)
def test_under_the_same_versions_a_replay_writes_nothing(
    ran: Wiring, stage: ReplayStage, published: int
) -> None:
    before = all_rows(ran)
    assert replayed(stage, ran) == published
    assert all_rows(ran) == before
    assert ran.spend.total().model_calls == 0


def test_a_new_version_of_the_redaction_redoes_captures_and_what_follows(
    ran: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = end_state(ran)
    monkeypatch.setattr(sanitizing, "SANITIZER_VERSION", "next")
    # The source is not asked: what is stored is redacted again.
    replayed(ReplayStage.SANITIZE, replace(ran, made_traces=NoTraces))
    assert {head.sanitizer_version for head in ran.captures.heads()} == {"next"}
    assert {head.sanitizer_version for head in ran.healthy.heads()} == {"next"}
    after = end_state(ran)
    assert after["captures"].keys() == before["captures"].keys()
    assert all(after["captures"][trace] != before["captures"][trace] for trace in after["captures"])
    for trace, pattern in after["patterns"].items():
        assert pattern["capture_hash"] == after["captures"][trace]
    assert after["groups"] == before["groups"]


def test_redacting_what_is_stored_keeps_signals_counts_and_the_user(
    ran: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {capture.trace_id: capture for capture in ran.captures.all()}
    monkeypatch.setattr(sanitizing, "SANITIZER_VERSION", "next")
    replayed(ReplayStage.SANITIZE, ran)
    for capture in ran.captures.all():
        known = before[capture.trace_id]
        kept = ("spans", "signals", "user_hash", "redactions", "evaluated", "ml_app", "env", "version")
        assert {name: getattr(capture, name) for name in kept} == {
            name: getattr(known, name) for name in kept
        }


def test_a_new_version_of_the_rules_redoes_patterns_and_what_follows(
    ran: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extraction, "RULES_VERSION", "next")
    replayed(ReplayStage.EXTRACT, ran)
    assert {pattern.extractor.version for pattern in ran.patterns.all()} == {"next"}
    assert all(suggestion.artifacts for suggestion in ran.suggestions.all())


def test_a_pattern_that_waits_for_its_upgrade_is_done_again(ran: Wiring) -> None:
    known = ran.patterns.get(next(ran.patterns.all()).trace_id)
    assert known is not None
    waiting = known.pattern.extractor.model_copy(update={"upgrade_pending": True})
    ran.patterns.store(known.pattern.model_copy(update={"extractor": waiting}), known)
    replayed(ReplayStage.EXTRACT, ran)
    assert not any(pattern.extractor.upgrade_pending for pattern in ran.patterns.all())


def test_a_new_embedder_renews_vectors_and_moves_no_group(
    ran: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {group.id: group.suggestion_id for group in ran.groups.all()}
    monkeypatch.setattr(HashingEmbedder, "version", "next")
    replayed(ReplayStage.DEDUPLICATE, ran)
    assert {group.embedder_version for group in ran.groups.all()} == {"next"}
    assert {group.id: group.suggestion_id for group in ran.groups.all()} == before
    group = next(ran.groups.all())
    found = ran.groups.most_similar(
        HashingEmbedder().embed(["refund order status"])[0],
        ml_app=group.ml_app,
        env=group.env,
        failure_type=group.failure_type,
        embedder_version="next",
    )
    assert found is not None


def test_a_new_generator_writes_anew_and_leaves_what_a_person_decided(
    ran: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = next(ran.suggestions.all()).id
    approve(name, actor="a", note="", at=LONG_AGO, suggestions=ran.suggestions)
    approved = list(ran.suggestions.approved())
    monkeypatch.setattr(generation, "GENERATOR_VERSION", "next")
    replayed(ReplayStage.GENERATE, ran)
    told = ran.suggestions.get(name)
    assert told is not None
    assert (told.suggestion.generator_version, told.suggestion.status.value) == ("next", "approved")
    assert list(ran.suggestions.approved()) == approved


def test_only_what_was_stored_since_is_replayed(ran: Wiring) -> None:
    later = datetime.now(tz=UTC)
    assert replay_since(ReplayStage.EXTRACT, later, ran).published == 0
    assert replay_since(ReplayStage.EXTRACT, later - timedelta(hours=1), ran).published == 11


def test_a_trace_that_its_source_has_lost_is_redacted_from_the_store(
    ran: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sanitizing, "SANITIZER_VERSION", "next")
    traces = [head.trace_id for head in (*ran.captures.heads(), *ran.healthy.heads())]
    ran.publisher.publish(Outgoing(Topic.FAILURES, TraceFound(trace_id=one)) for one in traces)
    deliver_all(replace(ran, made_traces=NoTraces))
    assert ran.dead_letters.count() == 0
    assert {head.sanitizer_version for head in (*ran.captures.heads(), *ran.healthy.heads())} == {"next"}
    ran.publisher.publish([Outgoing(Topic.FAILURES, TraceFound(trace_id="never stored"))])
    deliver_all(replace(ran, made_traces=NoTraces))
    assert ran.dead_letters.count() == 1


def test_only_these_are_replayed_and_unknown_ones_are_named(ran: Wiring) -> None:
    trace = next(ran.captures.heads()).trace_id
    done = replay_only(ReplayStage.EXTRACT, [trace, "no-such-trace", trace], ran)
    assert (done.published, done.unknown) == (1, ("no-such-trace",))
    healthy = next(ran.healthy.heads()).trace_id
    assert replay_only(ReplayStage.SANITIZE, [healthy], ran).published == 1
    suggestion = next(ran.suggestions.all()).id
    assert replay_only(ReplayStage.GENERATE, [suggestion, trace], ran).unknown == (trace,)


def test_a_snapshot_is_a_moment_to_go_back_to(ran: Wiring, tmp_path: Path) -> None:
    ran.retention.snapshot("before-more")
    with pytest.raises(NameTakenError, match="before-more"):
        ran.retention.snapshot("before-more")
    assert replay_since(ReplayStage.EXTRACT, "before-more", ran).published == 0
    more = tmp_path / "more.jsonl"
    more.write_bytes(SAMPLES.read_bytes().replace(b'trace_id":"', b'trace_id":"more-'))
    run_files([more], ran)
    assert replay_since(ReplayStage.EXTRACT, "before-more", ran).published in (11, 22)
    with pytest.raises(NotFoundError, match="no-such"):
        replay_since(ReplayStage.EXTRACT, "no-such", ran)


def test_the_commands_replay_and_say_what_they_did(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    assert evalforge("run", SAMPLES, "--store", store).code == 0
    told = evalforge("replay", "--stage", "extract", "--since", "1h", "--store", store, "--json")
    assert (told.code, told.json["published"], told.json["rewound"]) == (0, 11, False)
    trace = evalforge("list", "captures", "--json", "--store", store).json[0]["trace_id"]
    told = evalforge("replay", "--stage", "sanitize", "--only", trace, "none", "--store", store)
    assert told.code == 1
    assert "1 message worked on again" in told.out
    assert "never worked on none" in told.err
    assert evalforge("snapshot", "monday", "--store", store).code == 0
    assert evalforge("snapshot", "monday", "--store", store).code == 1
    assert evalforge("snapshot", "Mon day", "--store", store).code == 2
    assert evalforge("replay", "--stage", "generate", "--snapshot", "monday", "--store", store).code == 0
    assert evalforge("replay", "--stage", "generate", "--snapshot", "sunday", "--store", store).code == 1
    both, future = ["--since", "1h", "--snapshot", "monday"], ["--since", "2099-01-01"]
    for wrong in ([], both, future, ["--since", "soon"], ["--snapshot", "x/y z"]):
        assert evalforge("replay", "--stage", "generate", *wrong, "--store", store).code == 2


def test_every_stage_that_can_be_replayed_is_told_by_the_help() -> None:
    command = cli.commands["replay"]
    stages: Any = next(param for param in command.params if param.name == "stage").type
    assert list(stages.choices) == ["sanitize", "extract", "deduplicate", "generate"]
