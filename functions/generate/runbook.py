"""The runbook: what the next person on call does, with queries that exist."""

from datetime import timedelta

from shared.domain.artifacts import Runbook, RunbookSection
from shared.domain.captures import Capture
from shared.domain.markdown import code, escape, quote
from shared.domain.patterns import FailurePattern
from shared.domain.suggestions import Suggestion

_MARGIN = timedelta(hours=1)


def draft_runbook(suggestion: Suggestion, pattern: FailurePattern, capture: Capture) -> Runbook:
    """Write the six sections; text that comes from traces is escaped."""
    return Runbook(
        title=f"{escape(pattern.ml_app)} - {escape(pattern.title)}",
        sections=(
            RunbookSection(heading="Summary", body=_summary(pattern)),
            RunbookSection(heading="Symptoms", body=_symptoms(pattern, capture)),
            RunbookSection(heading="Diagnosis", body=_diagnosis(suggestion, pattern, capture)),
            RunbookSection(heading="Mitigation", body=_numbered(pattern.recommended_actions)),
            RunbookSection(heading="Root cause", body=_causes(pattern)),
            RunbookSection(heading="Escalation", body=_escalation(pattern)),
        ),
    )


def _summary(pattern: FailurePattern) -> str:
    kinds = ", ".join(kind.value for kind in pattern.failure_types)
    return (
        f"{escape(_sentence(pattern.trigger))}.\n\n"
        f"Application {code(pattern.ml_app)}, environment {code(pattern.env)}, "
        f"severity **{pattern.severity.value}**, type {kinds}."
    )


def _symptoms(pattern: FailurePattern, capture: Capture) -> str:
    signals = dict.fromkeys(f"{signal.source} {signal.detail}".strip() for signal in capture.signals)
    lines = [f"- signal {code(signal)}" for signal in signals]
    quotes = [quote(cause.evidence) for cause in pattern.root_causes if cause.evidence]
    return "\n".join(lines) + ("\n\nSeen in the run:\n\n" + "\n\n".join(quotes) if quotes else "")


def _diagnosis(suggestion: Suggestion, pattern: FailurePattern, capture: Capture) -> str:
    since = (capture.started_at - _MARGIN).strftime("%Y-%m-%dT%H:%M:%SZ")
    steps = (
        f"Read the first failing run: {code(f'evalforge show capture {pattern.trace_id}')}",
        f"Read the failing step in it: span {code(pattern.failing_span_id)}",
        f"List the failing runs of this problem: {code(f'evalforge show suggestion {suggestion.id}')}",
        f"Search Datadog's LLM Observability spans since {since}: {code(_query(pattern, capture))}",
    )
    return _numbered(steps)


def _sentence(text: str) -> str:
    """Begin with a capital, but for names as code has them."""
    return text if "_" in text.split(" ", maxsplit=1)[0] else text[:1].upper() + text[1:]


def _query(pattern: FailurePattern, capture: Capture) -> str:
    """Write a span search for what flagged the run, in Datadog's current syntax."""
    scope = f"@ml_app:{_term(pattern.ml_app)} env:{_term(pattern.env)}"
    leading_first = sorted(
        capture.signals, key=lambda signal: signal.failure_type is not pattern.leading_type
    )
    sources = [signal.source for signal in leading_first]
    labels = [s.removeprefix("evaluation:") for s in sources if s.startswith("evaluation:")]
    if labels:
        return f"{scope} @evaluation.{_term(labels[0])}.assessment:fail"
    return f"{scope} @status:error"


def _term(value: str) -> str:
    """Spell a value as a search term: quoted where it has anything but plain characters."""
    plain = value.replace("-", "").replace("_", "").replace(".", "").isalnum()
    return value if plain else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _causes(pattern: FailurePattern) -> str:
    return "\n".join(
        f"{number}. {escape(_sentence(cause.cause))} (span {code(cause.span_id)})"
        for number, cause in enumerate(pattern.root_causes, 1)
    )


def _escalation(pattern: FailurePattern) -> str:
    return (
        f"Call the owner of {code(pattern.ml_app)} when it happens again after the fix was deployed, "
        f"or when it becomes more frequent while you work on it."
    )


def _numbered(steps: tuple[str, ...]) -> str:
    return "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
