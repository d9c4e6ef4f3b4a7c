"""Delivering again on SQLite: a snapshot is a moment, and what was stored since is published again."""

import sqlite3
from datetime import datetime

from shared.embedded.database import Database
from shared.errors import RefusedError, no_such_snapshot, snapshot_exists
from shared.ports import Clock
from shared.topology import Topic


class SqliteRetention:
    """Moments by name; the queue retains no message that was worked on."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Use the `snapshots` table."""
        self._database = database
        self._clock = clock

    def snapshot(self, name: str) -> None:
        """Remember this moment."""
        try:
            with self._database.transaction() as connection:
                connection.execute(
                    "INSERT INTO snapshots (name, at) VALUES (?, ?)", (name, self._clock().isoformat())
                )
        except sqlite3.IntegrityError as error:
            raise snapshot_exists(name) from error

    def rewind(self, topic: Topic, to: datetime | str) -> datetime | None:  # noqa: ARG002 - one port
        """Name the time since which the caller must publish again."""
        if isinstance(to, datetime):
            if to > self._clock():
                raise RefusedError(f"{to:%Y-%m-%d %H:%M} UTC has not come yet; nothing came since then")
            return to
        with self._database.reading() as connection:
            row = connection.execute("SELECT at FROM snapshots WHERE name = ?", (to,)).fetchone()
        if row is None:
            raise no_such_snapshot(to)
        return datetime.fromisoformat(row[0])
