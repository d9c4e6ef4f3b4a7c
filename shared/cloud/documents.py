"""The documents port on Firestore."""

import secrets
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from google.api_core import exceptions as api
from google.api_core.datetime_helpers import DatetimeWithNanoseconds
from google.cloud.firestore import (
    Client,
    CollectionReference,
    DocumentReference,
    DocumentSnapshot,
    FieldFilter,
    WriteBatch,
)
from google.cloud.firestore_v1.base_query import BaseQuery
from google.cloud.firestore_v1.base_vector_query import DistanceMeasure
from google.cloud.firestore_v1.vector import Vector as FirestoreVector
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import JsonValue

from shared.batches import batched
from shared.cloud.failures import Service, patience, telling
from shared.cloud.fields import from_fields, to_fields
from shared.cloud.transactions import commit_checked
from shared.cloud.writes import creating, replacing
from shared.cursors import REFUSED, cursor_after, read_cursor
from shared.domain.ids import is_document_id
from shared.errors import MessageError, RefusedError
from shared.ports import Check, Create, Delete, Document, Neighbour, Page, Replace, Vector, Write
from shared.topology import VECTOR_FIELD, Query, VectorIndex

_DISTANCE = "evalforge_distance"
_WRITTEN = "evalforge_write"
# Firestore's own limits are 1 MiB and 10 MiB; the rest is room for names and for what it counts beside.
_READ_AT_ONCE = 100
_LARGEST_DOCUMENT = 1_040_000
_LARGEST_COMMIT = 10_000_000


class FirestoreDocuments:
    """Documents in the collections of one prefix, at every level.

    What was written is in fields of the same names, so that people and other
    tools can read them; see `fields` for what Firestore cannot hold as it is.
    The client is made at the first call, once, because functions fork after
    import and serve in threads.
    """

    def __init__(
        self, project: str, database: str, prefix: str, *, patience_seconds: float | None = None
    ) -> None:
        """Make nothing yet."""
        self._patience = patience_seconds
        self._project = project
        self._database = database
        self._prefix = prefix
        self._service = Service(
            "Firestore",
            f"Firestore's database {database} of project {project}",
            missing="`terraform apply` makes it; or set GOOGLE_CLOUD_PROJECT and FIRESTORE_DATABASE to one",
            forbidden="give it roles/datastore.user in this project",
            unready="an index is missing or still being built: `terraform apply` makes all that are needed",
        )
        self._lock = threading.Lock()
        self._made: Client | None = None

    def get(self, collection: str, document_id: str) -> Document | None:
        """Read one document."""
        if not is_document_id(document_id):
            return None
        with self._telling():
            return _document(self._reference(collection, document_id).get(**patience(self._patience)))

    def get_many(
        self, collection: str, document_ids: Iterable[str], fields: Sequence[str]
    ) -> dict[str, Document]:
        """Read these fields of many documents."""
        found: dict[str, Document] = {}
        for some in batched(filter(is_document_id, dict.fromkeys(document_ids)), _READ_AT_ONCE):
            references = [self._reference(collection, one) for one in some]
            with self._telling():
                for one in self._client().get_all(
                    references, field_paths=list(fields), **patience(self._patience)
                ):
                    if (document := _document(one)) is not None:
                        found[document.id] = document
        return found

    def commit(self, *writes: Write) -> bool:
        """Do all writes, or none and return False when any precondition does not hold."""
        if not writes:
            return True
        batch = self._client().batch()
        for write in writes:
            self._add(batch, write)
        self._check_sizes(batch)
        with self._telling():
            try:
                if checks := [one for one in writes if isinstance(one, Check)]:
                    return self._commit_checked(batch, checks)
                batch.commit(**patience(self._patience))
            except (api.AlreadyExists, api.FailedPrecondition):
                return False
            except api.NotFound:
                # A document is missing, or the whole database: reading tells which.
                self._reference(writes[0].collection, writes[0].id).get(**patience(self._patience))
                return False
        return True

    def _commit_checked(self, batch: WriteBatch, checks: Sequence[Check]) -> bool:
        held = {self._reference(one.collection, one.id): one.version for one in checks}
        return commit_checked(self._client(), batch, held, _version, **patience(self._patience))

    def query(
        self, query: Query, equals: Sequence[JsonValue] = (), *, limit: int, cursor: str | None = None
    ) -> Page:
        """Read a page of a declared query."""
        asked = self._ordered(query, equals).limit(limit + 1)
        if cursor is not None:
            asked = asked.start_after(self._start(query, cursor))
        with self._telling():
            snapshots: Any = asked.get(**patience(self._patience))
        found = [document for one in snapshots if (document := _document(one))]
        more = len(found) > limit
        return Page(found[:limit], cursor_after(found[limit - 1], query) if more else None)

    def count(self, query: Query, equals: Sequence[JsonValue] = ()) -> int:
        """Count what a declared query would find."""
        with self._telling():
            counted: Any = self._ordered(query, equals).count(alias="all")
            return int(counted.get(**patience(self._patience))[0][0].value)

    def nearest(
        self, index: VectorIndex, equals: Sequence[JsonValue], vector: Vector, *, limit: int
    ) -> list[Neighbour]:
        """Search the vector index, among the documents that the filters leave."""
        asked: Any = self._filtered(index.collection, index.filters, equals).find_nearest(
            vector_field=VECTOR_FIELD,
            query_vector=FirestoreVector(vector),
            limit=limit,
            distance_measure=DistanceMeasure.DOT_PRODUCT,
            distance_result_field=_DISTANCE,
        )
        with self._telling():
            snapshots = asked.get(**patience(self._patience))
        found = ((_document(one), float(one.get(_DISTANCE))) for one in snapshots)
        return [Neighbour(document, min(1.0, product)) for document, product in found if document]

    def _client(self) -> Client:
        with self._lock:
            if self._made is None:
                with self._telling():
                    self._made = Client(project=self._project, database=self._database)
            return self._made

    def _telling(self) -> AbstractContextManager[None]:
        return telling(self._service)

    def _collection(self, path: str) -> CollectionReference:
        """Put the prefix before the name of each collection on the way."""
        names = path.split("/")
        return self._client().collection(
            *(self._prefix + name if at % 2 == 0 else name for at, name in enumerate(names))
        )

    def _reference(self, collection: str, document_id: str) -> DocumentReference:
        return self._collection(collection).document(document_id)

    def _add(self, batch: WriteBatch, write: Write) -> None:
        if not is_document_id(write.id):
            raise RefusedError(f"{write.collection}: this is no document id")
        reference = self._reference(write.collection, write.id)
        match write:
            case Create(data=data, vector=vector):
                path = reference._document_path  # noqa: SLF001
                batch._add_write_pbs([creating(path, _fields(data, vector))])  # noqa: SLF001
            case Replace(data=data, version=version, vector=vector):
                path = reference._document_path  # noqa: SLF001
                batch._add_write_pbs([replacing(path, _fields(data, vector), _time_of(version))])  # noqa: SLF001
            case Delete(version=None):
                batch.delete(reference)
            case Delete(version=version):
                batch.delete(reference, self._client().write_option(last_update_time=_time_of(version or "")))
            case Check():
                # Nothing is written; the commit reads it.
                return

    def _check_sizes(self, batch: WriteBatch) -> None:
        """Refuse what Firestore would refuse, before it is sent."""
        sizes = [(write.update.name, write._pb.ByteSize()) for write in batch._write_pbs]  # noqa: SLF001
        for name, size in sizes:
            if size > _LARGEST_DOCUMENT:
                raise RefusedError(
                    f"a document of {name.split('/')[-2]} has {size} bytes; Firestore takes 1 MiB"
                )
        if (total := sum(size for _, size in sizes)) > _LARGEST_COMMIT:
            raise RefusedError(f"a commit of {total} bytes; Firestore takes 10 MiB")

    def _ordered(self, query: Query, equals: Sequence[JsonValue]) -> BaseQuery:
        """Ask in the query's order, for a count as well: one index serves both."""
        direction = "DESCENDING" if query.descending else "ASCENDING"
        asked: Any = self._filtered(query.collection, query.filters, equals)
        if query.order_by:
            asked = asked.order_by(query.order_by, direction=direction)
        ordered: BaseQuery = asked.order_by("__name__", direction=direction)
        return ordered

    def _filtered(
        self, collection: str, filters: Sequence[str], equals: Sequence[JsonValue]
    ) -> BaseQuery | CollectionReference:
        if len(filters) != len(equals):
            raise ValueError(f"the query on {collection} takes {len(filters)} values, not {len(equals)}")
        asked: Any = self._collection(collection)
        for name, value in zip(filters, equals, strict=True):
            asked = asked.where(filter=FieldFilter(name, "==", value))
        return asked  # type: ignore[no-any-return]

    def _start(self, query: Query, cursor: str) -> dict[str, Any]:
        *value, last = read_cursor(cursor, query)
        if not is_document_id(str(last)):
            raise MessageError(REFUSED)
        start = {query.order_by: value[0]} if query.order_by else {}
        return {**start, "__name__": self._reference(query.collection, str(last))}


def _fields(data: Mapping[str, JsonValue], vector: Vector | None) -> dict[str, JsonValue]:
    """Spell a document; a write that changes nothing would keep its update time, which is its version."""
    fields: dict[str, JsonValue] = {**to_fields(data), _WRITTEN: secrets.token_hex(8)}
    if vector is not None:
        fields[VECTOR_FIELD] = {"__type__": "__vector__", "value": [*map(float, vector)]}
    return fields


def _document(snapshot: DocumentSnapshot[Any]) -> Document | None:
    if not snapshot.exists:
        return None
    fields = snapshot.to_dict() or {}
    for ours in (VECTOR_FIELD, _DISTANCE, _WRITTEN):
        fields.pop(ours, None)
    return Document(snapshot.id, from_fields(fields), _version(snapshot))


def _version(snapshot: DocumentSnapshot[Any]) -> str:
    return str(snapshot.update_time.rfc3339())


def _time_of(version: str) -> Timestamp:
    told: Timestamp = DatetimeWithNanoseconds.from_rfc3339(version).timestamp_pb()  # type: ignore[no-untyped-call]
    return told
