"""Dead letters that are sent again, by a person or by themselves, or given up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.bury.burial import bury_message
from functions.local.trace_run import deliver_all, run_files
from functions.resend.resending import drop, resend_due, resend_one
from shared.domain.dead_letters import RESEND_AFTER_MINUTES, DeadLetter, LetterState, dead_letter_id
from shared.errors import NotFoundError, ResendError, TraceSourceError, UnavailableError
from shared.messages import CARRIED, CaptureStored, ResendDue
from shared.ports import Outgoing
from shared.pubsub_push import DEAD_LETTER_SOURCE, Pushed, encode_push
from shared.repositories.dead_letters import DeadLetters
from shared.topology import FUNCTIONS, Topic
from shared.wiring import Wiring
from tests.conftest import SAMPLES
from tests.pipeline.command import evalforge
from tests.pipeline.end_state import open_store

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


class Told:
    """A publisher that notes what it is given, or fails."""

    def __init__(self, *, failing: bool = False) -> None:
        self.failing = failing
        self.messages: list[Outgoing] = []

    def publish(self, outgoing: Any, *, trace_context: str = "") -> int:
        if self.failing:
            raise UnavailableError("no answer")
        told = list(outgoing)
        self.messages += told
        return len(told)


def letter(letters: DeadLetters, *, stage: str = "extract", transient: bool = True, **ids: str) -> DeadLetter:
    return letters.record(
        stage=stage,
        error=UnavailableError("the store did not answer"),
        message=dict(ids) if ids else {"trace_id": "t"},
        at=NOON,
        attempts=50,
        transient=transient,
    )


def tick(parts: Wiring, publisher: Told, at: datetime) -> None:
    resend_due(parts.dead_letters, publisher, clock=lambda: at)


def state(parts: Wiring, one: DeadLetter) -> LetterState:
    found = parts.dead_letters.get(one.id)
    assert found is not None
    return found.state


def test_a_transient_one_is_sent_again_by_itself_when_its_time_has_come(parts: Wiring) -> None:
    one, told = letter(parts.dead_letters), Told()
    tick(parts, told, NOON + timedelta(minutes=RESEND_AFTER_MINUTES[0] - 1))
    assert told.messages == []
    tick(parts, told, NOON + timedelta(minutes=RESEND_AFTER_MINUTES[0]))
    assert [(topic, message.model_dump()) for topic, message in told.messages] == [
        (Topic.CAPTURES, {"trace_id": "t"})
    ]
    assert state(parts, one) is LetterState.SENT
    assert parts.dead_letters.count() == 0
    tick(parts, told, NOON + timedelta(days=9))
    assert len(told.messages) == 1


def test_one_that_fails_again_waits_longer_each_time_and_then_for_a_person(parts: Wiring) -> None:
    told, at = Told(), NOON
    one = letter(parts.dead_letters)
    for number, wait in enumerate(RESEND_AFTER_MINUTES, start=1):
        tick(parts, told, at + timedelta(minutes=wait - 1))
        assert len(told.messages) == number - 1
        at += timedelta(minutes=wait)
        tick(parts, told, at)
        assert len(told.messages) == number
        again = parts.dead_letters.record(
            stage="extract", error=UnavailableError("no"), message={"trace_id": "t"}, at=at, transient=True
        )
        assert (again.id, again.state, again.sent_by_itself) == (one.id, LetterState.WAITING, number)
    tick(parts, told, at + timedelta(days=365))
    assert len(told.messages) == len(RESEND_AFTER_MINUTES)
    assert parts.dead_letters.count() == 1


def test_a_permanent_one_waits_for_a_person(parts: Wiring) -> None:
    one, told = letter(parts.dead_letters, transient=False), Told()
    tick(parts, told, NOON + timedelta(days=9))
    assert told.messages == []
    resend_one(one.id, parts.dead_letters, told, clock=lambda: NOON)
    assert len(told.messages) == 1
    assert state(parts, one) is LetterState.SENT


def test_one_that_could_not_be_published_is_taken_up_again(parts: Wiring) -> None:
    one, told = letter(parts.dead_letters), Told(failing=True)
    with pytest.raises(UnavailableError):
        resend_one(one.id, parts.dead_letters, told, clock=lambda: NOON)
    assert state(parts, one) is LetterState.SENDING
    told.failing = False
    tick(parts, told, NOON + timedelta(minutes=1))
    assert told.messages == [], "somebody may be about to send it"
    tick(parts, told, NOON + timedelta(minutes=6))
    assert len(told.messages) == 1
    assert state(parts, one) is LetterState.SENT


def test_one_that_fails_while_it_is_sent_is_not_forgotten(parts: Wiring) -> None:
    one = letter(parts.dead_letters)

    class Failing(Told):
        def publish(self, outgoing: Any, *, trace_context: str = "") -> int:
            letter(parts.dead_letters)
            return super().publish(outgoing, trace_context=trace_context)

    resend_one(one.id, parts.dead_letters, Failing(), clock=lambda: NOON)
    assert state(parts, one) is LetterState.WAITING


def test_a_dropped_one_is_kept_with_who_and_why_and_never_sent(parts: Wiring) -> None:
    one, told = letter(parts.dead_letters), Told()
    with pytest.raises(ResendError, match="reason"):
        drop(one.id, parts.dead_letters, actor="ada", reason=" ", clock=lambda: NOON)
    drop(one.id, parts.dead_letters, actor="ada", reason="a test alert", clock=lambda: NOON)
    dropped = parts.dead_letters.get(one.id)
    assert dropped is not None
    assert (dropped.dropped_by, dropped.drop_reason) == ("ada", "a test alert")
    tick(parts, told, NOON + timedelta(days=9))
    with pytest.raises(ResendError, match="dropped by ada"):
        resend_one(one.id, parts.dead_letters, told, clock=lambda: NOON)
    assert told.messages == []
    assert parts.dead_letters.count() == 0


def test_only_what_waits_is_dropped_and_the_first_word_stays(parts: Wiring) -> None:
    one = letter(parts.dead_letters)
    drop(one.id, parts.dead_letters, actor="ada", reason="a test alert", clock=lambda: NOON)
    with pytest.raises(ResendError, match="is dropped"):
        drop(one.id, parts.dead_letters, actor="bob", reason="me too", clock=lambda: NOON)
    found = parts.dead_letters.get(one.id)
    assert found is not None
    assert found.dropped_by == "ada"


def buried(parts: Wiring, message_id: str) -> DeadLetter:
    body = CaptureStored(trace_id="t").model_dump_json().encode()
    event = encode_push(Pushed(body, message_id, {DEAD_LETTER_SOURCE: "captures"}), topic="dead-letters")
    bury_message(event, dead_letters=parts.dead_letters, clock=lambda: NOON)
    found = parts.dead_letters.get(dead_letter_id("extract", {"trace_id": "t"}))
    assert found is not None
    return found


def test_what_is_only_delivered_once_more_undoes_nothing(parts: Wiring) -> None:
    one = buried(parts, "7")
    drop(one.id, parts.dead_letters, actor="ada", reason="a test alert", clock=lambda: NOON)
    assert buried(parts, "7").state is LetterState.DROPPED
    again = buried(parts, "8")
    assert (again.state, again.dropped_by) == (LetterState.WAITING, "ada"), "it failed anew"
    resend_one(one.id, parts.dead_letters, Told(), clock=lambda: NOON)
    assert buried(parts, "8").state is LetterState.SENT


def test_a_claim_that_another_clock_made_holds_nothing_up(parts: Wiring) -> None:
    one, told = letter(parts.dead_letters), Told(failing=True)
    with pytest.raises(UnavailableError):
        resend_one(one.id, parts.dead_letters, told, clock=lambda: NOON + timedelta(days=30))
    told.failing = False
    tick(parts, told, NOON)
    assert len(told.messages) == 1


def test_a_store_of_an_earlier_version_keeps_its_dead_letters_and_captures(tmp_path: Path) -> None:
    parts = open_store(tmp_path / "store.db")
    run_files([SAMPLES], parts)
    letter(parts.dead_letters)
    with parts.documents._database.transaction() as connection:  # type: ignore[attr-defined]
        connection.execute(
            "UPDATE documents SET data = json_remove(data, '$.state', '$.due_at', '$.stored_at')"
        )
    parts = open_store(tmp_path / "store.db")
    assert parts.dead_letters.count() == 1
    assert [one.sent_by_itself for one in parts.dead_letters.all()] == [0]
    assert len(list(parts.captures.stored_since(datetime(2020, 1, 1, tzinfo=UTC)))) == 11


def test_what_holds_no_message_cannot_be_sent(parts: Wiring) -> None:
    fault = letter(parts.dead_letters, stage="find_failures", transient=False, path="a.jsonl")
    webhook = letter(parts.dead_letters, stage="receive_alert", transient=True, body_sha256="x")
    for one in (fault, webhook):
        with pytest.raises(ResendError, match="holds no message"):
            resend_one(one.id, parts.dead_letters, Told(), clock=lambda: NOON)
        assert state(parts, one) is LetterState.WAITING
    with pytest.raises(NotFoundError):
        resend_one("dl-none", parts.dead_letters, Told(), clock=lambda: NOON)
    tick(parts, Told(failing=True), NOON + timedelta(days=9))


def test_every_topic_that_feeds_a_stage_has_its_message(parts: Wiring) -> None:
    fed = {function.topic for function in FUNCTIONS if function.topic}
    assert set(CARRIED) == fed - {Topic.DEAD_LETTERS}


def test_the_schedules_tick_comes_through_the_queue(parts: Wiring) -> None:
    one = letter(parts.dead_letters, stage="generate", suggestion_id="sg-none")
    parts.publisher.publish([Outgoing(Topic.RESENDS, ResendDue())])
    deliver_all(replace(parts, clock=lambda: NOON + timedelta(hours=1)))
    again = parts.dead_letters.get(one.id)
    assert again is not None
    assert (again.state, again.error, again.sent_by_itself) == (LetterState.WAITING, "NotFoundError", 1)


def test_a_run_sends_again_what_an_earlier_run_gave_up(parts: Wiring) -> None:
    run_files([SAMPLES], parts)
    trace = next(parts.captures.heads()).trace_id
    one = letter(parts.dead_letters, trace_id=trace)
    run_files([SAMPLES], parts)
    assert state(parts, one) is LetterState.SENT


def test_the_commands_send_again_and_drop(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    gone, kept = tmp_path / "gone.jsonl", tmp_path / "kept.jsonl"
    gone.write_bytes(SAMPLES.read_bytes())
    assert evalforge("run", gone, "--store", store).code == 0
    parts = open_store(store)
    capture = next(parts.captures.heads()).trace_id
    failing = parts.dead_letters.record(
        stage="sanitize",
        error=TraceSourceError("the file was moved away"),
        message={"trace_id": capture, "incident_id": "in-1"},
        at=NOON,
    )
    lost = letter(parts.dead_letters, stage="generate", transient=False, suggestion_id="sg-none")
    fault = letter(parts.dead_letters, stage="find_failures", transient=False, path="x")
    parts.captures.remove(capture, parts.captures.known(capture))
    gone.rename(kept)

    told = evalforge("retry", "dead-letter", failing.id, "dl-none", "--store", store)
    assert told.code == 1
    assert f"{failing.id} sent again to sanitize" in told.out
    assert "no dead letter dl-none" in told.err
    assert state(parts, failing) is LetterState.WAITING, "it failed again, and waits again"

    gone.write_bytes(kept.read_bytes())
    told = evalforge("retry", "dead-letter", "--all", "--store", store)
    assert told.code == 0, told.err
    assert state(parts, failing) is LetterState.SENT
    assert state(parts, lost) is LetterState.WAITING
    assert state(parts, fault) is LetterState.WAITING, "it holds no message"
    assert "dead letters that wait: 2" in told.out

    told = evalforge("drop", "dead-letter", fault.id, "--reason", "an old file", "--store", store)
    assert (told.code, "dropped by" in told.out) == (0, True)
    listed = evalforge("list", "dead-letters", "--json", "--store", store).json
    assert [one["id"] for one in listed] == [lost.id]
    shown = evalforge("show", "dead-letter", fault.id, "--json", "--store", store).json
    assert (shown["state"], shown["drop_reason"]) == ("dropped", "an old file")
    assert evalforge("retry", "dead-letter", "--store", store).code == 2
    assert evalforge("drop", "dead-letter", lost.id, "--store", store).code == 2
