"""Errors that were never mended: the deepest and earliest one explains those above and after it."""

from functions.extract.error_types import (
    RESULT_KINDS,
    TOOL_KINDS,
    error_class,
    said_of_error,
    type_of_error,
)
from functions.extract.rules.finding import LONGEST_QUOTE, Finding, error_template
from functions.extract.rules.view import CaptureView
from shared.domain.conversation import requested_tools
from shared.domain.spans import Span
from shared.domain.taxonomy import FailureType

_SHORT_QUOTE = 60
# Signals that tell of a step's error and not of what became of the run.
_ERRORS = frozenset({"status", "http.status_code"})
# A tool may decline what it is asked; an application that passes that on to its user has done its work.
_DECLINED = frozenset({FailureType.WRONG_ARGUMENTS, FailureType.CLIENT_ERROR})


def unrecovered_error(view: CaptureView) -> Finding | None:
    """Blame the deepest and earliest step that fails, is not mended and explains the steps above it."""
    failed = [span for span in view.capture.spans if failed_step(span)]
    open_ones = _not_mended(view, failed) if failed else []
    repeating = _above(view, open_ones)
    causes = [span for span in open_ones if span.span_id not in repeating and not _says_nothing(span)]
    if failed_step(view.root):
        ids = {span.span_id for span in failed}
        # Of several errors the one that reached the top is the one that made the run fail.
        causes = [span for span in causes if span.is_root or span.parent_id in ids] or causes
    elif not _is_all_that_is_known(view):
        causes = [span for span in causes if not _was_passed_on(view, span)]
    return _finding(causes[0], repeated=len(repeating)) if causes else None


def failed_step(span: Span) -> bool:
    """Say whether a step ended in an error."""
    return span.status.strip() == "error"


def _finding(span: Span, *, repeated: int) -> Finding:
    name = span.name or span.kind
    text = said_of_error(span)
    told = f"{name} fails and never succeeds afterwards: {text[:_SHORT_QUOTE]}".rstrip(": ")
    again = f"; {repeated} steps above it fail with it" if repeated > 1 else ""
    kind = error_class(span)
    return Finding(
        rule="unrecovered_error",
        failure_type=type_of_error(span),
        span_id=span.span_id,
        cause_span_id=None,
        reason=told + again,
        quote=text[:LONGEST_QUOTE] or span.status,
        stable=f"{name if span.kind in TOOL_KINDS else error_template(name)}|{kind or error_template(text)}",
    )


def _not_mended(view: CaptureView, failed: list[Span]) -> list[Span]:
    """Leave out what succeeded later, and what a step above it that owes a result has dealt with."""
    last = _last_successes(view)
    return [
        span
        for span in failed
        if span.is_root
        or not (
            max(last.get(key, -1) for key in _alike(span)) > view.places[span.span_id]
            or any(one.kind in RESULT_KINDS and not failed_step(one) for one in view.above(span))
        )
    ]


def _last_successes(view: CaptureView) -> dict[tuple[str, ...], int]:
    last: dict[tuple[str, ...], int] = {}
    for place, span in enumerate(view.capture.spans):
        if not failed_step(span):
            last.update(dict.fromkeys(_alike(span), place))
    return last


def _alike(span: Span) -> tuple[tuple[str, ...], ...]:
    """Name what a second try looks like: the same step, or for a model another one in its place."""
    same = ("tool" if span.kind in TOOL_KINDS else span.kind, span.name)
    return (same, ("below", span.kind, span.parent_id or "")) if span.kind == "llm" else (same,)


def _above(view: CaptureView, spans: list[Span]) -> set[str]:
    """Collect the failing steps above others, each path walked once."""
    seen: set[str] = set()
    for span in spans:
        for one in view.above(span):
            if one.span_id in seen:
                break
            seen.add(one.span_id)
    return {span.span_id for span in view.capture.spans if span.span_id in seen and failed_step(span)}


def _says_nothing(span: Span) -> bool:
    """Say whether all that is known is that the run as a whole has failed."""
    return span.is_root and not said_of_error(span) and not error_class(span)


def _is_all_that_is_known(view: CaptureView) -> bool:
    """Say whether nothing but errors of steps says that the run has failed."""
    sources = {signal.source for signal in view.capture.signals}
    return bool(sources) and sources <= _ERRORS


def _was_passed_on(view: CaptureView, span: Span) -> bool:
    """Say whether the model's next word after a tool declined was one to the user, not another try."""
    if span.kind not in TOOL_KINDS or type_of_error(span) not in _DECLINED:
        return False
    following = view.model_after(span)
    return following is not None and not requested_tools(following) and not failed_step(following)
