"""What Datadog answers when it refuses, as the two families of error: by status, never by text."""

import math
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from shared.errors import EvalForgeError, NotFoundError, PermanentError, UnavailableError

_PASSING = frozenset({408, 425, 429})
_UNKNOWN = 401
_SERVER_ERROR = 500
# Where in our own request a fault lies; anything else in an answer may repeat what a user wrote.
_POINTER = re.compile(r"/?data(?:/[a-z_]{1,20}){0,4}|filter\[[a-z_]{1,20}\]|page\[[a-z]{1,10}\]")


class DatadogRefusedError(PermanentError):
    """Datadog will answer the same however often it is asked; the message says what to mend."""


class DatadogUnavailableError(UnavailableError):
    """Datadog did not answer, or asked to come back; `retry_after` says in how many seconds."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Call(NamedTuple):
    """What was asked of Datadog, and which permission of the application key it takes.

    Without one, it is the API key alone that Datadog looks at.
    """

    name: str
    permission: str = ""


class Fault(NamedTuple):
    """One error of an answer's body; `pointer` names the part of the request that it is about."""

    text: str
    pointer: str = ""


def faults_in(body: object) -> tuple[Fault, ...]:
    """Read both shapes that Datadog's errors have: texts, and objects as JSON:API spells them."""
    listed = body.get("errors") if isinstance(body, dict) else None
    return tuple(_faults(listed)) if isinstance(listed, list) else ()


def refusal(call: Call, status: int, body: object, headers: Mapping[str, str]) -> EvalForgeError:
    """Say what an answer means and what to do about it, without a word of its text."""
    if status in _PASSING or status >= _SERVER_ERROR or status == 0:
        return DatadogUnavailableError(f"Datadog answered {call.name} with {status}", retry_after(headers))
    faults = faults_in(body)
    key = _key(faults) if call.permission else "DATADOG_API_KEY"
    match status:
        case 401 | 403 if status == _UNKNOWN or not call.permission:
            return DatadogRefusedError(
                f"Datadog does not take {key} ({status} to {call.name}); check that it is valid "
                "and belongs to DATADOG_SITE"
            )
        case 403:
            return DatadogRefusedError(
                f"Datadog does not allow {call.name} ({status}); give the application key of DATADOG_APP_KEY "
                f"the permission {call.permission}, and check {key} against DATADOG_SITE"
            )
        case 404:
            return NotFoundError(f"Datadog has nothing under {call.name} ({status}); check DATADOG_SITE")
    about = ", ".join(sorted({fault.pointer for fault in faults if fault.pointer}))
    return DatadogRefusedError(
        f"Datadog does not take {call.name} ({status})" + (f": {about}" if about else "")
    )


def unanswered(call: Call, error: object, host: str) -> DatadogUnavailableError:
    """Say that no answer came, and from where; of the error only its type is told."""
    return DatadogUnavailableError(f"{host} did not answer {call.name}: {type(error).__name__}")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read in how many seconds Datadog wants to be asked again; None where it says nothing of use."""
    told = {name.lower(): value for name, value in headers.items()}.get("x-ratelimit-reset", "")
    try:
        seconds = float(told)
    except ValueError:
        return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _faults(listed: list[object]) -> Iterator[Fault]:
    for told in listed:
        if isinstance(told, str):
            yield Fault(told)
        elif isinstance(told, dict):
            texts = [told[key] for key in ("title", "detail") if isinstance(told.get(key), str)]
            yield Fault(": ".join(texts), _pointer(told.get("source")))


def _pointer(source: object) -> str:
    told = (source.get("pointer") or source.get("parameter")) if isinstance(source, dict) else None
    return told if isinstance(told, str) and _POINTER.fullmatch(told) else ""


def _key(faults: tuple[Fault, ...]) -> str:
    """Name the key that an answer is about, where it says so; the kind of error never hangs on it."""
    told = " ".join(fault.text for fault in faults).lower()
    if "app key" in told or "application key" in told:
        return "DATADOG_APP_KEY"
    return "DATADOG_API_KEY" if "api key" in told else "DATADOG_API_KEY or DATADOG_APP_KEY"
