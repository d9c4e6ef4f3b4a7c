"""One SQLite file: connections, transactions, and the tables that the adapters share."""

import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import ConfigError, StoreDamagedError, UnavailableError

OLDEST_SQLITE = (3, 38, 0)  # RETURNING came with 3.35, JSON functions are built in since 3.38
_BUSY_SECONDS = 30
_PASSING = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY_CODE = 0xFF

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    data TEXT NOT NULL,
    vector BLOB,
    version INTEGER NOT NULL,
    PRIMARY KEY (collection, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    data BLOB NOT NULL,
    attributes TEXT NOT NULL,
    available_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    leased_until REAL
);
CREATE INDEX IF NOT EXISTS messages_by_time ON messages (available_at, id);
CREATE TABLE IF NOT EXISTS snapshots (
    name TEXT PRIMARY KEY,
    at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS trace_files (
    sha256 TEXT PRIMARY KEY,
    path TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS file_traces (
    trace_id TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (trace_id, sha256)
) WITHOUT ROWID;
"""


class Database:
    """Connections to one SQLite file, lent to one user at a time; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises:
            ConfigError: the file cannot be opened, or is none of SQLite's.
        """
        self.path = path
        self._idle: list[sqlite3.Connection] = []
        weakref.finalize(self, _close_all, self._idle)
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            needed = ".".join(map(str, OLDEST_SQLITE))
            raise ConfigError(
                f"SQLite {sqlite3.sqlite_version} is too old, {needed} is needed: use a newer Python"
            )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600, exist_ok=True)
            with self.reading() as connection:
                connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error, UnavailableError, StoreDamagedError) as error:
            raise ConfigError(
                f"the store {path} cannot be opened ({error}); name another file with --store"
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Do what is in the block atomically, one writer at a time."""
        with self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read what was committed.

        Raises:
            UnavailableError: the file is busy or full; the message is delivered again.
            StoreDamagedError: what the file holds cannot be read.
        """
        connection: sqlite3.Connection | None = None
        try:
            connection = self._borrow()
            yield connection
        except sqlite3.DatabaseError as error:
            # Errors that this module's callers make themselves have no code.
            code = getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE
            if code in _DAMAGED:
                raise StoreDamagedError(
                    f"the store {self.path} is damaged ({error}); restore it, or name another with --store"
                ) from error
            if code not in _PASSING:
                raise
            raise UnavailableError(f"the store {self.path} did not answer: {error}") from error
        finally:
            if connection is not None:
                self._idle.append(connection)

    def _borrow(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            pass
        connection = sqlite3.connect(
            self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            # In WAL mode NORMAL survives a killed process whole; only a power cut loses the newest commits.
            connection.execute("PRAGMA synchronous = NORMAL")
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _close_all(connections: list[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()
