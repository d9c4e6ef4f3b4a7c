"""What a run came to: the object that `run --json` prints, and the table."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from functions.cli.terminal import counted, plain, severity
from shared.domain.artifacts import ArtifactKind, DraftStatus, ProofState
from shared.domain.model import Model
from shared.domain.suggestions import Suggestion, SuggestionStatus
from shared.domain.taxonomy import FailureType, Severity, severity_rank
from shared.wiring import Wiring

# What the table needs to keep every row on one line but for the title.
ROOM_FOR_A_TABLE = 170


class ArtifactState(Model):
    """How far an artifact is."""

    status: DraftStatus
    proof: ProofState


class SuggestionLine(Model):
    """One suggestion in a report."""

    id: str
    ml_app: str
    env: str
    failure_type: FailureType
    severity: Severity
    title: str
    status: SuggestionStatus
    recurrence: int
    members: tuple[str, ...]
    artifacts: dict[ArtifactKind, ArtifactState]


class RunReport(Model):
    """The whole store after a run."""

    captures: int
    healthy: int
    patterns: int
    dead_letters: int
    model_calls: int
    cost_usd: float
    elapsed_s: float
    suggestions: tuple[SuggestionLine, ...]


def report(parts: Wiring, elapsed_s: float) -> RunReport:
    """Count what stands in the store; the worst suggestions first, then the most frequent."""
    spent = parts.spend.total()
    return RunReport(
        captures=parts.captures.count(),
        healthy=parts.healthy.count(),
        patterns=parts.patterns.count(),
        dead_letters=parts.dead_letters.count(),
        model_calls=spent.model_calls,
        cost_usd=spent.cost_usd,
        elapsed_s=round(elapsed_s, 3),
        suggestions=tuple(_line(suggestion, parts) for suggestion in most_urgent_first(parts)),
    )


def most_urgent_first(parts: Wiring) -> list[Suggestion]:
    """List the suggestions that have members, the worst first, then the most frequent."""
    living = (one for one in parts.suggestions.all() if one.status is not SuggestionStatus.WITHDRAWN)
    return sorted(living, key=_urgency)


def layout(lines: tuple[SuggestionLine, ...], *, width: int) -> RenderableType:
    """Lay suggestions out: a table where there is room, else a few lines each."""
    if not lines:
        return Text("no suggestions")
    return _table(lines) if width >= ROOM_FOR_A_TABLE else _blocks(lines)


def _blocks(lines: tuple[SuggestionLine, ...]) -> Group:
    told: list[Text] = []
    for line in lines:
        seen = f"seen {counted(line.recurrence, 'time')}"
        head = (
            Text(f"{line.id}  ")
            .append(severity(line.severity))
            .append(f"  {line.failure_type.value}  {seen}")
        )
        head.append(f"  {line.status.value}")
        artifacts = Text("  ")
        for kind in ArtifactKind:
            artifacts.append(f"{kind.value} ").append(_state(line.artifacts.get(kind))).append("   ")
        where = Text("  ").append(plain(f"{line.ml_app} ({line.env})"))
        told += [head, Text("  ").append(plain(line.title)), where, artifacts, Text("")]
    return Group(*told)


def _table(lines: tuple[SuggestionLine, ...]) -> Table:
    grid = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for name in ("id", "application", "type", "severity"):
        grid.add_column(name, no_wrap=True)
    grid.add_column("seen", justify="right")
    for kind in ArtifactKind:
        grid.add_column(kind.value, no_wrap=True)
    grid.add_column("status", no_wrap=True)
    grid.add_column("what happened", min_width=30)
    for line in lines:
        states = (line.artifacts.get(kind) for kind in ArtifactKind)
        grid.add_row(
            line.id,
            plain(f"{line.ml_app} ({line.env})"),
            line.failure_type.value,
            severity(line.severity),
            str(line.recurrence),
            *(_state(state) for state in states),
            line.status.value,
            plain(line.title),
        )
    return grid


def _line(suggestion: Suggestion, parts: Wiring) -> SuggestionLine:
    return SuggestionLine(
        id=suggestion.id,
        ml_app=suggestion.ml_app,
        env=suggestion.env,
        failure_type=suggestion.failure_type,
        severity=suggestion.severity,
        title=suggestion.title,
        status=suggestion.status,
        recurrence=suggestion.recurrence,
        members=tuple(sorted(member.trace_id for member in parts.suggestions.members(suggestion.id))),
        artifacts={
            kind: ArtifactState(status=ref.status, proof=ref.proof)
            for kind, ref in sorted(suggestion.artifacts.items())
        },
    )


def _urgency(suggestion: Suggestion) -> tuple[int, int, str]:
    return -severity_rank(suggestion.severity), -suggestion.recurrence, suggestion.id


def _state(state: ArtifactState | None) -> Text:
    if state is None:
        return Text("-", style="dim")
    if state.status is DraftStatus.NEEDS_HUMAN_INPUT:
        return Text(f"{state.proof.value}, needs input", style="yellow")
    return Text(state.proof.value, style="green" if state.proof is ProofState.PROVEN else "")
