"""What Google's model endpoint answers when it gives no answer: by status and type, never by text."""

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import httpx
from google.auth import exceptions as auth
from google.genai.errors import APIError

from shared.domain.model_calls import Trouble
from shared.errors import ModelTroubleError
from shared.ports import Clock

_OK = 200
# Of the service's own time limits, and of a client that was too slow to send: asking again may help.
_PASSING = frozenset({408, 499})
_RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


class Asked(NamedTuple):
    """Which model is asked, and the setting that names it."""

    model: str
    setting: str


def trouble_of(
    error: Exception, response: httpx.Response | None, asked: Asked, limit: float, clock: Clock
) -> ModelTroubleError:
    """Say what became of a call; `response` is what had come by then, at least its status and headers."""
    if isinstance(error, ModelTroubleError):
        return error
    if response is not None and response.status_code != _OK:
        return _refusal(response.status_code, asked, _retry_after(response, error, clock))
    match error:
        case httpx.TimeoutException() | TimeoutError() | auth.TimeoutError():
            return deadline(asked, limit)
        case auth.TransportError() | auth.RefreshError(retryable=True):
            return unavailable(asked, type(error).__name__)
        case auth.GoogleAuthError():
            return ModelTroubleError(
                f"{asked.model} takes no call without credentials; deployed functions have a service "
                "account, elsewhere run `gcloud auth application-default login`",
                Trouble.DENIED,
            )
    return unavailable(asked, type(error).__name__)


def deadline(asked: Asked, limit: float) -> ModelTroubleError:
    """Say that the time was up."""
    return ModelTroubleError(f"{asked.model} did not answer within {limit:g} s", Trouble.DEADLINE)


def unavailable(asked: Asked, why: str, retry_after: float | None = None) -> ModelTroubleError:
    """Say that asking again may help."""
    return ModelTroubleError(
        f"{asked.model} did not answer: {why}", Trouble.UNAVAILABLE, retry_after=retry_after
    )


def _refusal(status: int, asked: Asked, retry_after: float | None) -> ModelTroubleError:
    match status:
        case 429:
            return ModelTroubleError(
                f"{asked.model} takes no more calls for now (429); ask again later, or raise its quota in "
                "GOOGLE_CLOUD_PROJECT and VERTEX_AI_LOCATION",
                Trouble.RATE_LIMITED,
                retry_after=retry_after,
            )
        case 404:
            return ModelTroubleError(
                f"{asked.model} is not served (404); set {asked.setting} to a model that is served in "
                "VERTEX_AI_LOCATION",
                Trouble.MODEL_GONE,
            )
        case 401 | 403:
            return ModelTroubleError(
                f"{asked.model} refuses this account ({status}); enable aiplatform.googleapis.com in "
                "GOOGLE_CLOUD_PROJECT and give the account the role roles/aiplatform.user there",
                Trouble.DENIED,
            )
        case _ if 400 <= status < 500 and status not in _PASSING:  # noqa: PLR2004
            return ModelTroubleError(
                f"{asked.model} does not take this request ({status}); check that {asked.setting} names a "
                "model made for it",
                Trouble.REFUSED,
            )
    return unavailable(asked, str(status), retry_after)


def _retry_after(response: httpx.Response, error: Exception, clock: Clock) -> float | None:
    """Read in how many seconds the service wants to be asked again; None where it says nothing of use."""
    told = response.headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(told):
        return float(told)
    try:
        moment = parsedate_to_datetime(told)
    except (ValueError, OverflowError):
        return _retry_delay(error.details) if isinstance(error, APIError) else None
    seconds = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - clock()).total_seconds()
    return max(seconds, 0.0)


def _retry_delay(body: Any) -> float | None:  # noqa: ANN401 - whatever was answered
    match body:
        case {"error": {"details": [*details]}}:
            for detail in details:
                match detail:
                    case {"@type": str(kind), "retryDelay": str(told)} if kind == _RETRY_INFO:
                        return _duration(told)
    return None


def _duration(told: str) -> float | None:
    return float(told[:-1]) if told.endswith("s") and _SECONDS.fullmatch(told[:-1]) else None
