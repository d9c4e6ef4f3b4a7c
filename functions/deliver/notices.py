"""Notices: what is told, to whom, once each."""

from datetime import timedelta

from shared.domain.suggestions import Suggestion, SuggestionStatus
from shared.errors import LeakError, NotFoundError, UnavailableError
from shared.messages import ArtifactsDrafted
from shared.ports import Clock, Notifier, Outgoing
from shared.redaction.findings import findings
from shared.repositories.outbox import Notice, NoticeState, Outbox
from shared.repositories.suggestions import Suggestions

# Far longer than one notice takes, far shorter than the broker tries.
CLAIM = timedelta(minutes=2)


def deliver_notice(
    message: ArtifactsDrafted,
    *,
    suggestions: Suggestions,
    outbox: Outbox,
    notifier: Notifier | None,
    clock: Clock,
) -> list[Outgoing]:
    """Tell once that a suggestion waits for review; without a channel the notice is kept and marked so.

    Who sends claims the notice first, so that two deliveries at once send one;
    only a process that dies between sending and saying so makes a second.
    """
    known = suggestions.get(message.suggestion_id)
    if known is None:
        raise NotFoundError(f"there is no suggestion {message.suggestion_id}")
    if known.suggestion.status is not SuggestionStatus.PENDING:
        return []
    opened = outbox.open(_notice(known.suggestion))
    notice, now = opened.notice, clock()
    if notice.state is NoticeState.SENT or (notice.state is NoticeState.NO_CHANNEL and notifier is None):
        return []
    if notice.state is NoticeState.SENDING and notice.claimed_at and abs(now - notice.claimed_at) < CLAIM:
        raise UnavailableError(f"the notice {notice.id} is being sent by somebody else")
    if notifier is None:
        outbox.replace(notice.model_copy(update={"state": NoticeState.NO_CHANNEL}), opened)
        return []
    claim = notice.model_copy(update={"state": NoticeState.SENDING, "claimed_at": now})
    claimed = outbox.replace(claim, opened)
    try:
        notifier.notify(notice.text)
    except Exception:
        outbox.replace(notice, claimed)
        raise
    outbox.replace(claim.model_copy(update={"state": NoticeState.SENT}), claimed)
    return []


def _notice(suggestion: Suggestion) -> Notice:
    text = notice_text(suggestion)
    if found := findings([text], {suggestion.id}):
        raise LeakError(f"the notice holds what must not leave: {', '.join(sorted(found))}")
    return Notice(
        id=f"{suggestion.id}-ready", suggestion_id=suggestion.id, text=text, state=NoticeState.WAITING
    )


def notice_text(suggestion: Suggestion) -> str:
    """Say in a few lines what waits for review."""
    return (
        f"EvalForge: {suggestion.severity.value} {suggestion.failure_type.value} in {suggestion.ml_app} "
        f"({suggestion.env}) waits for review\n{suggestion.title}\n"
        f"review it: evalforge show suggestion {suggestion.id}"
    )
