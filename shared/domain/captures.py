"""The sanitized copy of a trace: the first thing ever stored."""

from typing import Self

from shared.domain.canonical import canonical_json, digest
from shared.domain.control_group import control_group_rank
from shared.domain.model import Instant, Model
from shared.domain.signals import Signal
from shared.domain.spans import Span, Trace


class Capture(Model):
    """A redacted trace with what says that it failed; without signals it is a healthy capture.

    `pseudonyms` has the keyed hash of what each placeholder stands for: equal
    in every trace of one salt version.
    """

    trace_id: str
    ml_app: str
    env: str
    version: str
    started_at: Instant
    spans: tuple[Span, ...]
    signals: tuple[Signal, ...]
    evaluated: bool
    user_hash: str | None
    redactions: dict[str, int]
    salt_version: str = "1"
    pseudonyms: dict[str, str] = {}
    sanitizer_version: str
    content_hash: str

    @classmethod
    def of(  # noqa: D102 - the fields say it
        cls,
        trace: Trace,
        *,
        ml_app: str,
        env: str,
        version: str,
        signals: tuple[Signal, ...],
        evaluated: bool,
        user_hash: str | None,
        redactions: dict[str, int],
        sanitizer_version: str,
        salt_version: str = "1",
        pseudonyms: dict[str, str] | None = None,
    ) -> Self:
        content = canonical_json(
            {
                "spans": [span.model_dump(mode="json") for span in trace.spans],
                "application": [ml_app, env, version],
                "signals": [signal.model_dump(mode="json") for signal in signals],
                "sanitizer": sanitizer_version,
            }
        )
        return cls(
            trace_id=trace.trace_id,
            ml_app=ml_app,
            env=env,
            version=version,
            started_at=trace.started_at,
            spans=trace.spans,
            signals=signals,
            evaluated=evaluated,
            user_hash=user_hash,
            redactions=redactions,
            salt_version=salt_version,
            pseudonyms=pseudonyms or {},
            sanitizer_version=sanitizer_version,
            content_hash=digest(content),
        )

    @property
    def healthy(self) -> bool:
        """Say whether nothing flags the trace."""
        return not self.signals

    @property
    def trace(self) -> Trace:
        """The spans with the questions that a trace answers."""
        return Trace(trace_id=self.trace_id, spans=self.spans)

    def span(self, span_id: str) -> Span | None:
        """Find a span by its id."""
        return next((span for span in self.spans if span.span_id == span_id), None)


class CaptureHead(Model):
    """What lists show of a capture without reading its spans.

    `look` is how the trace looked to the search that found it; `settled`, whether it
    was fetched when nothing of it could come late any more; `cited_by` are the
    suggestions whose live proofs rest on a healthy capture; `roster` is the id of
    the one that says whether it has a place in its control group.
    """

    trace_id: str
    ml_app: str
    env: str
    version: str
    started_at: Instant
    spans: int
    evaluated: bool
    rank: str
    sanitizer_version: str
    content_hash: str
    look: str = ""
    settled: bool = False
    cited_by: tuple[str, ...] = ()
    roster: str = ""


def head_of(capture: Capture) -> CaptureHead:
    """Sum a capture up; `rank` is the hash by which a control group is drawn."""
    return CaptureHead(
        trace_id=capture.trace_id,
        ml_app=capture.ml_app,
        env=capture.env,
        version=capture.version,
        started_at=capture.started_at,
        spans=len(capture.spans),
        evaluated=capture.evaluated,
        rank=control_group_rank(capture.trace_id, evaluated=capture.evaluated),
        sanitizer_version=capture.sanitizer_version,
        content_hash=capture.content_hash,
    )
