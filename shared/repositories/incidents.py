"""Incidents, by the key of what they are about."""

from shared.domain.incidents import Incident
from shared.errors import NotFoundError
from shared.ports import Create, Documents, Replace
from shared.topology import INCIDENTS


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
