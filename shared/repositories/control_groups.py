"""Who is in each control group, and who waits for a place."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import JsonValue

from shared.domain.canonical import digest
from shared.domain.control_group import Application, Roster
from shared.ports import Create, Delete, Document, Documents, Replace
from shared.repositories.bodies import drops, pack, unpack
from shared.topology import CONTROL_GROUPS, rosters_of

_NEWEST = "newest"


class Place(NamedTuple):
    """Where a roster is stored."""

    collection: str
    id: str


def place_of(application: Application) -> Place:
    """Name the roster of an application by hashes: its names are stored nowhere as they came."""
    return place_among(application.ml_app, application.env, digest(*application))


def place_among(ml_app: str, env: str, roster: str) -> Place:
    """Find a roster by its id among those of an application's versions."""
    return Place(rosters_of(digest(ml_app, env)), roster)


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
    """The rosters of applications, and how new the newest trace of each is."""

    def __init__(self, documents: Documents) -> None:
        """Use the `control_groups` collection."""
        self._documents = documents

    def newest(self, ml_app: str, env: str) -> datetime | None:
        """Say in which hour the newest trace of an application and environment started."""
        found = self._documents.get(CONTROL_GROUPS, digest(ml_app, env))
        return datetime.fromisoformat(str(found.data[_NEWEST])) if found else None

    def seen(self, ml_app: str, env: str, started_at: datetime) -> datetime:
        """Note that there is a trace which started then, and say in which hour the newest did.

        By the hour, so that a storm does not write to one document with every trace.
        """
        name, hour = digest(ml_app, env), hour_of(started_at)
        while True:
            found = self._documents.get(CONTROL_GROUPS, name)
            known = datetime.fromisoformat(str(found.data[_NEWEST])) if found else None
            if known is not None and known >= hour:
                return known
            data: dict[str, JsonValue] = {_NEWEST: hour.isoformat()}
            self._documents.commit(
                Replace(CONTROL_GROUPS, name, data, found.version)
                if found
                else Create(CONTROL_GROUPS, name, data)
            )

    def roster(self, place: Place) -> Roster:
        """Read who may be in a control group."""
        return self._read(place, self._documents.get(*place))

    def changes(self, place: Place, change: Callable[[Roster], Roster]) -> Iterator[Change]:
        """Yield what a change comes to, then store it; again, where somebody else has stored meanwhile.

        Whoever acts on each before asking for the next loses nothing when it is
        killed: what was not stored is a change the next time as well.
        """
        while True:
            found = self._documents.get(*place)
            before = self._read(place, found)
            after = change(before)
            yield Change(before, after)
            if after == before or self._store(place, after, found):
                return

    def _read(self, place: Place, found: Document | None) -> Roster:
        if found is None:
            return Roster()
        return Roster.model_validate_json(unpack(self._documents, *place, found.data))

    def _store(self, place: Place, roster: Roster, found: Document | None) -> bool:
        dropped = drops(*place, found.data) if found else []
        if not roster.candidates:
            return not found or self._documents.commit(Delete(*place, found.version), *dropped)
        data = pack(self._documents, *place, roster)
        written = Replace(*place, data, found.version) if found else Create(*place, data)
        return self._documents.commit(written, *dropped)


def hour_of(moment: datetime) -> datetime:
    """Cut a moment to its hour, as UTC has it."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
