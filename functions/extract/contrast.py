"""What a run did otherwise than the healthy runs whose requests are most like its own."""

import json
from collections.abc import Iterator, Sequence

from functions.extract.findings import Finding
from shared.domain.captures import Capture
from shared.domain.conversation import answering_span, leaf_texts, objects_in, said_in
from shared.domain.courses import Action, Course
from shared.domain.taxonomy import FailureType

# What a verdict on a whole run leaves open, and a comparison can tell: of which kind the failure is.
VAGUE = frozenset(
    {FailureType.INCOMPLETE_TASK, FailureType.QUALITY_DEGRADATION, FailureType.LATENCY, FailureType.UNKNOWN}
)
# Where the kind is told, but not the step.
TOLD_BY_CONTRAST = VAGUE | {
    FailureType.WRONG_TOOL,
    FailureType.WRONG_ARGUMENTS,
    FailureType.UNWANTED_ACTION,
    FailureType.INSTRUCTION_VIOLATION,
}
_SLOWER, _SECONDS_MORE = 5, 10.0
_QUOTE = 200
_MOST_NAMED = 3
# What one healthy run does may be chance.
_HABIT = 2


def contrast_with(
    capture: Capture, course: Course, references: Sequence[Course], kind: FailureType
) -> tuple[Finding, ...]:
    """Say what a run did that none of its references does, or left out that they do; most telling first.

    `kind` is what is known of the failure: a difference that says nothing of the
    kind only tells the step.
    """
    if not references:
        return ()
    return tuple(_differences(capture, course, references, kind))


def _differences(
    capture: Capture, course: Course, references: Sequence[Course], kind: FailureType
) -> Iterator[Finding]:
    made = {action.key for reference in references for action in reference.changes}
    others = [one for one in references if not one.identifiers & course.identifiers]
    # Who asks the same of another order calls the same tool with another number, and rightly.
    usual = {action.shape for reference in others for action in reference.changes}
    unmade = [action for action in course.changes if action.key not in made]
    strange = next((action for action in unmade if action.shape not in usual), None)
    told = _strange_action(capture, strange, references[0]) if strange else None
    early = _too_early(course, references)
    hasty = _finding(capture, "early_action", FailureType.UNWANTED_ACTION, *early) if early else None
    if hasty and not told:
        # It says of which kind the failure is, as the next does not.
        yield hasty
    if unmade and unmade[0] is not strange:
        reason = f"{unmade[0].tool} is the first change; healthy runs of like requests are about other things"
        yield _finding(capture, "unmatched_action", told.failure_type if told else kind, unmade[0], reason)
    if told:
        yield told
        if hasty:
            yield hasty
    if strange is None and (missing := _missing(course, references[0])):
        yield _missing_action(capture, missing)
    if course.seconds > max(one.seconds for one in references) * _SLOWER + _SECONDS_MORE:
        yield _slow(capture, course, references)


def _strange_action(capture: Capture, action: Action, nearest: Course) -> Finding:
    """Blame a call that no healthy run makes: for its arguments, where the nearest calls the tool too."""
    others = [one for one in nearest.changes if one.tool == action.tool]
    if not others:
        reason = f"{action.tool} is called, which the healthy run of the most alike request does not do"
        return _finding(capture, "strange_action", FailureType.UNWANTED_ACTION, action, reason)
    named = min((_differing(action, one) for one in others), key=len)
    told = f"with other {', '.join(named[:_MOST_NAMED])}" if named else "with other arguments"
    reason = f"{action.tool} is called {told} than in the healthy run of the most alike request"
    return _finding(capture, "strange_arguments", FailureType.WRONG_ARGUMENTS, action, reason, named=named)


def _differing(action: Action, other: Action) -> list[str]:
    """Name the arguments in which two calls differ; none where they are no objects, or too long."""
    one, two = _object(action.arguments), _object(other.arguments)
    return sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name))


def _object(arguments: str) -> dict[str, object]:
    try:
        told = json.loads(arguments)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _too_early(course: Course, references: Sequence[Course]) -> tuple[Action, str] | None:
    """Find a change that was made before the word or the look that every healthy run of it waits for."""
    usual = [(reference, one) for reference in references for one in reference.changes]
    for at, action in enumerate(course.changes):
        alike = [(reference, one) for reference, one in usual if one.tool == action.tool]
        if len({reference.trace_id for reference, _ in alike}) < _HABIT:
            continue
        if not action.confirmed and all(one.confirmed for _, one in alike):
            return (
                action,
                f"{action.tool} is called before the user has confirmed it, as healthy runs wait for",
            )
        if at == 0 and (checks := _checks_of(alike) - _looked_before(course, action)):
            return action, f"{action.tool} is called without {min(checks)}, which healthy runs call before it"
    return None


def _checks_of(alike: Sequence[tuple[Course, Action]]) -> set[str]:
    """Name the tools by which every one of these runs has looked before it made the change."""
    looked = [_looked_before(course, action) for course, action in alike]
    return set.intersection(*looked) if looked else set()


def _looked_before(course: Course, change: Action) -> set[str]:
    before = course.actions[: course.actions.index(change)]
    return {action.tool for action in before if not action.changes}


def _missing(course: Course, nearest: Course) -> list[str]:
    """Name the tools of the changes that the nearest healthy run makes and this one does not."""
    if nearest.identifiers & course.identifiers:
        own = {action.key for action in course.changes}
        return list(dict.fromkeys(action.tool for action in nearest.changes if action.key not in own))
    tools = {action.tool for action in course.changes}
    return list(dict.fromkeys(action.tool for action in nearest.changes if action.tool not in tools))


def _missing_action(capture: Capture, tools: Sequence[str]) -> Finding:
    span = answering_span(capture.trace)
    return Finding(
        rule="missing_action",
        failure_type=FailureType.INCOMPLETE_TASK,
        span_id=span.span_id,
        cause_span_id=None,
        reason=f"{', '.join(tools[:_MOST_NAMED])} is not called as in the healthy run of the most alike "
        "request",
        quote=said_in(span)[:_QUOTE],
        stable="",
    )


def _slow(capture: Capture, course: Course, references: Sequence[Course]) -> Finding:
    usual = max(one.seconds for one in references)
    root = capture.trace.root
    parents = {span.parent_id for span in capture.spans}
    below = [span for span in capture.spans if span is not root and span.span_id not in parents]
    slowest = max(below, key=lambda span: span.duration_ns, default=root)
    return Finding(
        rule="slow_run",
        failure_type=FailureType.LATENCY,
        span_id=slowest.span_id,
        cause_span_id=None,
        reason=f"the run takes {course.seconds:.0f} s, healthy runs of alike requests {usual:.0f} s at most",
        quote="",
        stable="",
    )


def _finding(
    capture: Capture,
    rule: str,
    failure_type: FailureType,
    action: Action,
    reason: str,
    *,
    named: Sequence[str] = (),
) -> Finding:
    return Finding(
        rule=rule,
        failure_type=failure_type,
        span_id=action.span_id,
        cause_span_id=None,
        reason=reason,
        quote=_spelled_argument(capture, action, named),
        stable="",
    )


def _spelled_argument(capture: Capture, action: Action, named: Sequence[str]) -> str:
    """Quote the first argument that differs as the step spells it, else how its arguments begin."""
    span = capture.span(action.span_id)
    texts = [text for text in leaf_texts(span.input) if text] if span else []
    objects = list(objects_in(span.input)) if span else []
    for name in named:
        for text in texts:
            if (at := text.find(f'"{name}"')) >= 0:
                return text[at : at + _QUOTE]
        for held in (one[name] for one in objects if name in one):
            if told := next((text for text in leaf_texts(held) if text), ""):
                return told[:_QUOTE]
    return texts[0][:_QUOTE] if texts else ""
