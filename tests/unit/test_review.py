"""Decisions: made once, by somebody, with a reason, and written whole."""

from datetime import UTC, datetime, timedelta

import pytest

from functions.extract.extraction import pattern_of
from functions.review.decisions import approve, reject
from shared.domain.artifacts import ArtifactKind, ArtifactRef, DraftStatus, ProofState
from shared.domain.suggestions import Suggestion, SuggestionStatus, founded_by, member_of
from shared.errors import ConflictError, NotFoundError, ReviewError
from shared.repositories.suggestions import KnownSuggestion, Suggestions
from shared.wiring import Wiring
from tests.unit.build import capture, root

ID = "sg-0123456789abcdef"
NOW = datetime(2026, 11, 18, 16, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def suggestions(parts: Wiring) -> Suggestions:
    """Give the suggestions of a fresh store."""
    return parts.suggestions


def _suggestion(*, kinds: tuple[ArtifactKind, ...] = tuple(ArtifactKind)) -> Suggestion:
    member = member_of(pattern_of(capture(root(status="error"))), NOW)
    ref = ArtifactRef(revision=3, status=DraftStatus.DRAFT, proof=ProofState.UNPROVEN, digest="d")
    founded = founded_by(member, suggestion_id=ID, ml_app="shop-assistant", env="prod")
    return founded.model_copy(update={"artifacts": dict.fromkeys(kinds, ref)})


def _stored(suggestions: Suggestions) -> Suggestion:
    known = suggestions.get(ID)
    assert known is not None
    return known.suggestion


def test_approving_says_who_decided_what_and_when(suggestions: Suggestions) -> None:
    suggestions.create(_suggestion())

    decided = approve(ID, actor="ana", note="looks right", at=NOW, suggestions=suggestions)

    assert decided == _stored(suggestions)
    assert decided.status is SuggestionStatus.APPROVED
    assert decided.review is not None
    assert (decided.review.actor, decided.review.reason, decided.review.at) == ("ana", "looks right", NOW)
    assert [(event.kind, event.actor, event.at) for event in suggestions.events(ID)] == [
        ("approved", "ana", NOW)
    ]


def test_the_next_deployment_carries_the_revisions_that_were_approved(suggestions: Suggestions) -> None:
    suggestions.create(_suggestion())

    approve(ID, actor="ana", note="", at=NOW, suggestions=suggestions)

    [improvement] = suggestions.approved()
    assert improvement.suggestion_id == ID
    assert improvement.artifacts == _suggestion().artifacts
    assert set(improvement.artifacts) == set(ArtifactKind)
    assert improvement.review.actor == "ana"


def test_approving_twice_changes_nothing(suggestions: Suggestions) -> None:
    suggestions.create(_suggestion())
    first = approve(ID, actor="ana", note="yes", at=NOW, suggestions=suggestions)

    again = approve(ID, actor="ben", note="me too", at=LATER, suggestions=suggestions)

    assert again == first == _stored(suggestions)
    assert len(suggestions.events(ID)) == len(list(suggestions.approved())) == 1


def test_what_was_approved_is_not_rejected_afterwards(suggestions: Suggestions) -> None:
    suggestions.create(_suggestion())
    approved = approve(ID, actor="ana", note="", at=NOW, suggestions=suggestions)

    with pytest.raises(ReviewError, match=r"was approved by ana at 2026-11-18 16:00"):
        reject(ID, actor="ben", reason="no", at=LATER, suggestions=suggestions)

    assert _stored(suggestions) == approved
    assert len(suggestions.events(ID)) == 1


def test_what_was_rejected_is_not_approved_afterwards(suggestions: Suggestions) -> None:
    suggestions.create(_suggestion())
    reject(ID, actor="ben", reason="a duplicate", at=NOW, suggestions=suggestions)

    with pytest.raises(ReviewError, match="was rejected by ben"):
        approve(ID, actor="ana", note="", at=LATER, suggestions=suggestions)

    assert _stored(suggestions).status is SuggestionStatus.REJECTED
    assert list(suggestions.approved()) == []


def test_rejecting_says_why_and_deploys_nothing(suggestions: Suggestions) -> None:
    suggestions.create(_suggestion())

    decided = reject(ID, actor="ben", reason="a duplicate", at=NOW, suggestions=suggestions)

    assert decided.review is not None
    assert (decided.status, decided.review.reason) == (SuggestionStatus.REJECTED, "a duplicate")
    assert [(event.kind, event.detail) for event in suggestions.events(ID)] == [("rejected", "a duplicate")]
    assert list(suggestions.approved()) == []


def test_rejecting_twice_keeps_the_first_reason(suggestions: Suggestions) -> None:
    suggestions.create(_suggestion())
    first = reject(ID, actor="ben", reason="a duplicate", at=NOW, suggestions=suggestions)

    assert reject(ID, actor="ana", reason="wrong", at=LATER, suggestions=suggestions) == first
    assert len(suggestions.events(ID)) == 1


@pytest.mark.parametrize("reason", ["", " ", "\n\t"])
def test_a_rejection_needs_a_reason(suggestions: Suggestions, reason: str) -> None:
    suggestions.create(_suggestion())

    with pytest.raises(ReviewError, match="needs a reason"):
        reject(ID, actor="ben", reason=reason, at=NOW, suggestions=suggestions)

    assert _stored(suggestions).review is None


def test_an_approval_needs_no_note(suggestions: Suggestions) -> None:
    suggestions.create(_suggestion())

    assert approve(ID, actor="ana", note="", at=NOW, suggestions=suggestions).review is not None


@pytest.mark.parametrize("kinds", [(), (ArtifactKind.EVAL,), (ArtifactKind.EVAL, ArtifactKind.RUNBOOK)])
def test_an_approval_needs_all_three_artifacts(
    suggestions: Suggestions, kinds: tuple[ArtifactKind, ...]
) -> None:
    suggestions.create(_suggestion(kinds=kinds))

    with pytest.raises(ReviewError, match="has no artifacts yet"):
        approve(ID, actor="ana", note="", at=NOW, suggestions=suggestions)

    assert _stored(suggestions).status is SuggestionStatus.PENDING
    assert suggestions.events(ID) == []


def test_a_rejection_needs_no_artifacts(suggestions: Suggestions) -> None:
    suggestions.create(_suggestion(kinds=()))

    decided = reject(ID, actor="ben", reason="noise", at=NOW, suggestions=suggestions)

    assert decided.status is SuggestionStatus.REJECTED


def test_what_was_withdrawn_is_not_decided(suggestions: Suggestions) -> None:
    suggestions.create(_suggestion().model_copy(update={"status": SuggestionStatus.WITHDRAWN}))

    with pytest.raises(ReviewError, match="was withdrawn"):
        approve(ID, actor="ana", note="", at=NOW, suggestions=suggestions)
    with pytest.raises(ReviewError, match="was withdrawn"):
        reject(ID, actor="ben", reason="no", at=NOW, suggestions=suggestions)


def test_an_id_that_nobody_knows_is_told_with_what_to_do(suggestions: Suggestions) -> None:
    with pytest.raises(NotFoundError, match="no suggestion sg-none; `evalforge list suggestions`"):
        approve("sg-none", actor="ana", note="", at=NOW, suggestions=suggestions)
    with pytest.raises(NotFoundError, match="sg-none"):
        reject("sg-none", actor="ana", reason="x", at=NOW, suggestions=suggestions)


def test_what_a_reviewer_writes_is_redacted(suggestions: Suggestions) -> None:
    suggestions.create(_suggestion())

    decided = approve(ID, actor="ana", note="jane@example.com confirmed", at=NOW, suggestions=suggestions)

    assert decided.review is not None
    assert decided.review.reason == "<EMAIL_1> confirmed"
    assert [event.detail for event in suggestions.events(ID)] == ["<EMAIL_1> confirmed"]


class _WrittenMeanwhile(Suggestions):
    """The same store, where somebody else writes between a decision's reading and its writing."""

    def get(self, suggestion_id: str) -> KnownSuggestion | None:
        known = super().get(suggestion_id)
        if known is not None:
            self.replace(known.suggestion.model_copy(update={"recurrence": 9}), known)
        return known


def test_a_decision_on_what_has_changed_meanwhile_is_written_not_at_all(parts: Wiring) -> None:
    parts.suggestions.create(_suggestion())

    with pytest.raises(ConflictError, match="look at it again"):
        approve(ID, actor="ana", note="", at=NOW, suggestions=_WrittenMeanwhile(parts.documents))

    assert _stored(parts.suggestions).review is None
    assert _stored(parts.suggestions).recurrence == 9
    assert parts.suggestions.events(ID) == []
    assert list(parts.suggestions.approved()) == []
