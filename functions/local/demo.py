"""The demonstration: a webhook comes in over HTTP, suggestions come out."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx

from functions.local.host import hosting, queue_of
from functions.local.trace_run import register_files
from functions.receive_alert.payload import filled
from shared.errors import UnavailableError
from shared.wiring import Wiring

SAMPLES = Path(__file__).parent / "samples" / "shop_assistant.jsonl"
# The samples were written for this day; the alert is of the same afternoon, whenever the demo is run.
ALERT_TIME = datetime(2026, 11, 18, 16, 0, tzinfo=UTC)
_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 120
_WEBHOOK_SECONDS = 30


def alert_payload() -> dict[str, str]:
    """Build what Datadog posts with the payload that we install: every value is text."""
    moment = str(int(ALERT_TIME.timestamp() * 1000))
    return filled(
        {
            "ALERT_ID": "312833678",
            "ORG_ID": "11023",
            "DATE": moment,
            "LAST_UPDATED": moment,
            "ALERT_TRANSITION": "Triggered",
            "ALERT_CYCLE_KEY": "1763481600",
            "ID": "5485379890863845239",
            "ALERT_PRIORITY": "P2",
            "LINK": "https://app.datadoghq.com/event/jump_to?event_id=5485379890863845239",
            "TAGS[ml_app]": "shop-assistant",
            "ALERT_SCOPE": "ml_app:shop-assistant",
            "TAGS": "env:prod, ml_app:shop-assistant, monitor",
            "EVENT_TITLE": "[Triggered on {ml_app:shop-assistant}] Failing evaluations",
        }
    )


def run_demo(parts: Wiring, *, say: Callable[[str], None]) -> None:
    """Host the functions, post one webhook, wait until the chain has done its work.

    Raises:
        UnavailableError: the webhook was refused, or the chain did not come to an end.
    """
    register_files([SAMPLES], parts)
    say(f"trace source   {SAMPLES.name}: a shop assistant in production")
    with hosting(parts) as address:
        say(f"local host     {address}")
        tokens = parts.settings.webhook_tokens
        headers = {"X-EvalForge-Token": tokens[0]} if tokens else {}
        answer = _post(f"{address}/receive_alert", headers)
        if answer.is_error:
            raise UnavailableError(f"the webhook was answered {answer.status_code}")
        say(f"webhook        answered {answer.status_code}: {answer.json()['incident']}")
        _wait(parts)


def _post(url: str, headers: dict[str, str]) -> httpx.Response:
    """Post the webhook to this very process, past any proxy that the environment names."""
    try:
        with httpx.Client(trust_env=False, timeout=_WEBHOOK_SECONDS) as client:
            return client.post(url, json=alert_payload(), headers=headers)
    except httpx.HTTPError as error:
        raise UnavailableError(f"the local host did not answer: {type(error).__name__}") from error


def _wait(parts: Wiring) -> None:
    queue, started = queue_of(parts), time.monotonic()
    while queue.pending():
        if time.monotonic() - started > _PATIENCE_SECONDS:
            raise UnavailableError(
                f"messages are left after {_PATIENCE_SECONDS} s: {queue.pending_by_topic()}"
            )
        time.sleep(_POLL_SECONDS)
