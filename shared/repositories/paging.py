"""Reads every document of a declared query, a page at a time."""

from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from shared.ports import Document, Documents
from shared.topology import Query

PAGE = 200


def every(documents: Documents, query: Query, equals: Sequence[JsonValue] = ()) -> Iterator[Document]:
    """Yield all documents of a query in its order."""
    cursor: str | None = None
    while True:
        page = documents.query(query, equals, limit=PAGE, cursor=cursor)
        yield from page.documents
        if (cursor := page.cursor) is None:
            return
