"""The outbox: what was to be told to people outside, once each."""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from shared.domain.model import Instant, Model
from shared.errors import ConflictError
from shared.ports import Create, Documents, Replace
from shared.repositories.paging import every
from shared.topology import OUTBOX, Query


class NoticeState(StrEnum):
    """How far a notice got."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    NO_CHANNEL = "no_channel"


class Notice(Model):
    """One thing to tell; its text has passed the sanitizer."""

    id: str
    suggestion_id: str
    text: str
    state: NoticeState
    claimed_at: Instant | None = None


class KnownNotice(NamedTuple):
    """A stored notice and the version that guards its replacement."""

    notice: Notice
    version: str


class Outbox:
    """Notices by their id."""

    def __init__(self, documents: Documents) -> None:
        """Use the `outbox` collection."""
        self._documents = documents

    def open(self, notice: Notice) -> KnownNotice:
        """Store a notice if it is new; returns what is stored."""
        self._documents.commit(Create(OUTBOX, notice.id, notice.model_dump(mode="json")))
        found = self._documents.get(OUTBOX, notice.id)
        if found is None:
            raise ConflictError(f"the notice {notice.id} was removed meanwhile")
        return KnownNotice(Notice.model_validate(found.data), found.version)

    def replace(self, notice: Notice, known: KnownNotice) -> KnownNotice:
        """Note how far a notice got; raises ConflictError when somebody else did so meanwhile."""
        if not self._documents.commit(
            Replace(OUTBOX, notice.id, notice.model_dump(mode="json"), known.version)
        ):
            raise ConflictError(f"the notice {notice.id} was taken by somebody else meanwhile")
        return self.open(notice)

    def all(self) -> Iterator[Notice]:
        """Yield all notices."""
        return (Notice.model_validate(found.data) for found in every(self._documents, Query(OUTBOX)))
