"""From a trace's id to its capture: fetched whole, redacted, classified, stored."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from functions.sanitize.control_group import keep_control_group
from shared.domain.captures import Capture
from shared.domain.control_group import Application
from shared.domain.signals import SignalRules, signals_of, was_evaluated
from shared.domain.spans import Trace
from shared.domain.suggestions import Event
from shared.errors import ConflictError, NotFoundError, TraceNotFoundError, TraceSourceError
from shared.messages import CaptureStored, SuggestionChanged, TraceFound
from shared.ports import Clock, Outgoing, TraceHit, TraceSource
from shared.redaction import SANITIZER_VERSION
from shared.redaction.policy import Redaction
from shared.redaction.redactor import Redacted
from shared.repositories.captures import Captures, HealthyCaptures, Known, Seen, Stored
from shared.repositories.control_groups import ControlGroups, place_of
from shared.repositories.patterns import Patterns
from shared.repositories.suggestions import Suggestions
from shared.topology import Topic
from shared.wiring import Wiring


@dataclass(frozen=True)
class Sanitizer:
    """Stores traces where they belong, sanitized."""

    traces: TraceSource
    captures: Captures
    healthy: HealthyCaptures
    groups: ControlGroups
    patterns: Patterns
    suggestions: Suggestions
    rules: SignalRules
    redaction: Redaction
    clock: Clock
    delay: timedelta

    @classmethod
    def of(cls, parts: Wiring) -> Self:
        """Take from the wiring what it works with."""
        return cls(
            traces=parts.traces,
            captures=parts.captures,
            healthy=parts.healthy,
            groups=parts.control_groups,
            patterns=parts.patterns,
            suggestions=parts.suggestions,
            rules=parts.settings.signal_rules,
            redaction=parts.redaction,
            clock=parts.clock,
            delay=parts.settings.evaluation_delay,
        )

    def run(self, message: TraceFound) -> Iterator[list[Outgoing]]:
        """Store a trace where it belongs now, and pass it on if it has failed, or had.

        What was stored is looked up before the trace is fetched: if somebody stores
        a later fetch meanwhile, this one gives way and is delivered again.
        """
        known, known_healthy = self.captures.known(message.trace_id), self.healthy.known(message.trace_id)
        try:
            trace = None if message.stored else self.traces.fetch(message.trace_id)
        except (TraceNotFoundError, TraceSourceError) as error:
            # The source no longer has it; what is stored of it is as whole as it will ever be.
            gone = message.waited and isinstance(error, TraceNotFoundError)
            if not (gone or known.exists or known_healthy.exists):
                raise
            trace = None
        if trace is not None:
            application = Application(trace.ml_app, trace.env, trace.version)
            capture = capture_of(trace, rules=self.rules, redaction=self.redaction)
            look, roster = self._look(message, trace), place_of(application).id
            yield self._store(look, capture, known, known_healthy, roster)
            yield from keep_control_group(application, capture, self.healthy, self.groups, self.clock())
        elif (stored := self.captures.read(known)) is not None:
            yield self._store_again(self.captures, stored, known)
        elif (stored := self.healthy.read(known_healthy)) is not None:
            yield self._store_again(self.healthy, stored, known_healthy)
        elif not message.waited:
            raise NotFoundError("nothing is stored of this trace, so it cannot be redacted again")

    def _look(self, message: TraceFound, trace: Trace) -> str:
        """Say how the trace looked to its search; of one that waited, how it looks as a whole."""
        return TraceHit.of(trace, self.rules).look if message.waited else message.look

    def _store(
        self, look: str, capture: Capture, known: Known, known_healthy: Known, roster: str
    ) -> list[Outgoing]:
        """Store what was fetched; what rests on a healthy capture that failed is told before that goes."""
        passed_on = [Outgoing(Topic.CAPTURES, CaptureStored(trace_id=capture.trace_id))]
        _refuse_loss(self.captures.read(known), capture)
        now = self.clock()
        citing = tuple(sorted({*_cited_by(known), *_cited_by(known_healthy)}))
        settled = capture.started_at + self.delay <= now
        seen = Seen(look, settled=settled, cited_by=citing, roster=roster)
        if capture.healthy:
            _accept(
                self.healthy.store(capture, known_healthy, at=now, seen=seen),
                gone=self.captures.remove(capture.trace_id, known),
            )
            return passed_on if known.exists or self.patterns.get(capture.trace_id) else []
        _accept(self.captures.store(capture, known, at=now, seen=seen), gone=True)
        if known_healthy.head:
            for one in citing:
                failed = _reference_failed(capture.trace_id, now)
                self.suggestions.shake(one, failed, about=known_healthy.head)
        _accept(Stored.UNCHANGED, gone=self.healthy.remove(capture.trace_id, known_healthy))
        shaken = [Outgoing(Topic.SUGGESTIONS, SuggestionChanged(suggestion_id=one)) for one in citing]
        return passed_on + shaken

    def _store_again(
        self, collection: Captures | HealthyCaptures, stored: Capture, known: Known
    ) -> list[Outgoing]:
        """Redact again what earlier rules or another policy have left, and pass a failing trace on."""
        stale = stored.sanitizer_version != SANITIZER_VERSION
        # Its application may withhold only since.
        if stale or self.redaction.free_text.withholds(stored.ml_app):
            again = redacted_again(stored, self.redaction)
            if again.content_hash != stored.content_hash:
                _accept(collection.store(again, known, at=self.clock()), gone=True)
        return [] if stored.healthy else [Outgoing(Topic.CAPTURES, CaptureStored(trace_id=stored.trace_id))]


def _cited_by(known: Known) -> tuple[str, ...]:
    return known.head.cited_by if known.head else ()


def _reference_failed(trace_id: str, at: datetime) -> Event:
    return Event(
        kind="reference_failed",
        at=at,
        actor="evalforge",
        detail=f"{trace_id} was cited as healthy, and has failed by an evaluation that came late",
    )


def capture_of(trace: Trace, *, rules: SignalRules, redaction: Redaction) -> Capture:
    """Say what flags a trace, and redact both."""
    redacted = redaction.of(trace, signals_of(trace, rules))
    return _captured(
        redacted,
        evaluated=was_evaluated(trace),
        user_hash=redacted.user_hash,
        redactions=redacted.redactions,
        salt_version=redaction.salt_version,
        pseudonyms=redacted.pseudonyms,
    )


def redacted_again(capture: Capture, redaction: Redaction) -> Capture:
    """Redact a stored capture by today's rules; its signals were read from the trace as it came, and stay."""
    redacted = redaction.of(capture.trace, capture.signals)
    counts = Counter(capture.redactions) + Counter(redacted.redactions)
    # A capture names one version of the salt: what another hashes cannot be joined by it.
    hashed = redacted.pseudonyms if redaction.salt_version == capture.salt_version else {}
    return _captured(
        redacted,
        evaluated=capture.evaluated,
        user_hash=capture.user_hash,
        redactions=dict(counts),
        # What was hashed is a hash already: it keeps the key that it was hashed with.
        salt_version=capture.salt_version,
        pseudonyms=hashed | capture.pseudonyms,
    )


def _captured(
    redacted: Redacted,
    *,
    evaluated: bool,
    user_hash: str | None,
    redactions: dict[str, int],
    salt_version: str,
    pseudonyms: dict[str, str],
) -> Capture:
    return Capture.of(
        redacted.trace,
        ml_app=redacted.ml_app,
        env=redacted.env,
        version=redacted.version,
        signals=redacted.signals,
        evaluated=evaluated,
        user_hash=user_hash,
        redactions=redactions,
        salt_version=salt_version,
        pseudonyms=pseudonyms,
        sanitizer_version=SANITIZER_VERSION,
    )


def _refuse_loss(before: Capture | None, capture: Capture) -> None:
    """Keep a capture of which the source has lost a part: spans expire, and files are moved away.

    A verdict that changed is news; one that is missing is a loss.
    """
    lost = _parts_of(before) - _parts_of(capture) if before else set()
    if lost:
        raise TraceSourceError(
            f"the source no longer has {len(lost)} spans or verdicts of the trace; its capture is kept"
        )


def _parts_of(capture: Capture) -> set[tuple[str, str]]:
    """Name the spans of a capture, and each verdict on them."""
    verdicts = {(span.span_id, label) for span in capture.spans for label in span.evaluations}
    return verdicts | {(span.span_id, "") for span in capture.spans}


def _accept(stored: Stored, *, gone: bool) -> None:
    if stored is Stored.CONFLICT or not gone:
        raise ConflictError("the trace was stored by somebody else meanwhile")
