"""From windows to incidents whose search is ordered, and what became of each."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from functions.backfill.windows import Window
from shared.domain.canonical import digest
from shared.domain.dead_letters import DeadLetter, LetterState, dead_letter_id
from shared.domain.incidents import Incident, IncidentKind
from shared.domain.searches import Search
from shared.errors import ConflictError
from shared.messages import AlertRaised
from shared.ports import Outgoing, Publisher, TraceQuery
from shared.repositories.dead_letters import DeadLetters
from shared.repositories.incidents import Incidents
from shared.repositories.searches import Searches
from shared.topology import Topic, function_of


class Wanted(NamedTuple):
    """Which traces a backfill is about, beside their time."""

    ml_app: str | None = None
    env: str | None = None
    query: str | None = None


def incident_of(window: Window, wanted: Wanted) -> Incident:
    """Name the order of a window; the same window of the same traces is the same order."""
    since, until = map(_spelled, window)
    return Incident(
        id="in-" + digest("backfill", since, until, *(one or "" for one in wanted), length=16),
        kind=IncidentKind.BACKFILL,
        title=f"backfill of {since} to {until}",
        since=window.since,
        until=window.until,
        **wanted._asdict(),
    )


def query_of(incident: Incident) -> TraceQuery:
    """Spell a window as the search that comes of it."""
    return TraceQuery(
        since=incident.since,
        until=incident.until,
        ml_app=incident.ml_app,
        env=incident.env,
        query=incident.query,
    )


class State(StrEnum):
    """What became of an order."""

    UNDER_WAY = "under way"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Orders:
    """The orders of one store."""

    incidents: Incidents
    searches: Searches
    dead_letters: DeadLetters
    publisher: Publisher
    resend: Callable[[str], object]

    def was_searched(self, incident: Incident) -> bool:
        """Say whether an order was carried out before."""
        return self.searches.get(incident.id).search.is_done

    def give(self, incident: Incident) -> None:
        """Have a window searched; one that could not be is sent again as the dead letter that it is."""
        self.incidents.open_or_renew(incident)
        self._forget(incident)
        if letter := self.failure(incident):
            # Whoever else sends it again does what is to be done.
            with suppress(ConflictError):
                self.resend(letter.id)
        else:
            self.publisher.publish([Outgoing(Topic.ALERTS, AlertRaised(incident_id=incident.id))])

    def state(self, incident: Incident) -> State:
        """Say what became of an order since it was given."""
        if self.was_searched(incident):
            return State.DONE
        return State.FAILED if self.failure(incident) else State.UNDER_WAY

    def _forget(self, incident: Incident) -> None:
        """Take back that it was searched: a search that comes to the same as before writes nothing."""
        while (known := self.searches.get(incident.id)).search.is_done:
            self.searches.save(Search(id=incident.id), known)

    def failure(self, incident: Incident) -> DeadLetter | None:
        """Find the dead letter that an order has become."""
        message = AlertRaised(incident_id=incident.id).model_dump(mode="json")
        letter = self.dead_letters.get(dead_letter_id(function_of(Topic.ALERTS).name, message))
        return letter if letter and letter.state is LetterState.WAITING else None


def _spelled(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
