"""Approve and reject: who decided what, why and when, written whole or not at all."""

from datetime import datetime

from shared.domain.artifacts import ArtifactKind
from shared.domain.suggestions import ApprovedImprovement, Event, Review, Suggestion, SuggestionStatus
from shared.errors import ConflictError, NotFoundError, ReviewError
from shared.redaction.redactor import redact_text
from shared.repositories.suggestions import Suggestions


def approve(
    suggestion_id: str, *, actor: str, note: str, at: datetime, suggestions: Suggestions
) -> Suggestion:
    """Approve a suggestion's current artifacts for the next deployment.

    Raises:
        NotFoundError: there is no such suggestion.
        ReviewError: it was rejected or withdrawn before, or has no artifacts yet.
        ConflictError: it was written meanwhile; look at it again.
    """
    review = Review(decision=SuggestionStatus.APPROVED, actor=actor, reason=redact_text(note), at=at)
    return _decide(suggestion_id, review, suggestions)


def reject(
    suggestion_id: str, *, actor: str, reason: str, at: datetime, suggestions: Suggestions
) -> Suggestion:
    """Reject a suggestion, with the reason; raises as `approve` does."""
    if not reason.strip():
        raise ReviewError("a rejection needs a reason")
    review = Review(decision=SuggestionStatus.REJECTED, actor=actor, reason=redact_text(reason), at=at)
    return _decide(suggestion_id, review, suggestions)


def _decide(suggestion_id: str, review: Review, suggestions: Suggestions) -> Suggestion:
    known = suggestions.get(suggestion_id)
    if known is None:
        raise NotFoundError(
            f"there is no suggestion {suggestion_id}; `evalforge list suggestions` shows them"
        )
    suggestion = known.suggestion
    if suggestion.review and suggestion.review.decision is review.decision:
        return suggestion
    _check(suggestion, review)
    decided = suggestion.model_copy(update={"status": review.decision, "review": review})
    event = Event(kind=review.decision.value, at=review.at, actor=review.actor, detail=review.reason)
    approved = _improvement(decided, review) if review.decision is SuggestionStatus.APPROVED else None
    if not suggestions.decide(decided, known, event, approved):
        raise ConflictError(f"{suggestion_id} was written meanwhile; look at it again and decide anew")
    return decided


def _check(suggestion: Suggestion, review: Review) -> None:
    if suggestion.review is not None:
        before = suggestion.review
        raise ReviewError(
            f"{suggestion.id} was {before.decision.value} by {before.actor} at {before.at:%Y-%m-%d %H:%M}"
        )
    if suggestion.status is SuggestionStatus.WITHDRAWN:
        raise ReviewError(f"{suggestion.id} was withdrawn: its traces belong to other suggestions now")
    if review.decision is SuggestionStatus.APPROVED and set(suggestion.artifacts) != set(ArtifactKind):
        raise ReviewError(f"{suggestion.id} has no artifacts yet; wait until the queues have drained")


def _improvement(suggestion: Suggestion, review: Review) -> ApprovedImprovement:
    return ApprovedImprovement(
        suggestion_id=suggestion.id,
        ml_app=suggestion.ml_app,
        env=suggestion.env,
        title=suggestion.title,
        artifacts=suggestion.artifacts,
        review=review,
    )
