"""The cursor of a query: the sort key of the last document seen, as opaque text."""

import base64
import json
from collections.abc import Sequence

from pydantic import JsonValue

from shared.errors import MessageError
from shared.ports import Document
from shared.topology import Query

REFUSED = "the cursor is not one that this query gave; start again without it"


def cursor_after(last: Document, query: Query) -> str:
    """Spell where a query goes on after a document."""
    key = [last.data.get(query.order_by), last.id] if query.order_by else [last.id]
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


def read_cursor(cursor: str, query: Query) -> Sequence[JsonValue]:
    """Read the value of the order, where the query has one, and the document id; raises MessageError."""
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor))
    except ValueError:
        key = None
    if not isinstance(key, list) or len(key) != (2 if query.order_by else 1) or not isinstance(key[-1], str):
        raise MessageError(REFUSED)
    return key
