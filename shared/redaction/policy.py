"""How a deployment redacts: by which key, with which further detectors, and what stays of free text."""

from typing import NamedTuple

from shared.domain.free_text import FreeTextPolicy
from shared.domain.signals import Signal
from shared.domain.spans import Trace
from shared.redaction.kinds import Detector
from shared.redaction.redactor import Redacted, redact_trace
from shared.redaction.withholding import withheld


class Redaction(NamedTuple):
    """What a trace is redacted by; `salt` is the key of one version of the deployment's salt."""

    salt: bytes
    salt_version: str = "1"
    further: tuple[Detector, ...] = ()
    free_text: FreeTextPolicy = FreeTextPolicy()

    def of(self, trace: Trace, signals: tuple[Signal, ...]) -> Redacted:
        """Redact a trace and what flags it, as its application is told to."""
        redacted = redact_trace(trace, self.salt, signals, self.further)
        # By the names as they came: one that tells of a person is stored as a hash. A trace repeats what
        # its steps said, so one application that withholds decides for all of it.
        told = any(
            self.free_text.withholds(name) for name in {trace.ml_app, *(span.ml_app for span in trace.spans)}
        )
        return withheld(redacted) if told else redacted
