"""The two families of error that decide whether a message is delivered again."""

from shared.domain.model_calls import Trouble, Usage


class EvalForgeError(Exception):
    """The base of all errors of ours; its text is safe to store and to log."""


class PermanentError(EvalForgeError):
    """Trying again would not help: record it, acknowledge the message, show it."""


class TransientError(EvalForgeError):
    """Trying again may help: raise, so that the message is delivered again."""


class ConfigError(PermanentError):
    """Settings are missing or wrong; the message names every one of them."""


class MessageError(PermanentError):
    """A message cannot be read as what its topic carries."""


class TraceNotFoundError(PermanentError):
    """The trace source does not have the trace."""


class TraceSourceError(PermanentError):
    """The trace source cannot be read; the message says which part of it, and what to do."""


class NotFoundError(PermanentError):
    """A record that was asked for does not exist."""


class ReviewError(PermanentError):
    """A decision does not fit the state of the suggestion."""


class ResendError(PermanentError):
    """A dead letter cannot be sent again or dropped as it was asked."""


class LeakError(PermanentError):
    """Something about to leave holds personal data or a secret; nothing was sent."""


class StageFailedError(TransientError):
    """A stage met an error that it does not know; only the error's type is told."""


class ConflictError(TransientError):
    """Somebody else wrote the record meanwhile; reading it again and deciding anew may help."""


class StoreDamagedError(TransientError):
    """The embedded store's file cannot be read; no message is given up for it."""


class NameTakenError(PermanentError):
    """Something has this name already; choose another."""


class RefusedError(PermanentError):
    """A service will never take what it was given: it is too large, or no name that it knows."""


class MisconfiguredError(TransientError):
    """A project, database, index or permission is missing; messages wait until somebody has mended it."""


class UnavailableError(TransientError):
    """A service did not answer, or asked to come back later."""


class ModelTroubleError(TransientError):
    """A model gave no answer that can be used: which way it failed, when to ask again, and what it cost."""

    def __init__(
        self, text: str, trouble: Trouble, *, retry_after: float | None = None, usage: Usage | None = None
    ) -> None:
        """Keep what a decision needs; `retry_after` is in seconds, as the service told it."""
        super().__init__(text)
        self.trouble = trouble
        self.retry_after = retry_after
        self.usage = usage or Usage()


def snapshot_exists(name: str) -> NameTakenError:
    """Say on every backend alike that a snapshot has this name."""
    return NameTakenError(f"there is a snapshot {name} already; choose another name")


def no_such_snapshot(name: str) -> NotFoundError:
    """Say on every backend alike that a snapshot was never made, or has expired."""
    return NotFoundError(f"there is no snapshot {name}; `evalforge snapshot NAME` makes one, kept for 7 days")
