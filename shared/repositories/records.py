"""All repositories on one store of documents."""

from dataclasses import dataclass

from shared.ports import Documents
from shared.repositories.artifacts import Artifacts
from shared.repositories.captures import Captures, HealthyCaptures
from shared.repositories.contrasts import Contrasts
from shared.repositories.control_groups import ControlGroups
from shared.repositories.courses import Courses
from shared.repositories.dead_letters import DeadLetters
from shared.repositories.groups import Groups
from shared.repositories.incidents import Incidents
from shared.repositories.narratives import Narratives
from shared.repositories.outbox import Outbox
from shared.repositories.patterns import Patterns
from shared.repositories.searches import Searches
from shared.repositories.spend import Spend
from shared.repositories.suggestions import Suggestions


@dataclass(frozen=True)
class Records:
    """Everything that is kept, by the noun; `courses` remembers what it has read, so there is one of it."""

    documents: Documents
    courses: Courses

    @property
    def incidents(self) -> Incidents:
        """What alerts are about."""
        return Incidents(self.documents)

    @property
    def searches(self) -> Searches:
        """How far incidents were searched."""
        return Searches(self.documents)

    @property
    def captures(self) -> Captures:
        """Sanitized failing traces."""
        return Captures(self.documents)

    @property
    def healthy(self) -> HealthyCaptures:
        """Sanitized traces that passed: the control groups."""
        return HealthyCaptures(self.documents)

    @property
    def control_groups(self) -> ControlGroups:
        """Who is in the control groups."""
        return ControlGroups(self.documents)

    @property
    def contrasts(self) -> Contrasts:
        """Which control groups have changed."""
        return Contrasts(self.documents)

    @property
    def patterns(self) -> Patterns:
        """What extraction said."""
        return Patterns(self.documents)

    @property
    def groups(self) -> Groups:
        """Signature groups."""
        return Groups(self.documents)

    @property
    def suggestions(self) -> Suggestions:
        """Problems with their members."""
        return Suggestions(self.documents)

    @property
    def artifacts(self) -> Artifacts:
        """Eval tests, guardrails and runbooks."""
        return Artifacts(self.documents)

    @property
    def outbox(self) -> Outbox:
        """Notices."""
        return Outbox(self.documents)

    @property
    def dead_letters(self) -> DeadLetters:
        """What could not be worked on."""
        return DeadLetters(self.documents)

    @property
    def narratives(self) -> Narratives:
        """What a model told of each group."""
        return Narratives(self.documents)

    @property
    def spend(self) -> Spend:
        """What models cost."""
        return Spend(self.documents)
