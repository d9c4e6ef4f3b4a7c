"""Incidents, by the key of what they are about."""

from collections.abc import Iterator

from shared.domain.incidents import Incident, IncidentState
from shared.errors import NotFoundError
from shared.ports import Create, Documents, Replace
from shared.repositories.paging import every
from shared.topology import INCIDENTS, INCIDENTS_BY_STATE


class Incidents:
    """What alerts, polls and backfills are about."""

    def __init__(self, documents: Documents) -> None:
        """Use the `incidents` collection."""
        self._documents = documents

    def get(self, incident_id: str) -> Incident:
        """Read an incident; raises NotFoundError."""
        found = self._documents.get(INCIDENTS, incident_id)
        if found is None:
            raise NotFoundError(f"there is no incident {incident_id}")
        return Incident.model_validate(found.data)

    def in_state(self, state: IncidentState) -> Iterator[Incident]:
        """Yield the incidents in a state, the one that was heard of last first."""
        found = every(self._documents, INCIDENTS_BY_STATE, (state.value,))
        return (Incident.model_validate(document.data) for document in found)

    def open_or_renew(self, incident: Incident) -> bool:
        """Store a new incident, or stretch a known one to a later time; returns whether either was done."""
        name = incident.id
        while not self._documents.commit(Create(INCIDENTS, name, incident.model_dump(mode="json"))):
            found = self._documents.get(INCIDENTS, name)
            if found is None:
                continue
            known = Incident.model_validate(found.data)
            renewed = known.renewed_by(incident)
            if renewed == known:
                return False
            if self._documents.commit(
                Replace(INCIDENTS, name, renewed.model_dump(mode="json"), found.version)
            ):
                return True
        return True
