"""A pattern laid out to be read: what failed, why, by which evidence, and who says so."""

import shlex
from collections.abc import Iterator

from rich.console import Console

from functions.cli.terminal import counted, plain
from shared.domain.patterns import Extractor, FailurePattern

_SHORT_HASH = 12


def show_pattern(pattern: FailurePattern, out: Console, *, options: str) -> None:
    """Print a pattern; its whole data is in the JSON. `options` bring a command to the same store."""
    for number, line in enumerate(_lines(pattern, options)):
        # What strangers wrote must not begin a line that looks like one of ours.
        out.print(plain(line.replace("\n", " ")), style="bold" if number == 0 else "", soft_wrap=True)


def _lines(pattern: FailurePattern, options: str) -> Iterator[str]:
    yield pattern.title
    kinds = ", ".join(kind.value for kind in pattern.failure_types)
    yield f"{kinds}; {pattern.severity.value}; confidence {pattern.confidence:.2f}"
    yield f"{pattern.ml_app} ({pattern.env}); trace {pattern.trace_id}; group {pattern.group_id}"
    if pattern.withdrawn:
        yield "withdrawn      its trace turned out healthy"
    yield ""
    yield f"failing step   {pattern.failing_span_id}"
    yield f"cause          {pattern.cause_span_id or 'no step of its own'}"
    yield f"trigger        {pattern.trigger}"
    yield from _causes(pattern)
    yield ""
    yield "evidence"
    for told in pattern.evidence:
        yield f"  {told.failure_type.value}, step {told.span_id}: {told.reason}"
        yield from _quoted(told.quote)
    yield ""
    yield "what to do"
    yield from (f"  {action}" for action in pattern.recommended_actions)
    yield ""
    yield f"held against   {_held_against(pattern)}"
    yield f"confidence     {pattern.confidence_reason}"
    yield from (f"disagreement   {one}; the rules' word stands" for one in pattern.disagreements)
    yield f"told by        {_told_by(pattern.extractor)}"
    if pattern.extractor.upgrade_pending:
        yield f"waits          {_waits(pattern, options)}"


def _causes(pattern: FailurePattern) -> Iterator[str]:
    if pattern.root_causes:
        yield ""
        yield "root causes, the likeliest first"
    for number, one in enumerate(pattern.root_causes, 1):
        yield f"  {number}. {one.cause} ({one.failure_type.value}, step {one.span_id})"
        yield from _quoted(one.evidence)


def _quoted(text: str) -> Iterator[str]:
    yield from (f"     > {line}" for line in text.splitlines())


def _held_against(pattern: FailurePattern) -> str:
    if pattern.references is None:
        return "no other run: what the run itself tells is enough"
    if not pattern.references:
        return "no healthy run: none is known that was asked the like"
    runs = ", ".join(one.trace_id for one in pattern.references)
    return f"{counted(len(pattern.references), 'healthy run')}: {runs}"


def _told_by(told: Extractor) -> str:
    if told.model is None:
        return f"rules {told.version} alone"
    asked = f"{told.model}, prompt {told.prompt} ({(told.prompt_hash or '')[:_SHORT_HASH]})"
    took = (
        f"{told.input_tokens} tokens in, {told.output_tokens} out, {told.latency_ms / 1000:.1f} s, "
        f"${told.cost_usd:.6f}"
        if told.input_tokens or told.latency_ms
        else "asked once, for another failure of the group"
    )
    why = f"; {told.reason}" if told.reason else ""
    return f"rules {told.version} and {asked}: {took}{why}"


def _waits(pattern: FailurePattern, options: str) -> str:
    told = pattern.extractor
    call = f" (call {told.attempt})" if told.attempt else ""
    again = f"evalforge replay --stage extract --only {shlex.quote(pattern.trace_id)}{options}"
    return f"for a model's narrative, which did not come: {told.reason}{call}; `{again}` asks again"
