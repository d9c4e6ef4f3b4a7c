"""The documents port on SQLite: JSON text beside an optional vector."""

import json
import sqlite3
from collections.abc import Iterable, Sequence

import numpy as np
from pydantic import JsonValue

from shared.batches import batched
from shared.cursors import cursor_after, read_cursor
from shared.domain.canonical import canonical_json
from shared.domain.ids import is_document_id
from shared.embedded.database import Database
from shared.errors import RefusedError
from shared.ports import Check, Create, Delete, Document, Neighbour, Page, Replace, Vector, Write
from shared.topology import QUERIES, Query, VectorIndex

_READ_AT_ONCE = 500
# What earlier versions wrote lacks fields that queries now ask for.
_BROUGHT_UP_TO_DATE = """
UPDATE documents
    SET data = json_set(data, '$.state', 'waiting', '$.due_at', '9999-01-01T00:00:00.000000+00:00')
    WHERE collection = 'dead_letters' AND json_extract(data, '$.state') IS NULL;
UPDATE documents SET data = json_set(data, '$.stored_at', json_extract(data, '$.started_at'))
    WHERE collection = 'raw_traces' AND json_extract(data, '$.stored_at') IS NULL;
UPDATE documents SET data = json_set(data, '$.stored_at', json_extract(data, '$.started_at'))
    WHERE collection = 'healthy_traces' AND json_extract(data, '$.stored_at') IS NULL;
"""


class SqliteDocuments:
    """Documents in one table, with an index for every declared query."""

    def __init__(self, database: Database) -> None:
        """Make the declared indexes where they are missing."""
        self._database = database
        with database.transaction() as connection:
            for query in QUERIES:
                connection.execute(_index_sql(query))
            for sql in _BROUGHT_UP_TO_DATE.split(";"):
                connection.execute(sql)

    def get(self, collection: str, document_id: str) -> Document | None:
        """Read one document."""
        if not is_document_id(document_id):
            return None
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT id, data, version FROM documents WHERE collection = ? AND id = ?",
                (collection, document_id),
            ).fetchone()
        return _document(row) if row else None

    def get_many(
        self, collection: str, document_ids: Iterable[str], fields: Sequence[str]
    ) -> dict[str, Document]:
        """Read these fields of many documents."""
        with self._database.reading() as connection:
            rows = [
                row
                for some in batched(filter(is_document_id, document_ids), _READ_AT_ONCE)
                for row in connection.execute(_read_sql(len(some)), (collection, *some))
            ]
        return {found.id: _with_only(found, fields) for found in map(_document, rows)}

    def commit(self, *writes: Write) -> bool:
        """Do all writes, or none and return False when any precondition does not hold."""
        if len({(write.collection, write.id) for write in writes}) < len(writes):
            raise RefusedError("a commit writes one document twice")
        try:
            with self._database.transaction() as connection:
                for write in writes:
                    _apply(connection, write)
        except _PreconditionError:
            return False
        return True

    def query(
        self, query: Query, equals: Sequence[JsonValue] = (), *, limit: int, cursor: str | None = None
    ) -> Page:
        """Read a page of a declared query."""
        where, values = _from_cursor(query, equals, cursor)
        keys = _order(query)
        order = ", ".join(f"{key} {'DESC' if query.descending else 'ASC'}" for key in keys)
        sql = f"SELECT id, data, version FROM documents WHERE {where} ORDER BY {order} LIMIT ?"  # noqa: S608
        with self._database.reading() as connection:
            rows = connection.execute(sql, (*values, limit + 1)).fetchall()
        documents = [_document(row) for row in rows[:limit]]
        more = len(rows) > limit and documents
        return Page(documents, cursor_after(documents[-1], query) if more else None)

    def count(self, query: Query, equals: Sequence[JsonValue] = ()) -> int:
        """Count what a declared query would find."""
        where, values = _where(query.collection, query.filters, equals)
        with self._database.reading() as connection:
            row = connection.execute(f"SELECT count(*) FROM documents WHERE {where}", values).fetchone()  # noqa: S608
        return int(row[0])

    def nearest(
        self, index: VectorIndex, equals: Sequence[JsonValue], vector: Vector, *, limit: int
    ) -> list[Neighbour]:
        """Compare with every vector that the filters leave: exact, and fast enough to a hundred thousand."""
        where, values = _where(index.collection, index.filters, equals)
        sql = f"SELECT id, vector FROM documents WHERE {where} AND vector IS NOT NULL ORDER BY id"  # noqa: S608
        with self._database.reading() as connection:
            rows = connection.execute(sql, values).fetchall()
        if not rows:
            return []
        matrix = np.frombuffer(b"".join(row[1] for row in rows), dtype=np.float32).reshape(len(rows), -1)
        # Rounding can carry the cosine of equal unit vectors past 1.
        similarities = np.minimum(matrix @ np.asarray(vector, dtype=np.float32), 1.0)
        best = np.argsort(-similarities, kind="stable")[:limit]
        found = ((self.get(index.collection, rows[i][0]), float(similarities[i])) for i in best)
        return [Neighbour(document, similarity) for document, similarity in found if document]


class _PreconditionError(Exception):
    """Rolls a commit back."""


def _apply(connection: sqlite3.Connection, write: Write) -> None:
    """Do one write, or raise what rolls its commit back."""
    if not is_document_id(write.id):
        raise RefusedError(f"{write.collection}: this is no document id")
    match write:
        case Create(collection, document_id, data, vector):
            cursor = connection.execute(
                "INSERT OR IGNORE INTO documents (collection, id, data, vector, version)"
                " VALUES (?, ?, ?, ?, 1)",
                (collection, document_id, canonical_json(dict(data)), _blob(vector)),
            )
        case Replace(collection, document_id, data, version, vector):
            cursor = connection.execute(
                "UPDATE documents SET data = ?, vector = ?, version = version + 1"
                " WHERE collection = ? AND id = ? AND version = ?",
                (canonical_json(dict(data)), _blob(vector), collection, document_id, int(version)),
            )
        case Delete(collection, document_id, None):
            connection.execute(
                "DELETE FROM documents WHERE collection = ? AND id = ?", (collection, document_id)
            )
            return
        case Delete(collection, document_id, version):
            cursor = connection.execute(
                "DELETE FROM documents WHERE collection = ? AND id = ? AND version = ?",
                (collection, document_id, int(version or 0)),
            )
        case Check(collection, document_id, version):
            found = connection.execute(
                "SELECT 1 FROM documents WHERE collection = ? AND id = ? AND version = ?",
                (collection, document_id, int(version)),
            )
            if found.fetchone() is None:
                raise _PreconditionError
            return
    if cursor.rowcount != 1:
        raise _PreconditionError


def _blob(vector: Vector | None) -> bytes | None:
    return None if vector is None else np.asarray(vector, dtype=np.float32).tobytes()


def _document(row: tuple[str, str, int]) -> Document:
    return Document(row[0], json.loads(row[1]), str(row[2]))


def _read_sql(many: int) -> str:
    marks = ", ".join("?" * many)
    return f"SELECT id, data, version FROM documents WHERE collection = ? AND id IN ({marks})"  # noqa: S608


def _with_only(document: Document, fields: Sequence[str]) -> Document:
    return document._replace(data={name: document.data[name] for name in fields if name in document.data})


def _field(name: str | None) -> str:
    return f"json_extract(data, '$.{name}')"


def _where(
    collection: str, filters: Sequence[str], equals: Sequence[JsonValue]
) -> tuple[str, list[JsonValue]]:
    if len(filters) != len(equals):
        raise ValueError(f"the query on {collection} takes {len(filters)} values, not {len(equals)}")
    clauses = ["collection = ?", *(f"{_field(name)} = ?" for name in filters)]
    return " AND ".join(clauses), [collection, *equals]


def _order(query: Query) -> list[str]:
    return [*([_field(query.order_by)] if query.order_by else []), "id"]


def _from_cursor(
    query: Query, equals: Sequence[JsonValue], cursor: str | None
) -> tuple[str, list[JsonValue]]:
    where, values = _where(query.collection, query.filters, equals)
    if cursor is None:
        return where, values
    keys = _order(query)
    marks = ", ".join("?" for _ in keys)
    where += f" AND ({', '.join(keys)}) {'<' if query.descending else '>'} ({marks})"
    return where, [*values, *read_cursor(cursor, query)]


def _index_sql(query: Query) -> str:
    fields = [*query.filters, *([query.order_by] if query.order_by else [])]
    name = "_".join(["by", query.collection, *fields])
    columns = ", ".join(["collection", *map(_field, fields), "id"])
    return (
        f"CREATE INDEX IF NOT EXISTS {name} ON documents ({columns}) WHERE collection = '{query.collection}'"
    )
