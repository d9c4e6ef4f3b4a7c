"""Snapshots and going back in time: the same promise on every backend."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.cloud.pubsub_v1 import SubscriberClient

from shared.cloud.publishing import PubSubPublisher
from shared.cloud.retention import PubSubRetention
from shared.embedded.database import Database
from shared.embedded.retention import SqliteRetention
from shared.errors import NameTakenError, NotFoundError, RefusedError
from shared.messages import CaptureStored
from shared.ports import Outgoing, Retention
from shared.pubsub_push import Pushed
from shared.topology import RETENTION_DAYS, Topic
from tests.contract.brokers import CloudBroker, wait_for


def now() -> datetime:
    return datetime.now(tz=UTC)


@pytest.fixture(params=["embedded", pytest.param("cloud", marks=pytest.mark.needs("emulators"))])
def retention(request: pytest.FixtureRequest, tmp_path: Path) -> Retention:
    if request.param == "embedded":
        return SqliteRetention(Database(tmp_path / "s.db"), now)
    project = request.getfixturevalue("emulated_project")
    with CloudBroker(project).delivering(lambda _topic, _pushed: None):
        return PubSubRetention(project, now)


def test_a_snapshots_name_is_its_own(retention: Retention) -> None:
    retention.snapshot("monday")
    with pytest.raises(NameTakenError, match="monday"):
        retention.snapshot("monday")
    retention.snapshot("tuesday")


def test_an_unknown_snapshot_is_named(retention: Retention) -> None:
    with pytest.raises(NotFoundError, match="sunday"):
        retention.rewind(Topic.CAPTURES, "sunday")


def test_what_is_no_longer_retained_is_left_to_be_published_again(retention: Retention) -> None:
    long_ago = now() - timedelta(days=RETENTION_DAYS, hours=1)
    assert retention.rewind(Topic.CAPTURES, long_ago) == long_ago


def test_a_time_that_has_not_come_is_refused(retention: Retention) -> None:
    with pytest.raises(RefusedError, match="has not come yet"):
        retention.rewind(Topic.CAPTURES, now() + timedelta(hours=1))


def capture(number: int) -> Outgoing:
    return Outgoing(Topic.CAPTURES, CaptureStored(trace_id=f"t{number}"))


@pytest.mark.needs("emulators")
@pytest.mark.parametrize("by", ["time", "snapshot"])
def test_pubsub_delivers_again_what_came_since(emulated_project: str, by: str) -> None:
    seen: list[str] = []

    def note(topic: Topic, pushed: Pushed) -> None:
        if topic is Topic.CAPTURES:
            seen.append(pushed.data.decode())

    publisher, retention = PubSubPublisher(emulated_project), PubSubRetention(emulated_project, now)
    with CloudBroker(emulated_project).delivering(note):
        publisher.publish([capture(1)])
        wait_for(lambda: len(seen) == 1)
        time.sleep(1.5)
        moment = now()
        retention.snapshot("between")
        publisher.publish([capture(2), capture(3)])
        wait_for(lambda: len(seen) == 3)
        time.sleep(1.5)
        seen.clear()
        assert retention.rewind(Topic.CAPTURES, moment if by == "time" else "between") is None
        wait_for(lambda: len(seen) >= 2)
        time.sleep(2)
    assert sorted(set(seen)) == ['{"trace_id":"t2"}', '{"trace_id":"t3"}']


@pytest.mark.needs("emulators")
def test_what_waits_for_its_next_attempt_outlives_a_replay_of_what_came_later(emulated_project: str) -> None:
    """A subscription that is sought to a time counts all before it as done."""
    broken, seen = [True], set()

    def note(topic: Topic, pushed: Pushed) -> None:
        if topic is Topic.CAPTURES:
            if broken[0]:
                raise RuntimeError("an outage")
            seen.add(pushed.data.decode())

    publisher, retention = PubSubPublisher(emulated_project), PubSubRetention(emulated_project, now)
    with CloudBroker(emulated_project).delivering(note, attempts=100):
        publisher.publish([capture(1)])
        time.sleep(1.5)
        moment = now()
        publisher.publish([capture(2)])
        time.sleep(0.5)
        retention.rewind(Topic.CAPTURES, moment)
        broken[0] = False
        wait_for(lambda: len(seen) == 2)


@pytest.mark.needs("emulators")
def test_a_snapshot_is_of_every_stage_or_of_none(emulated_project: str) -> None:
    retention = PubSubRetention(emulated_project, now)
    with CloudBroker(emulated_project).delivering(lambda _topic, _pushed: None):
        taken = f"projects/{emulated_project}/snapshots/evalforge-generate-monday"
        subscription = f"projects/{emulated_project}/subscriptions/evalforge-generate"
        with SubscriberClient() as subscriber:
            subscriber.create_snapshot(request={"name": taken, "subscription": subscription})
            with pytest.raises(NameTakenError):
                retention.snapshot("monday")
            assert [
                one.name for one in subscriber.list_snapshots(project=f"projects/{emulated_project}")
            ] == [taken]
