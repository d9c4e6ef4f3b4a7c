"""Captures and healthy captures: a head for lists, the spans packed beside it."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple, Self

from pydantic import JsonValue

from shared.domain.captures import Capture, CaptureHead, head_of
from shared.domain.ids import document_id
from shared.ports import Create, Delete, Document, Documents, Replace, Write
from shared.repositories.bodies import drops, pack, unpack
from shared.repositories.courses import Courses
from shared.repositories.paging import every
from shared.topology import (
    ALL_CAPTURES,
    ALL_HEALTHY,
    CAPTURES_LATEST_FIRST,
    CONTROL_GROUP_BY_AGE,
    CONTROL_GROUP_LAST_FIRST,
    HEALTHY_LATEST_FIRST,
    HEALTHY_TRACES,
    RAW_TRACES,
    Query,
)

_STORED_AT = "stored_at"
# Captures are large.
_AT_ONCE = 10
_LONG_AGO = "0001-01-01T00:00:00+00:00"


class Stored(StrEnum):
    """What storing did."""

    NEW = "new"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"


class Known(NamedTuple):
    """What was stored of a trace before it was fetched; guards the write that follows."""

    document: Document | None

    @property
    def exists(self) -> bool:
        """Say whether anything was stored."""
        return self.document is not None

    @property
    def head(self) -> CaptureHead | None:
        """Sum up what was stored."""
        return _head(self.document) if self.document else None


class Seen(NamedTuple):
    """What the head of a capture says beside its contents: see CaptureHead."""

    look: str
    settled: bool
    cited_by: tuple[str, ...]
    roster: str

    @classmethod
    def as_before(cls, head: CaptureHead | None) -> Self:
        """Say what was said before."""
        if head is None:
            return cls("", settled=False, cited_by=(), roster="")
        return cls(head.look, head.settled, head.cited_by, head.roster)


class _CaptureCollection:
    """Captures in one collection."""

    def __init__(self, documents: Documents, collection: str, listing: Query, latest_first: Query) -> None:
        self._documents = documents
        self._collection = collection
        self._listing = listing
        self._latest_first = latest_first

    def get(self, trace_id: str) -> Capture | None:
        """Read a capture whole."""
        found = self._documents.get(self._collection, document_id(trace_id))
        return self._capture(found) if found else None

    def head(self, trace_id: str) -> CaptureHead | None:
        """Read what lists show of a capture."""
        found = self._documents.get(self._collection, document_id(trace_id))
        return _head(found) if found else None

    def heads(self) -> Iterator[CaptureHead]:
        """Yield the heads of all captures, the earliest first."""
        return (_head(document) for document in every(self._documents, self._listing))

    def all(self) -> Iterator[Capture]:
        """Yield all captures whole, the earliest first."""
        return (self._capture(document) for document in every(self._documents, self._listing))

    def count(self) -> int:
        """Count them."""
        return self._documents.count(self._listing)

    def known(self, trace_id: str) -> Known:
        """Look a trace up before fetching it, so that a later fetch by somebody else is noticed."""
        return Known(self._documents.get(self._collection, document_id(trace_id)))

    def heads_of(self, trace_ids: Iterable[str]) -> dict[str, CaptureHead]:
        """Sum up those of these traces that are stored, without what their captures hold."""
        named = {document_id(trace_id): trace_id for trace_id in trace_ids}
        found = self._documents.get_many(self._collection, named, list(CaptureHead.model_fields))
        return {named[name]: _head(document) for name, document in found.items()}

    def read(self, known: Known) -> Capture | None:
        """Read the capture that was known, whole."""
        return self._capture(known.document) if known.document else None

    def stored_since(self, moment: datetime) -> Iterator[str]:
        """Yield the ids of the traces that were stored since then, the latest first."""
        for document in every(self._documents, self._latest_first):
            # A time that is missing is older than all that have one.
            if datetime.fromisoformat(str(document.data.get(_STORED_AT, _LONG_AGO))) < moment:
                return
            yield _head(document).trace_id

    def store(self, capture: Capture, known: Known, *, at: datetime, seen: Seen | None = None) -> Stored:
        """Write a capture if it differs from what was known; a write since then is a conflict.

        Without `seen` it was not fetched, and what its head says of that stays.
        """
        name = document_id(capture.trace_id)
        before, known_head = known.document, known.head
        seen = seen or Seen.as_before(known_head)
        head = head_of(capture).model_copy(update=seen._asdict())
        if head == known_head:
            return Stored.UNCHANGED
        data = {
            **head.model_dump(mode="json"),
            _STORED_AT: at.astimezone(UTC).isoformat(timespec="microseconds"),
            **pack(self._documents, self._collection, name, capture),
        }
        writes: list[Write] = [Create(self._collection, name, data)]
        if before is not None:
            replaced = Replace(self._collection, name, data, before.version)
            writes = [replaced, *drops(self._collection, name, before.data)]
        while not self._documents.commit(*writes, *self._beside(capture)):
            if not self._is_still(name, before):
                return Stored.CONFLICT
        return Stored.REPLACED if before else Stored.NEW

    def remove(self, trace_id: str, known: Known) -> bool:
        """Remove what was known of a trace; returns False when somebody has written there since."""
        name = document_id(trace_id)
        if known.document is None:
            return self._documents.get(self._collection, name) is None
        removed = Delete(self._collection, name, known.document.version)
        dropped = drops(self._collection, name, known.document.data)
        while not self._documents.commit(removed, *dropped, *self._beside_removed(trace_id)):
            if not self._is_still(name, known.document):
                return self._documents.get(self._collection, name) is None
        return True

    def _is_still(self, name: str, known: Document | None) -> bool:
        """Say whether a capture is as it was known: then a commit failed by what is written beside it."""
        found = self._documents.get(self._collection, name)
        return (found.version if found else None) == (known.version if known else None)

    def _beside(self, capture: Capture) -> list[Write]:  # noqa: ARG002 - for a control group
        """List what is written together with a capture."""
        return []

    def _beside_removed(self, trace_id: str) -> list[Write]:  # noqa: ARG002 - for a control group
        """List what is written when a capture goes."""
        return []

    def _capture(self, document: Document) -> Capture:
        text = unpack(self._documents, self._collection, document.id, document.data)
        return Capture.model_validate_json(text)


class Captures(_CaptureCollection):
    """The sanitized copies of failing traces."""

    def __init__(self, documents: Documents) -> None:
        """Use the `raw_traces` collection (the earlier system's name)."""
        super().__init__(documents, RAW_TRACES, ALL_CAPTURES, CAPTURES_LATEST_FIRST)


class HealthyCaptures(_CaptureCollection):
    """The control group: sanitized copies of traces that passed."""

    def __init__(self, documents: Documents) -> None:
        """Use the `healthy_traces` collection."""
        super().__init__(documents, HEALTHY_TRACES, ALL_HEALTHY, HEALTHY_LATEST_FIRST)
        self._courses = Courses(documents)

    def _beside(self, capture: Capture) -> list[Write]:
        return self._courses.writes_of(capture)

    def _beside_removed(self, trace_id: str) -> list[Write]:
        return self._courses.removal_of(trace_id)

    def lacking(self, trace_ids: Iterable[str]) -> list[str]:
        """Name those of these traces that are not stored, in their order."""
        asked = list(trace_ids)
        stored = self.heads_of(asked)
        return [name for name in asked if name not in stored]

    def trim(self, ml_app: str, env: str, version: str, beyond: str) -> list[str]:
        """Remove the captures that rank beyond the last that has a place, and name them."""
        removed: list[str] = []
        for page in self._pages(CONTROL_GROUP_LAST_FIRST, (ml_app, env, version)):
            for document in page:
                if _head(document).rank <= beyond:
                    return removed
                if self.drop(Known(document)):
                    removed.append(_head(document).trace_id)
        return removed

    def aged(self, ml_app: str, env: str, before: datetime) -> Iterator[list[Known]]:
        """Yield the captures of traces that started before a moment, some at a time: they are large."""
        for page in self._pages(CONTROL_GROUP_BY_AGE, (ml_app, env)):
            old = [one for one in page if _head(one).started_at < before]
            if old:
                yield list(map(Known, old))
            if len(old) < len(page):
                return

    def _pages(self, query: Query, key: tuple[str, ...]) -> Iterator[list[Document]]:
        """Page through captures, of which most often the first already is none that is looked for."""
        limit, cursor = 1, None
        while True:
            page = self._documents.query(query, key, limit=limit, cursor=cursor)
            yield page.documents
            limit, cursor = _AT_ONCE, page.cursor
            if cursor is None:
                return

    def drop(self, known: Known) -> bool:
        """Remove what a control group has no place for, unless a proof cites it; says whether it is gone."""
        return bool(known.head and not known.head.cited_by and self.remove(known.head.trace_id, known))

    def cite(self, trace_id: str, suggestion_id: str) -> bool:
        """Note that a suggestion's proof rests on a capture, so that it stays; False where it has gone."""
        name = document_id(trace_id)
        while found := self._documents.get(HEALTHY_TRACES, name):
            citing = sorted({*_head(found).cited_by, suggestion_id})
            data = {**found.data, "cited_by": list[JsonValue](citing)}
            if data == found.data or self._documents.commit(
                Replace(HEALTHY_TRACES, name, data, found.version)
            ):
                return True
        return False


def _head(document: Document) -> CaptureHead:
    told = {key: document.data[key] for key in CaptureHead.model_fields if key in document.data}
    return CaptureHead.model_validate(told)
