"""The backends that the contract holds for; a backend joins by standing here."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from shared.embedded.database import Database
from shared.embedded.documents import SqliteDocuments
from shared.embedded.queue import SqliteQueue
from shared.ports import Documents
from shared.topology import RetryPolicy


class Backend(NamedTuple):
    """How to make one backend's parts."""

    name: str
    documents: Callable[[Path], Documents]


def embedded_documents(folder: Path) -> Documents:
    return SqliteDocuments(Database(folder / "contract.db"))


def embedded_queue(folder: Path, *, retries: RetryPolicy, now: Callable[[], float]) -> SqliteQueue:
    return SqliteQueue(Database(folder / "contract.db"), retries=retries, now=now)


BACKENDS = (Backend("embedded", embedded_documents),)
