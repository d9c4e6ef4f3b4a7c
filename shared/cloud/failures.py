"""What Google's client libraries raise, as the two families of error: by type, never by text."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from google.api_core import exceptions as api
from google.api_core.retry import Retry, if_exception_type
from google.auth import exceptions as auth

from shared.errors import EvalForgeError, MisconfiguredError, RefusedError, UnavailableError

# Short and bounded: what takes longer is left to the delivery of messages, which tries for hours.
CALL_SECONDS = 10.0
PATIENCE_SECONDS = 20.0
_PASSING = (
    api.Aborted,
    api.Cancelled,
    api.DeadlineExceeded,
    api.InternalServerError,
    api.ResourceExhausted,
    api.RetryError,
    api.ServiceUnavailable,
    api.TooManyRequests,
    api.Unknown,
    auth.TransportError,
)


class Service(NamedTuple):
    """A service as its errors tell of it: its name, what was called, and what mends each fault."""

    name: str
    where: str
    missing: str
    forbidden: str
    unready: str


def patience(seconds: float | None = None) -> dict[str, Any]:
    """Spell how long a call may take and be tried again, as the client libraries take it."""
    limit = PATIENCE_SECONDS if seconds is None else seconds
    return {"retry": retrying(limit), "timeout": min(CALL_SECONDS, limit)}


def retrying(seconds: float) -> Retry:
    """Try what may pass again, for a bounded time."""
    return Retry(
        predicate=if_exception_type(
            api.Aborted, api.InternalServerError, api.ServiceUnavailable, api.TooManyRequests
        ),
        initial=0.05,
        maximum=2.0,
        multiplier=2.0,
        timeout=seconds,
    )


@contextmanager
def telling(service: Service) -> Iterator[None]:
    """Raise our own error in place of a client library's, with what to do about it.

    Raises:
        UnavailableError: the service did not answer, or not in time.
        MisconfiguredError: credentials, a permission, or something that had to be deployed is missing.
        RefusedError: the service will never take what it was given.
    """
    try:
        yield
    except EvalForgeError:
        raise
    except _PASSING as error:
        raise UnavailableError(f"{service.where} did not answer: {type(error).__name__}") from error
    except (api.GoogleAPICallError, auth.GoogleAuthError) as error:
        raise _told(service, error) from error


def _told(service: Service, error: Exception) -> EvalForgeError:
    match error:
        case auth.DefaultCredentialsError() | auth.RefreshError() | api.Unauthenticated():
            return MisconfiguredError(
                f"{service.name} takes no call without credentials; deployed functions have a service "
                "account, elsewhere run `gcloud auth application-default login`"
            )
        case api.PermissionDenied() | api.Forbidden():
            return MisconfiguredError(f"{service.where} refuses this account; {service.forbidden}")
        case api.NotFound():
            return MisconfiguredError(f"{service.where} does not exist; {service.missing}")
        case api.FailedPrecondition():
            return MisconfiguredError(f"{service.where} is not ready for this; {service.unready}")
        case api.InvalidArgument() | api.BadRequest() | api.OutOfRange():
            return RefusedError(f"{service.where} does not take this: {type(error).__name__}")
    return UnavailableError(f"{service.where} failed: {type(error).__name__}")
