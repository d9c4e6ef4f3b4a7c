"""One run over trace files: register them, order a backfill, let the chain do the rest."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from functions.local.delivery import Delivery, entry_points
from functions.local.host import queue_of
from functions.resend.resending import resend_due
from shared import wiring
from shared.domain.canonical import digest
from shared.domain.incidents import Incident, IncidentKind
from shared.embedded.local_traces import LocalTraces
from shared.embedded.trace_reading import Fault, LoadedFile
from shared.errors import ConfigError, TraceSourceError
from shared.messages import AlertRaised, ContrastsDue
from shared.ports import Outgoing
from shared.redaction.redactor import redact_text
from shared.topology import Topic
from shared.wiring import Wiring


class Progress(NamedTuple):
    """What a run tells while it goes on: spans read, then messages left on each topic."""

    reading: Callable[[Path, int], None]
    working: Callable[[dict[Topic, int]], None]


class Outcome(NamedTuple):
    """What could not be read, and which files gave nothing at all."""

    faults: list[Fault]
    unusable: list[Path]


# Healthy runs that come in during a sweep, by messages that had failed before, make another one due.
_MOST_SWEEPS = 3

QUIET = Progress(reading=lambda _path, _spans: None, working=lambda _left: None)


def run_files(paths: Sequence[Path], parts: Wiring, *, progress: Progress = QUIET) -> Outcome:
    """Take trace files through the whole chain; what cannot be read becomes dead letters."""
    queue_of(parts)
    outcome = order_files(paths, parts, progress=progress)
    # What failed for seconds in an earlier run may pass in this one.
    resend_due(parts.dead_letters, parts.publisher, clock=parts.clock, at_once=True)
    deliver_all(parts, progress=progress.working)
    return outcome


def order_files(paths: Sequence[Path], parts: Wiring, *, progress: Progress = QUIET) -> Outcome:
    """Make files findable and order the search of each; what cannot be read becomes dead letters."""
    loaded = [order_backfill(path, parts, progress=progress) for path in paths]
    for file in loaded:
        # A file that cannot be opened has nothing to come back to.
        for fault in file.faults if file.sha256 else ():
            _keep(fault, file.sha256, parts)
    faults = [fault for file in loaded for fault in file.faults]
    return Outcome(faults, [path for path, file in zip(paths, loaded, strict=True) if not file.traces])


def deliver_all(parts: Wiring, *, progress: Callable[[dict[Topic, int]], None] = lambda _: None) -> None:
    """Work off every message of the embedded queue, and what rests on control groups that have changed.

    Raises as `Delivery.drain` does.
    """
    with wiring.use(parts):
        delivery = Delivery(queue_of(parts), entry_points())
        delivery.drain(workers=parts.settings.evalforge_workers, progress=progress)
        for _ in range(_MOST_SWEEPS):
            if next(parts.contrasts.due(), None) is None:
                break
            parts.publisher.publish([Outgoing(Topic.CONTRASTS, ContrastsDue())])
            delivery.drain(workers=parts.settings.evalforge_workers, progress=progress)


def order_backfill(path: Path, parts: Wiring, *, progress: Progress = QUIET) -> LoadedFile:
    """Make one file findable and order the search of it."""
    loaded = _register(path, parts, progress)
    if loaded.traces:
        incident = _backfill(loaded)
        parts.incidents.open_or_renew(incident)
        parts.publisher.publish([Outgoing(Topic.ALERTS, AlertRaised(incident_id=incident.id))])
    return loaded


def register_files(paths: Sequence[Path], parts: Wiring) -> list[Fault]:
    """Make files findable for alerts that come later; returns what could not be read in them."""
    return [fault for path in paths for fault in _register(path, parts, QUIET).faults]


def _register(path: Path, parts: Wiring, progress: Progress) -> LoadedFile:
    if not isinstance(parts.traces, LocalTraces):
        raise ConfigError("trace files are read on the embedded backend and on the emulators")
    try:
        return parts.traces.register(path, progress=lambda spans: progress.reading(path, spans))
    except TraceSourceError as error:
        reason = str(error).removeprefix(f"{path.resolve()}: ")
        return LoadedFile(path, "", {}, 0, [Fault(path, 0, reason)])


def _backfill(loaded: LoadedFile) -> Incident:
    """Order a search of one file; the same content is the same order."""
    return Incident(
        id="in-" + digest("file", loaded.sha256, length=16),
        kind=IncidentKind.BACKFILL,
        title=f"backfill of {redact_text(loaded.path.name)}",
        source=loaded.sha256,
    )


def _keep(fault: Fault, sha256: str, parts: Wiring) -> None:
    parts.dead_letters.record(
        stage="find_failures",
        error=TraceSourceError(redact_text(str(fault))),
        message={
            "path": redact_text(str(fault.path)),
            "sha256": sha256,
            "line": fault.line,
            "reason": fault.reason,
        },
        at=parts.clock(),
    )
