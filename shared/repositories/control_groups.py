"""Who is in each control group, and who waits for a place."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from pydantic import JsonValue

from shared.domain.canonical import digest
from shared.domain.control_group import Application, Roster
from shared.ports import Create, Delete, Document, Documents, Replace
from shared.repositories.bodies import drops, pack, unpack
from shared.topology import CONTROL_GROUPS, rosters_of

_NEWEST = "newest"


class Change(NamedTuple):
    """A roster before and after something was told of its traces."""

    before: Roster
    after: Roster

    @property
    def newcomers(self) -> list[str]:
        """Name the traces that have become members, the lowest rank first."""
        were = {one.trace_id for one in self.before.members}
        return [one.trace_id for one in self.after.members if one.trace_id not in were]


class ControlGroups:
    """The rosters of applications, and how new the newest trace of each is.

    Documents are named by hashes: an application's names are stored nowhere as they came.
    """

    def __init__(self, documents: Documents) -> None:
        """Use the `control_groups` collection."""
        self._documents = documents

    def newest(self, ml_app: str, env: str, seen: datetime) -> datetime:
        """Say when the newest trace of an application and environment started, one seen now included."""
        name = digest(ml_app, env)
        while True:
            found = self._documents.get(CONTROL_GROUPS, name)
            known = datetime.fromisoformat(str(found.data[_NEWEST])) if found else None
            if known is not None and known >= seen:
                return known
            data: dict[str, JsonValue] = {_NEWEST: seen.isoformat(timespec="microseconds")}
            self._documents.commit(
                Replace(CONTROL_GROUPS, name, data, found.version)
                if found
                else Create(CONTROL_GROUPS, name, data)
            )

    def roster(self, application: Application) -> Roster:
        """Read who may be in a control group."""
        return self._read(self._documents.get(*_place(application)), application)

    def changes(self, application: Application, change: Callable[[Roster], Roster]) -> Iterator[Change]:
        """Yield what a change comes to, then store it; again, where somebody else has stored meanwhile.

        Whoever acts on each before asking for the next loses nothing when it is
        killed: what was not stored is a change the next time as well.
        """
        collection, name = _place(application)
        while True:
            found = self._documents.get(collection, name)
            before = self._read(found, application)
            after = change(before)
            yield Change(before, after)
            if after == before or self._store(application, after, found):
                return

    def _read(self, found: Document | None, application: Application) -> Roster:
        if found is None:
            return Roster()
        return Roster.model_validate_json(unpack(self._documents, *_place(application), found.data))

    def _store(self, application: Application, roster: Roster, found: Document | None) -> bool:
        collection, name = _place(application)
        dropped = drops(collection, name, found.data) if found else []
        if not roster.candidates:
            return not found or self._documents.commit(Delete(collection, name, found.version), *dropped)
        data = pack(self._documents, collection, name, roster)
        written = Replace(collection, name, data, found.version) if found else Create(collection, name, data)
        return self._documents.commit(written, *dropped)


def _place(application: Application) -> tuple[str, str]:
    return rosters_of(digest(application.ml_app, application.env)), digest(*application)
