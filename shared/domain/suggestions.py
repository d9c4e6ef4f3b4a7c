"""One problem: its groups, its members, its artifacts and its life."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from shared.domain.artifacts import ArtifactKind, ArtifactRef
from shared.domain.canonical import digest
from shared.domain.model import Instant, Model
from shared.domain.patterns import FailurePattern
from shared.domain.taxonomy import FailureType, Severity, worst


class SuggestionStatus(StrEnum):
    """Where a suggestion is in its life; `withdrawn` has lost all its members to other problems."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    REGRESSED = "regressed"
    WITHDRAWN = "withdrawn"


class Group(Model):
    """All failures of one signature in one application and environment; it never changes."""

    id: str
    ml_app: str
    env: str
    failure_type: FailureType
    signature: tuple[str, ...]
    suggestion_id: str
    similarity: float | None
    embedder_version: str


class Member(Model):
    """One failing trace of a suggestion, counted once however often it is told."""

    trace_id: str
    group_id: str
    started_at: Instant
    severity: Severity
    failure_type: FailureType
    title: str
    capture_hash: str
    pattern_hash: str


class Review(Model):
    """What a person decided, why, and when."""

    decision: SuggestionStatus
    actor: str
    reason: str
    at: Instant


class Suggestion(Model):
    """One problem; title, type, severity and recurrence are computed from the members."""

    id: str
    ml_app: str
    env: str
    status: SuggestionStatus
    failure_type: FailureType
    severity: Severity
    title: str
    recurrence: int
    first_seen: Instant
    last_seen: Instant
    canonical_trace_id: str
    canonical_pattern_hash: str = ""
    artifacts: dict[ArtifactKind, ArtifactRef]
    generator_version: str
    members_changed: bool = False
    review: Review | None = None


class ApprovedImprovement(Model):
    """What the next deployment carries: the exact revisions that a person approved."""

    suggestion_id: str
    ml_app: str
    env: str
    title: str
    artifacts: dict[ArtifactKind, ArtifactRef]
    review: Review


class Event(Model):
    """One entry of a suggestion's history."""

    kind: str
    at: Instant
    actor: str
    detail: str


def member_of(pattern: FailurePattern, started_at: datetime) -> Member:
    """Say what a pattern's trace adds to its suggestion."""
    return Member(
        trace_id=pattern.trace_id,
        group_id=pattern.group_id,
        started_at=started_at,
        severity=pattern.severity,
        failure_type=pattern.leading_type,
        title=pattern.title,
        capture_hash=pattern.capture_hash,
        pattern_hash=digest(pattern.model_dump_json(exclude={"former_group_ids"})),
    )


def founded_by(member: Member, *, suggestion_id: str, ml_app: str, env: str) -> Suggestion:
    """Open a suggestion for a first member; nothing is generated yet."""
    return Suggestion(
        id=suggestion_id,
        ml_app=ml_app,
        env=env,
        status=SuggestionStatus.PENDING,
        failure_type=member.failure_type,
        severity=member.severity,
        title=member.title,
        recurrence=0,
        first_seen=member.started_at,
        last_seen=member.started_at,
        canonical_trace_id=member.trace_id,
        artifacts={},
        generator_version="",
    )


def canonical_member(members: Sequence[Member]) -> Member:
    """Pick the member that artifacts are made from: the earliest, then by trace id."""
    return min(members, key=lambda member: (member.started_at, member.trace_id))


def summarize(suggestion: Suggestion, members: Sequence[Member]) -> Suggestion:
    """Recompute what a suggestion says of its members, in any order of them."""
    if not members:
        status = SuggestionStatus.WITHDRAWN if suggestion.review is None else suggestion.status
        return suggestion.model_copy(update={"status": status, "recurrence": 0, "members_changed": False})
    canonical = canonical_member(members)
    revived = suggestion.status is SuggestionStatus.WITHDRAWN
    return suggestion.model_copy(
        update={
            "status": SuggestionStatus.PENDING if revived else suggestion.status,
            "failure_type": canonical.failure_type,
            "severity": worst([member.severity for member in members]),
            "title": canonical.title,
            "recurrence": len(members),
            "first_seen": min(member.started_at for member in members),
            "last_seen": max(member.started_at for member in members),
            "canonical_trace_id": canonical.trace_id,
            "canonical_pattern_hash": canonical.pattern_hash,
            "members_changed": False,
        }
    )
