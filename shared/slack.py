"""Notices through a Slack incoming webhook."""

import httpx

from shared.errors import PermanentError, UnavailableError

_SECONDS = 5.0
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500


class SlackRefusedError(PermanentError):
    """Slack does not take the notice; the webhook's URL may have been revoked."""


class SlackWebhook:
    """Posts plain text to one channel."""

    def __init__(self, url: str) -> None:
        """The URL is a secret: whoever has it can post."""
        self._url = url

    def notify(self, text: str) -> None:
        """Post one notice."""
        try:
            response = httpx.post(self._url, json={"text": text}, timeout=_SECONDS)
        except httpx.HTTPError as error:
            raise UnavailableError(f"Slack did not answer: {type(error).__name__}") from None
        if response.status_code == _TOO_MANY_REQUESTS or response.status_code >= _SERVER_ERROR:
            raise UnavailableError(f"Slack answered {response.status_code}")
        if response.is_error:
            raise SlackRefusedError(f"Slack answered {response.status_code}; check SLACK_WEBHOOK_URL")
