"""Stages met by trouble: two at once, late news, services that fail."""

import itertools
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import functions_framework
import pytest

from functions.deliver.notices import CLAIM, deliver_notice
from functions.generate.generation import generate_artifacts
from functions.local.delivery import Delivery, entry_points
from functions.local.trace_run import run_files
from functions.review.bundle import chosen_artifacts, write_bundle
from functions.review.decisions import approve, reject
from functions.sanitize.capture import Sanitizer
from shared import logs, wiring
from shared.domain.incidents import Incident, IncidentKind
from shared.domain.spans import Trace
from shared.embedded import trace_files, trace_reading
from shared.embedded.documents import SqliteDocuments
from shared.embedded.queue import SqliteQueue
from shared.errors import ConflictError, UnavailableError
from shared.messages import ArtifactsDrafted, SuggestionChanged, TraceFound
from shared.ports import Outgoing
from shared.pubsub_push import Pushed, encode_push
from shared.repositories.artifacts import Artifacts
from shared.repositories.outbox import NoticeState
from shared.repositories.suggestions import Suggestions
from shared.topology import Topic
from shared.wiring import Wiring, wire_embedded
from tests.conftest import ROOT, SAMPLES
from tests.pipeline.end_state import assert_whole

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


@pytest.fixture
def ran(parts: Wiring) -> Wiring:
    """A store that the samples went through."""
    run_files([SAMPLES], parts)
    return parts


def generate(parts: Wiring, name: str, artifacts: Any = None) -> list[Outgoing]:
    return generate_artifacts(
        SuggestionChanged(suggestion_id=name),
        suggestions=parts.suggestions,
        patterns=parts.patterns,
        captures=parts.captures,
        artifacts=artifacts or parts.artifacts,
    )


class Overtaken(Artifacts):
    """Lets another delivery do the whole work just before the first artifact is written."""

    def __init__(self, parts: Wiring, other: Any) -> None:
        super().__init__(parts.documents)
        self._other = other

    def put(self, artifact: Any) -> None:
        other, self._other = self._other, lambda: None
        other()
        super().put(artifact)


def test_of_two_generations_at_once_the_one_that_lost_changes_nothing(ran: Wiring) -> None:
    suggestion = next(one for one in ran.suggestions.all() if one.recurrence == 3)
    members = sorted(ran.suggestions.members(suggestion.id), key=lambda member: member.started_at)
    earliest = members[0]
    ran.suggestions.remove_member(suggestion.id, earliest.trace_id, earliest.group_id)

    def overtake() -> None:
        ran.suggestions.add_member(suggestion.id, earliest)
        generate(ran, suggestion.id)
        approve(suggestion.id, actor="a", note="", at=NOON, suggestions=ran.suggestions)

    with pytest.raises(ConflictError):
        generate(ran, suggestion.id, Overtaken(ran, overtake))
    generate(ran, suggestion.id)
    assert_whole(ran)
    approved = next(ran.suggestions.approved())
    for kind, ref in approved.artifacts.items():
        artifact = ran.artifacts.get(suggestion.id, kind, ref)
        assert artifact is not None
        assert (artifact.digest, artifact.source_trace_id) == (ref.digest, earliest.trace_id)


class Overtaking:
    """A trace source that lets a later fetch be stored while an earlier one is under way."""

    def __init__(self, early: Trace, late: Any) -> None:
        self._early, self._late = early, late

    def search(self, query: Any, *, cursor: str | None = None) -> Any:
        raise AssertionError("nothing is searched here")

    def fetch(self, trace_id: str) -> Trace:
        self._late()
        return self._early


def test_an_earlier_fetch_never_replaces_a_later_one(ran: Wiring) -> None:
    head = next(ran.captures.heads())
    whole = ran.traces.fetch(head.trace_id)
    early = Trace(trace_id=whole.trace_id, spans=whole.spans[:2])
    ran.captures.remove(head.trace_id, ran.captures.known(head.trace_id))

    def sanitize(source: Any) -> None:
        sanitizer = replace(Sanitizer.of(ran), traces=source)
        list(sanitizer.run(TraceFound(trace_id=head.trace_id, incident_id="in-1")))

    with pytest.raises(ConflictError):
        sanitize(Overtaking(early, lambda: sanitize(ran.traces)))
    stored = ran.captures.head(head.trace_id)
    assert stored is not None
    assert stored.content_hash == head.content_hash


class Recording:
    """A channel that remembers, and fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.told: list[str] = []
        self._failures = failures

    def notify(self, text: str) -> None:
        if self._failures:
            self._failures -= 1
            raise UnavailableError("no answer")
        self.told.append(text)


def deliver(parts: Wiring, name: str, channel: Any, at: datetime = NOON) -> None:
    deliver_notice(
        ArtifactsDrafted(suggestion_id=name),
        suggestions=parts.suggestions,
        outbox=parts.outbox,
        notifier=channel,
        clock=lambda: at,
    )


def test_a_notice_is_sent_once_also_after_a_failure(ran: Wiring) -> None:
    name = next(ran.suggestions.all()).id
    channel = Recording(failures=1)
    with pytest.raises(UnavailableError):
        deliver(ran, name, channel)
    deliver(ran, name, channel)
    deliver(ran, name, channel)
    assert len(channel.told) == 1
    assert name in channel.told[0]
    assert {notice.state for notice in ran.outbox.all() if notice.suggestion_id == name} == {NoticeState.SENT}


def test_of_two_that_send_at_once_one_waits(ran: Wiring) -> None:
    name = next(ran.suggestions.all()).id
    channel = Recording()

    class Meanwhile:
        def notify(self, text: str) -> None:
            with pytest.raises(UnavailableError, match="somebody else"):
                deliver(ran, name, channel)
            channel.notify(text)

    deliver(ran, name, Meanwhile())
    assert len(channel.told) == 1


def test_a_sender_that_died_is_followed_by_another(ran: Wiring) -> None:
    name = next(ran.suggestions.all()).id

    class Dies:
        def notify(self, text: str) -> None:
            raise SystemExit

    with pytest.raises(SystemExit):
        deliver(ran, name, Dies())
    channel = Recording()
    with pytest.raises(UnavailableError):
        deliver(ran, name, channel, NOON + CLAIM / 2)
    deliver(ran, name, channel, NOON + CLAIM)
    assert len(channel.told) == 1


def test_what_was_decided_is_not_announced_as_waiting(ran: Wiring) -> None:
    name = next(ran.suggestions.all()).id
    reject(name, actor="a", reason="known", at=NOON, suggestions=ran.suggestions)
    channel = Recording()
    deliver(ran, name, channel)
    assert channel.told == []


def test_a_foreign_errors_text_is_printed_by_nobody(parts: Wiring, capfd: pytest.CaptureFixture[str]) -> None:
    class Broken:
        def fetch(self, trace_id: str) -> Trace:
            raise ValueError("cannot take jane.roe@leaky-nest.org")

    body = TraceFound(trace_id="t", incident_id="in-1").model_dump_json().encode()
    event = encode_push(Pushed(body, "1", {}), topic="failures")
    logs.configure("INFO")
    app = functions_framework.create_app(  # type: ignore[no-untyped-call]
        "sanitize", str(ROOT / "functions" / "sanitize" / "main.py"), "cloudevent"
    )
    headers = {"ce-id": "1", "ce-source": "s", "ce-type": "t", "ce-specversion": "1.0"}
    with wiring.use(replace(parts, made_traces=Broken)):  # type: ignore[arg-type]
        answer = app.test_client().post("/", json=event.data, headers=headers)
    assert answer.status_code == 500
    told = capfd.readouterr()
    assert "leaky-nest" not in told.out + told.err + answer.text
    assert "ValueError" in told.err


def test_a_worker_outlives_a_queue_that_does_not_answer(parts: Wiring) -> None:
    class Flaky(SqliteQueue):
        failures = 3

        def lease(self) -> Any:
            if Flaky.failures:
                Flaky.failures -= 1
                raise UnavailableError("busy")
            return super().lease()

    queue = Flaky(parts.documents._database)  # type: ignore[attr-defined]
    queue.publish([Outgoing(Topic.SUGGESTIONS, SuggestionChanged(suggestion_id="sg-none"))])
    stop = threading.Event()
    worker = threading.Thread(target=Delivery(queue, entry_points()).work, args=(stop,))
    with wiring.use(replace(parts, publisher=queue)):
        worker.start()
        deadline = time.monotonic() + 20
        while queue.pending() and time.monotonic() < deadline:
            time.sleep(0.01)
        stop.set()
        worker.join()
    assert queue.pending() == 0
    assert parts.dead_letters.count() == 1


def test_alerts_of_one_incident_stretch_its_time_in_any_order(parts: Wiring) -> None:
    told = [
        Incident(
            id="in-1",
            kind=IncidentKind.MONITOR,
            since=NOON + timedelta(hours=at),
            until=NOON + timedelta(hours=at + 24),
        )
        for at in (0, 30, 12)
    ]
    for number, order in enumerate(itertools.permutations(told)):
        for incident in order:
            parts.incidents.open_or_renew(incident.model_copy(update={"id": f"in-{number}"}))
        renewed = parts.incidents.get(f"in-{number}")
        assert (renewed.since, renewed.until) == (NOON, NOON + timedelta(hours=54))


def test_a_span_id_that_looks_like_a_card_stops_no_export(parts: Wiring, tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    path.write_text('{"trace_id": "t", "span_id": "6011000990139424", "ml_app": "bot", "status": "error"}')
    run_files([path], parts)
    assert parts.dead_letters.count() == 0
    names = [one.id for one in parts.suggestions.all()]
    chosen = chosen_artifacts(names, parts.suggestions, parts.artifacts)
    assert len(chosen) == 3
    write_bundle(chosen, tmp_path / "out", file_format="json")


def test_taking_a_member_out_never_takes_out_its_newer_self(ran: Wiring) -> None:
    suggestion = next(ran.suggestions.all())
    member = ran.suggestions.members(suggestion.id)[0]
    newer = member.model_copy(update={"group_id": "gr-newer"})

    class Overtaken(SqliteDocuments):
        overtaken = False

        def get(self, collection: str, document_id: str) -> Any:
            found = super().get(collection, document_id)
            if collection.endswith("/members") and not self.overtaken:
                self.overtaken = True
                ran.suggestions.add_member(suggestion.id, newer)
            return found

    slow = Suggestions(Overtaken(ran.documents._database))  # type: ignore[attr-defined]
    slow.remove_member(suggestion.id, member.trace_id, member.group_id)
    assert newer in ran.suggestions.members(suggestion.id)


def test_a_file_that_changed_is_read_once_and_not_for_every_trace(
    parts: Wiring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = tmp_path / "old.jsonl", tmp_path / "new.jsonl"
    old.write_bytes(SAMPLES.read_bytes())
    run_files([old], parts)
    old.write_bytes(SAMPLES.read_bytes() + b"\n{}\n")
    new.write_bytes(SAMPLES.read_bytes() + b"\n\n")
    read: list[Path] = []
    load = trace_reading.load_file

    def counted(path: Path, *rest: Any) -> Any:
        read.append(path)
        return load(path, *rest)

    monkeypatch.setattr(trace_files, "load_file", counted)
    afresh = wire_embedded(parts.settings)
    run_files([new], afresh)
    assert len(read) <= 2
    assert afresh.dead_letters.count() == 0
