"""How far each incident was searched."""

from typing import NamedTuple

from shared.domain.searches import Search
from shared.ports import Create, Documents, Replace
from shared.topology import SEARCHES


class KnownSearch(NamedTuple):
    """A search as it was read; its version guards what is written next."""

    search: Search
    version: str | None


class Searches:
    """The searches of incidents, one each."""

    def __init__(self, documents: Documents) -> None:
        """Use the `searches` collection."""
        self._documents = documents

    def get(self, incident_id: str) -> KnownSearch:
        """Read how far an incident was searched; nothing yet is a search as well."""
        found = self._documents.get(SEARCHES, incident_id)
        if found is None:
            return KnownSearch(Search(id=incident_id), None)
        return KnownSearch(Search.model_validate(found.data), found.version)

    def save(self, search: Search, known: KnownSearch) -> KnownSearch | None:
        """Write how far a search has come, or return None when another one has written meanwhile."""
        if search == known.search:
            return known
        data = search.model_dump(mode="json")
        write = (
            Create(SEARCHES, search.id, data)
            if known.version is None
            else Replace(SEARCHES, search.id, data, known.version)
        )
        self._documents.commit(write)
        # An answer that was lost and asked for again reads as a refusal; what is stored tells.
        stored = self.get(search.id)
        return stored if stored.search == search else None
