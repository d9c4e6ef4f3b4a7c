"""The narrative of each signature group, and who is asking for it."""

from datetime import datetime
from typing import NamedTuple

from pydantic import JsonValue

from shared.domain.canonical import digest
from shared.domain.model import Instant, Model
from shared.domain.model_calls import ModelCall, Trouble
from shared.domain.narratives import Narrative
from shared.ports import Create, Documents, Replace
from shared.topology import NARRATIVES


class Told(Model):
    """A narrative, and the one call that it took."""

    narrative: Narrative
    call: ModelCall


class Put(Model):
    """A question that came to nothing, and when it may be put again; `as_told` where the service said so."""

    call_id: str
    trouble: Trouble
    again_at: Instant
    as_told: bool


class Entry(Model):
    """What is known of a group's narrative: told, being asked for until a moment, or put off."""

    told: Told | None = None
    asked_until: Instant | None = None
    put_off: Put | None = None


class KnownEntry(NamedTuple):
    """An entry and the version that guards its replacement; without one there is none yet."""

    name: str
    entry: Entry
    version: str | None


class Narratives:
    """One narrative for each group, model and prompt, asked for by one at a time."""

    def __init__(self, documents: Documents) -> None:
        """Use the `narratives` collection."""
        self._documents = documents

    def get(self, group_id: str, *, model: str, prompt_hash: str) -> KnownEntry:
        """Read what is known of a group's narrative by this model and prompt."""
        name = digest(group_id, model, prompt_hash)
        found = self._documents.get(NARRATIVES, name)
        if found is None:
            return KnownEntry(name, Entry(), None)
        return KnownEntry(name, Entry.model_validate(found.data), found.version)

    def lease(self, known: KnownEntry, until: datetime) -> KnownEntry | None:
        """Take the right to ask until then, and what was put off with it; None where somebody was sooner."""
        return self._store(known, known.entry.model_copy(update={"asked_until": until}))

    def tell(self, leased: KnownEntry, told: Told) -> bool:
        """Store a narrative; False where the lease had ended and somebody else has stored since."""
        return self._store(leased, Entry(told=told)) is not None

    def put_off(self, leased: KnownEntry, put: Put) -> bool:
        """Note that a question came to nothing, and end the lease."""
        return self._store(leased, Entry(put_off=put)) is not None

    def _store(self, known: KnownEntry, entry: Entry) -> KnownEntry | None:
        data: dict[str, JsonValue] = entry.model_dump(mode="json")
        write = (
            Create(NARRATIVES, known.name, data)
            if known.version is None
            else Replace(NARRATIVES, known.name, data, known.version)
        )
        if not self._documents.commit(write):
            return None
        found = self._documents.get(NARRATIVES, known.name)
        return KnownEntry(known.name, entry, found.version) if found else None
