"""Delivering again on Pub/Sub: snapshots, and subscriptions set back in time."""

from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from google.api_core import exceptions as api
from google.cloud.pubsub_v1 import SubscriberClient

from shared.cloud.failures import CALL_SECONDS, retrying, telling
from shared.cloud.publishing import pubsub_service
from shared.errors import no_such_snapshot, snapshot_exists
from shared.ports import Clock
from shared.topology import FUNCTIONS, RETENTION_DAYS, Function, Topic, function_of


class PubSubRetention:
    """The subscriptions of one project, for as long as their topics retain messages.

    A snapshot is one of every stage's subscription, so that any of them can go
    back to it; Pub/Sub keeps it as long as it retains messages.
    """

    def __init__(self, project: str, clock: Clock) -> None:
        """Make nothing yet; used by commands, which are one thread."""
        self._project = project
        self._clock = clock
        self._service = pubsub_service(project)

    def snapshot(self, name: str) -> None:
        """Make a snapshot of every stage's subscription."""
        for function in FUNCTIONS:
            if function.topic is None:
                continue
            request = {"name": self._snapshot(name, function), "subscription": self._subscription(function)}
            with telling(self._service):
                try:
                    self._client.create_snapshot(request=request, retry=retrying(), timeout=CALL_SECONDS)
                except api.AlreadyExists as error:
                    raise snapshot_exists(name) from error

    def rewind(self, topic: Topic, to: datetime | str) -> datetime | None:
        """Set a topic's subscription back, where what was published since is retained."""
        function = function_of(topic)
        request: dict[str, Any] = {"subscription": self._subscription(function)}
        if isinstance(to, str):
            request["snapshot"] = self._snapshot(to, function)
        elif self._clock() - to > timedelta(days=RETENTION_DAYS):
            return to
        else:
            request["time"] = to
        with telling(self._service):
            try:
                self._client.seek(request=request, retry=retrying(), timeout=CALL_SECONDS)
            except api.NotFound as error:
                if isinstance(to, str):
                    raise no_such_snapshot(to) from error
                raise
        return None

    @cached_property
    def _client(self) -> SubscriberClient:
        return SubscriberClient()

    def _subscription(self, function: Function) -> str:
        return f"projects/{self._project}/subscriptions/{function.id}"

    def _snapshot(self, name: str, function: Function) -> str:
        return f"projects/{self._project}/snapshots/{function.id}-{name}"
