"""Publishing and delivery on SQLite: at least once, leases, backoff, attempts, dead letters."""

import json
import os
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import psutil

from shared.embedded.database import Database
from shared.messages import SCHEMA_VERSION
from shared.ports import Outgoing
from shared.pubsub_push import (
    DEAD_LETTER_ATTEMPTS,
    DEAD_LETTER_SOURCE,
    LAST_ERROR,
    SCHEMA,
    TRACE_CONTEXT,
    Pushed,
)
from shared.topology import EMBEDDED_RETRIES, RetryPolicy, Topic

LEASE_SECONDS = 60.0
_BATCH = 500
_CLOCK_TOLERANCE = 1.0


class Leased(NamedTuple):
    """A message that this process works on until its lease ends."""

    id: int
    topic: Topic
    pushed: Pushed
    attempt: int
    lease: str


class SqliteQueue:
    """Messages in one table; each topic has one subscription, so a message has one row."""

    def __init__(
        self,
        database: Database,
        *,
        retries: RetryPolicy = EMBEDDED_RETRIES,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Work as this process; leases of processes that have died are free at once."""
        self._database = database
        self._retries = retries
        self._now = now
        self._owner = _owner_of(psutil.Process(os.getpid()))
        self._leases = 0

    def publish(self, outgoing: Iterable[Outgoing], *, trace_context: str = "") -> int:
        """Put messages on their topics, in batches that are each kept whole."""
        attributes = {SCHEMA: SCHEMA_VERSION, TRACE_CONTEXT: trace_context}
        spelled = json.dumps({key: value for key, value in attributes.items() if value})
        published = 0
        batch: list[tuple[str, bytes, str, float]] = []
        for topic, message in outgoing:
            batch.append((topic, message.model_dump_json().encode(), spelled, self._now()))
            if len(batch) == _BATCH:
                published += self._insert(batch)
                batch = []
        return published + self._insert(batch)

    def lease(self) -> Leased | None:
        """Take the message that has waited longest; None when nothing is due."""
        now = self._now()
        self._leases += 1
        token = f"{self._owner}/{time.monotonic_ns()}/{self._leases}"
        with self._database.transaction() as connection:
            # No wait and no lease is longer than its policy: what seems so was written before the clock was
            # set back, and is due.
            row = connection.execute(
                "UPDATE messages SET owner = ?, leased_until = ?, attempts = attempts + 1 WHERE id = ("
                " SELECT id FROM messages WHERE (available_at <= ? OR available_at > ?)"
                " AND (owner IS NULL OR leased_until <= ? OR leased_until > ?)"
                " ORDER BY available_at, id LIMIT 1)"
                " RETURNING id, topic, data, attributes, attempts",
                (
                    *(token, now + LEASE_SECONDS),
                    *(now, now + self._retries.longest_wait + _CLOCK_TOLERANCE),
                    *(now, now + LEASE_SECONDS + _CLOCK_TOLERANCE),
                ),
            ).fetchone()
        if row is None:
            return None
        pushed = Pushed(data=row[2], message_id=str(row[0]), attributes=json.loads(row[3]))
        return Leased(row[0], Topic(row[1]), pushed, row[4], token)

    def acknowledge(self, leased: Leased) -> None:
        """Remove a message that was worked on; a lease that has passed on changes nothing."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM messages WHERE id = ? AND owner = ?", (leased.id, leased.lease))

    def reject(self, leased: Leased, reason: str = "") -> None:
        """Give a message back for a later try, or with the last reason to the dead letters."""
        with self._database.transaction() as connection:
            if leased.attempt >= self._retries.attempts and leased.topic is not Topic.DEAD_LETTERS:
                attributes = dict(leased.pushed.attributes) | {
                    DEAD_LETTER_SOURCE: leased.topic.value,
                    DEAD_LETTER_ATTEMPTS: str(leased.attempt),
                    LAST_ERROR: reason,
                }
                connection.execute(
                    "UPDATE messages SET topic = ?, attributes = ?, attempts = 0, owner = NULL,"
                    " available_at = ? WHERE id = ? AND owner = ?",
                    (Topic.DEAD_LETTERS, json.dumps(attributes), self._now(), leased.id, leased.lease),
                )
                return
            # Two to the sixtieth passes any wait; a larger power would pass what a float holds.
            wait = self._retries.first_wait * 2 ** min(leased.attempt - 1, 60)
            connection.execute(
                "UPDATE messages SET owner = NULL, available_at = ? WHERE id = ? AND owner = ?",
                (self._now() + min(wait, self._retries.longest_wait), leased.id, leased.lease),
            )

    def pending(self) -> int:
        """Count the messages that were not yet worked on to the end."""
        with self._database.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM messages").fetchone()[0])

    def pending_by_topic(self) -> dict[Topic, int]:
        """Count what is left to do on each topic."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT topic, count(*) FROM messages GROUP BY topic").fetchall()
        return {Topic(topic): count for topic, count in rows}

    def retry_dead_letters(self) -> None:
        """Give dead letters that could not be kept all their attempts again."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE messages SET attempts = 0, available_at = ? WHERE topic = ? AND owner IS NULL",
                (self._now(), Topic.DEAD_LETTERS),
            )

    def is_stuck(self) -> bool:
        """Say whether nothing is left but dead letters that every attempt failed to keep."""
        with self._database.reading() as connection:
            left, stuck = connection.execute(
                "SELECT count(*), count(*) FILTER (WHERE topic = ? AND attempts >= ? AND owner IS NULL)"
                " FROM messages",
                (Topic.DEAD_LETTERS, self._retries.attempts),
            ).fetchone()
        return 0 < int(left) == int(stuck)

    def release_dead_owners(self) -> int:
        """Free the leases of processes that were killed, and say how many there were."""
        with self._database.transaction() as connection:
            owners = {
                row[0] for row in connection.execute("SELECT owner FROM messages WHERE owner IS NOT NULL")
            }
            dead = [(owner,) for owner in owners if not _is_alive(owner)]
            connection.executemany("UPDATE messages SET owner = NULL WHERE owner = ?", dead)
        return len(dead)

    def _insert(self, batch: list[tuple[str, bytes, str, float]]) -> int:
        if batch:
            with self._database.transaction() as connection:
                connection.executemany(
                    "INSERT INTO messages (topic, data, attributes, available_at) VALUES (?, ?, ?, ?)", batch
                )
        return len(batch)


def _owner_of(process: psutil.Process) -> str:
    """Name a process for ever: its number alone is used again."""
    return f"{process.pid}:{process.create_time():.2f}"


def _is_alive(owner: str) -> bool:
    name = owner.partition("/")[0]
    try:
        return _owner_of(psutil.Process(int(name.partition(":")[0]))) == name
    except (psutil.NoSuchProcess, ValueError):
        return False
    except psutil.AccessDenied:
        return True
