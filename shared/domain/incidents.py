"""What one monitor cycle, poll or backfill is about."""

from enum import StrEnum
from typing import Self

from shared.domain.model import Instant, Model


class IncidentKind(StrEnum):
    """Who asked to look for failures."""

    MONITOR = "monitor"
    POLL = "poll"
    BACKFILL = "backfill"


class Incident(Model):
    """Where and when to look for failures; its text is redacted."""

    id: str
    kind: IncidentKind
    title: str = ""
    transition: str = ""
    since: Instant | None = None
    until: Instant | None = None
    ml_app: str | None = None
    env: str | None = None
    scope: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    priority: str = ""
    link: str = ""
    source: str | None = None

    def renewed_by(self, other: Self) -> Self:
        """Stretch the time to search over another alert's, whichever of the two was first."""
        if self.since is None or self.until is None or other.since is None or other.until is None:
            return self
        newer = other if other.until > self.until else self
        stretched = {"since": min(self.since, other.since), "until": max(self.until, other.until)}
        return newer.model_copy(update=stretched)
