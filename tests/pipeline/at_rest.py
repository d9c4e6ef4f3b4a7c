"""What rests in an embedded store: its files byte by byte, its rows, and what is packed in them."""

import base64
import json
import sqlite3
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def all_of(store: Path) -> str:
    """Read the store's files byte by byte, its rows, and what is packed in them."""
    files = [file.read_bytes().decode("utf-8", "replace") for file in store.parent.glob(f"{store.name}*")]
    connection = sqlite3.connect(store)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    rows = [row for table in tables for row in connection.execute(f"SELECT * FROM {table}")]
    connection.close()
    return "\n".join(
        [*files, *(json.dumps(row, default=repr) for row in rows), unpacked(documents_in(store))]
    )


def documents_in(store: Path) -> list[tuple[str, str, dict[str, Any]]]:
    """Read every document with its collection and its name, in order."""
    connection = sqlite3.connect(store)
    rows = connection.execute("SELECT collection, id, data FROM documents ORDER BY collection, id").fetchall()
    connection.close()
    return [(collection, name, json.loads(data)) for collection, name, data in rows]


def is_chunked(documents: Iterable[tuple[str, str, dict[str, Any]]]) -> bool:
    """Say whether anything is stored in chunks."""
    return any(collection.endswith("chunks") for collection, _, _ in documents)


def unpacked(documents: Iterable[tuple[str, str, dict[str, Any]]]) -> str:
    """Unpack the bodies of documents; those in chunks are joined in the order of the chunks' names."""
    packings: dict[tuple[str, str], str] = {}
    for collection, name, data in documents:
        if "body" in data:
            whole = name.rsplit("-", 1)[0] if collection.endswith("chunks") else name
            packings[collection, whole] = packings.get((collection, whole), "") + data["body"]
    return "\n".join(zlib.decompress(base64.b64decode(body)).decode() for body in packings.values())
