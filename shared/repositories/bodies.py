"""Large records as compressed text in their document, and in chunks beside it where one is too small."""

import base64
import secrets
import zlib
from collections.abc import Iterator

from pydantic import JsonValue

from shared.domain.model import Model
from shared.errors import ConflictError
from shared.ports import Create, Delete, Documents, Write
from shared.topology import chunks_of

# A Firestore document holds 1 MiB at most; the rest is room for the head's own fields.
CHUNK_CHARACTERS = 700_000
_BODY = "body"
_CHUNKS = "body_chunks"


def pack(documents: Documents, collection: str, document_id: str, record: Model) -> dict[str, JsonValue]:
    """Write a record's chunks, if it needs any, and return the fields that its head carries.

    Every packing has chunks of its own, so that no writer's chunks are ever
    dropped for another's head; the head is written last, by the caller.
    """
    packed = base64.b64encode(zlib.compress(record.model_dump_json().encode(), level=6)).decode()
    if len(packed) <= CHUNK_CHARACTERS:
        return {_BODY: packed}
    names: list[JsonValue] = []
    packing = secrets.token_hex(6)
    for piece in _pieces(packed):
        name = f"{packing}-{len(names):04}"
        documents.commit(Create(chunks_of(collection, document_id), name, {_BODY: piece}))
        names.append(name)
    return {_CHUNKS: names}


def unpack(documents: Documents, collection: str, document_id: str, data: dict[str, JsonValue]) -> str:
    """Read a record's JSON back from its head and its chunks.

    Raises:
        ConflictError: a chunk has gone because the record was replaced meanwhile; read it again.
    """
    names = data.get(_CHUNKS)
    if not isinstance(names, list):
        return _inflate(str(data[_BODY]))
    found = [documents.get(chunks_of(collection, document_id), str(name)) for name in names]
    if None in found:
        raise ConflictError(f"{collection}/{document_id} was replaced while it was read")
    return _inflate("".join(str(chunk.data[_BODY]) for chunk in found if chunk))


def drops(collection: str, document_id: str, before: dict[str, JsonValue]) -> list[Write]:
    """List the removals of a dropped head's chunks; they belong in the commit that drops it."""
    names = before.get(_CHUNKS)
    path = chunks_of(collection, document_id)
    return [Delete(path, str(name)) for name in names] if isinstance(names, list) else []


def _inflate(packed: str) -> str:
    return zlib.decompress(base64.b64decode(packed)).decode()


def _pieces(packed: str) -> Iterator[str]:
    return (packed[at : at + CHUNK_CHARACTERS] for at in range(0, len(packed), CHUNK_CHARACTERS))
