"""Publishing and delivery: at least once, leases, backoff, dead letters."""

import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from shared.embedded.database import Database
from shared.embedded.queue import LEASE_SECONDS, Leased, SqliteQueue
from shared.messages import AlertRaised, TraceFound
from shared.ports import Outgoing
from shared.pubsub_push import DEAD_LETTER_ATTEMPTS, DEAD_LETTER_SOURCE, LAST_ERROR
from shared.topology import RetryPolicy, Topic
from tests.conftest import ROOT
from tests.contract.backends import embedded_queue

RETRIES = RetryPolicy(first_wait=10, longest_wait=60, attempts=4)


class Time:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def queue(tmp_path: Path, time: Time) -> SqliteQueue:
    return embedded_queue(tmp_path, retries=RETRIES, now=time)


def order(number: int, topic: Topic = Topic.ALERTS) -> Outgoing:
    return Outgoing(topic, AlertRaised(incident_id=f"in-{number}"))


def leased(queue: SqliteQueue) -> Leased:
    taken = queue.lease()
    assert taken is not None
    return taken


def test_messages_come_in_the_order_of_publishing(queue: SqliteQueue) -> None:
    assert queue.publish(order(number) for number in range(1200)) == 1200
    seen = []
    while (taken := queue.lease()) is not None:
        seen.append(taken.pushed.data)
        queue.acknowledge(taken)
    assert seen == [
        AlertRaised(incident_id=f"in-{number}").model_dump_json().encode() for number in range(1200)
    ]
    assert queue.pending() == 0


def test_a_message_carries_its_attributes(queue: SqliteQueue) -> None:
    queue.publish([order(1)], trace_context="00-abc-def-01")
    assert leased(queue).pushed.attributes == {"schema": "1", "traceparent": "00-abc-def-01"}


def test_a_leased_message_is_nobody_elses_until_the_lease_ends(queue: SqliteQueue, time: Time) -> None:
    queue.publish([order(1)])
    first = leased(queue)
    assert queue.lease() is None
    assert queue.pending() == 1
    time.now += LEASE_SECONDS
    second = leased(queue)
    assert (second.id, second.attempt) == (first.id, 2)
    queue.acknowledge(first)
    assert queue.pending() == 1, "a lease that has passed on acknowledges nothing"
    queue.reject(first)
    assert queue.lease() is None, "a lease that has passed on gives nothing back"
    queue.acknowledge(second)
    assert queue.pending() == 0


def test_a_rejected_message_waits_longer_each_time(queue: SqliteQueue, time: Time) -> None:
    queue.publish([order(1)])
    for wait in (10, 20, 40):
        queue.reject(leased(queue))
        time.now += wait - 0.1
        assert queue.lease() is None
        time.now += 0.2
    assert leased(queue).attempt == 4


def test_a_clock_that_is_set_back_delays_no_message(queue: SqliteQueue, time: Time) -> None:
    queue.publish([order(1), order(2)])
    held = leased(queue)
    time.now -= 24 * 3600
    first, second = leased(queue), leased(queue)
    assert {first.id, second.id} == {1, 2}
    assert held.id in (first.id, second.id), "a lease that ends a day from now was made by another clock"


def test_no_wait_is_longer_than_the_longest(tmp_path: Path, time: Time) -> None:
    queue = embedded_queue(tmp_path, retries=RetryPolicy(10, 60, 2000), now=time)
    queue.publish([order(1)])
    for _ in range(1100):
        queue.reject(leased(queue))
        time.now += 60
    assert leased(queue).attempt == 1101


def test_after_its_last_attempt_a_message_is_a_dead_letter(queue: SqliteQueue, time: Time) -> None:
    queue.publish([order(1), order(2)])
    for _ in range(RETRIES.attempts):
        queue.reject(leased(queue), "UnavailableError: no answer")
        queue.reject(leased(queue), "UnavailableError: no answer")
        time.now += 100
    assert queue.pending_by_topic() == {Topic.DEAD_LETTERS: 2}
    buried = leased(queue)
    assert buried.attempt == 1
    assert buried.pushed.attributes[DEAD_LETTER_SOURCE] == "alerts"
    assert buried.pushed.attributes[DEAD_LETTER_ATTEMPTS] == "4"
    assert buried.pushed.attributes[LAST_ERROR] == "UnavailableError: no answer"


def test_a_dead_letter_is_never_buried_twice(queue: SqliteQueue, time: Time) -> None:
    queue.publish([order(1, Topic.DEAD_LETTERS)])
    for _ in range(10):
        queue.reject(leased(queue))
        time.now += 100
    assert queue.pending_by_topic() == {Topic.DEAD_LETTERS: 1}


def test_many_workers_take_every_message_once(tmp_path: Path) -> None:
    queue = SqliteQueue(Database(tmp_path / "q.db"))
    queue.publish(Outgoing(Topic.FAILURES, TraceFound(trace_id=str(n), incident_id="i")) for n in range(300))
    taken: Counter[int] = Counter()
    lock = threading.Lock()

    def work() -> None:
        while (one := queue.lease()) is not None:
            with lock:
                taken[one.id] += 1
            queue.acknowledge(one)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 300
    assert set(taken.values()) == {1}


def test_the_lease_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    store = tmp_path / "q.db"
    queue = SqliteQueue(Database(store))
    queue.publish([order(1), order(2)])
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from shared.embedded.database import Database\n"
        "from shared.embedded.queue import SqliteQueue\n"
        "assert SqliteQueue(Database(Path(sys.argv[1]))).lease()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(store)], cwd=ROOT, check=False, timeout=60)
    mine = leased(queue)
    assert queue.lease() is None, "the other message is held by the killed process"
    assert queue.release_dead_owners() == 1
    assert leased(queue).attempt == 2
    assert queue.lease() is None, "and our own lease still holds"
    queue.acknowledge(mine)
