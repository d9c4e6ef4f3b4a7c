"""The backends that the contract holds for; a backend joins by standing here."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from shared.cloud.documents import FirestoreDocuments
from shared.embedded.database import Database
from shared.embedded.documents import SqliteDocuments
from shared.embedded.queue import SqliteQueue
from shared.ports import Documents
from shared.topology import RetryPolicy


class Backend(NamedTuple):
    """How to make one backend's parts, in a folder and a Google Cloud project of their own."""

    name: str
    documents: Callable[[Path, str], Documents]


def embedded_documents(folder: Path, _project: str) -> Documents:
    return SqliteDocuments(Database(folder / "contract.db"))


def cloud_documents(_folder: Path, project: str) -> Documents:
    return FirestoreDocuments(project, "(default)", "evalforge_")


def embedded_queue(folder: Path, *, retries: RetryPolicy, now: Callable[[], float]) -> SqliteQueue:
    return SqliteQueue(Database(folder / "contract.db"), retries=retries, now=now)


EMBEDDED = Backend("embedded", embedded_documents)
CLOUD = Backend("cloud", cloud_documents)
BACKENDS = (
    pytest.param(EMBEDDED, id="embedded"),
    pytest.param(CLOUD, id="cloud", marks=pytest.mark.needs("emulators")),
)
