"""Delivering again on Pub/Sub: snapshots of subscriptions, and what their topics retain."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import cached_property

from google.api_core import exceptions as api
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient
from google.cloud.pubsub_v1.types import PubsubMessage
from google.protobuf.duration_pb2 import Duration

from shared.cloud.failures import patience, telling
from shared.cloud.publishing import pubsub_service
from shared.errors import RefusedError, no_such_snapshot, snapshot_exists
from shared.ports import Clock
from shared.topology import FUNCTIONS, RETENTION_DAYS, Function, Topic, function_of

_AT_ONCE = 500
_PULL_SECONDS = 3.0
# Pub/Sub may give nothing although there is something; three times in a row is the end.
_EMPTY_PULLS = 3
_SHORTEST_EXPIRATION = Duration(seconds=86_400)


class PubSubRetention:
    """The subscriptions of one project, for as long as their topics retain messages."""

    def __init__(self, project: str, clock: Clock) -> None:
        """Make nothing yet; used by commands, which are one thread."""
        self._project = project
        self._clock = clock
        self._service = pubsub_service(project)

    def snapshot(self, name: str) -> None:
        """Make a snapshot of every stage's subscription, or of none."""
        made: list[str] = []
        with telling(self._service):
            try:
                for function in FUNCTIONS:
                    if function.topic:
                        path = self._snapshot(name, function)
                        self._subscriber.create_snapshot(
                            request={"name": path, "subscription": self._subscription(function)}, **patience()
                        )
                        made.append(path)
            except api.AlreadyExists as error:
                self._delete_snapshots(made)
                raise snapshot_exists(name) from error
            except api.GoogleAPICallError:
                self._delete_snapshots(made)
                raise

    def rewind(self, topic: Topic, to: datetime | str) -> datetime | None:
        """Set a topic's subscription back to a snapshot, or publish again what is retained since a time."""
        if isinstance(to, str):
            self._seek_snapshot(to, function_of(topic))
            return None
        now = self._clock()
        if to > now:
            raise RefusedError(f"{to:%Y-%m-%d %H:%M} UTC has not come yet; nothing came since then")
        if now - to > timedelta(days=RETENTION_DAYS):
            return to
        self._publish_again(topic, to, now)
        return None

    def _seek_snapshot(self, name: str, function: Function) -> None:
        request = {"subscription": self._subscription(function), "snapshot": self._snapshot(name, function)}
        with telling(self._service):
            try:
                self._subscriber.seek(request=request, **patience())
            except api.NotFound as error:
                raise no_such_snapshot(name) from error

    def _publish_again(self, topic: Topic, since: datetime, until: datetime) -> None:
        """Read what the topic retains through a subscription of its own, and publish it again.

        The stage's own subscription is never sought to a time: that would acknowledge
        whatever came before and waits for its next attempt.
        """
        path = f"projects/{self._project}/topics/{topic.id}"
        with telling(self._service), self._own_subscription(path, since) as subscription:
            for messages in self._pulled(subscription):
                futures = [
                    self._publisher.publish(path, message.data, **dict(message.attributes))
                    for message in messages
                    # Its end is where it began: what it publishes itself comes to it as well.
                    if since <= message.publish_time < until
                ]
                for future in futures:
                    future.result(timeout=_PULL_SECONDS * 10)

    @contextmanager
    def _own_subscription(self, topic: str, since: datetime) -> Iterator[str]:
        name = f"projects/{self._project}/subscriptions/evalforge-replay-{secrets.token_hex(6)}"
        expiring = {"ttl": _SHORTEST_EXPIRATION}
        request = {"name": name, "topic": topic, "ack_deadline_seconds": 60, "expiration_policy": expiring}
        self._subscriber.create_subscription(request=request, **patience())
        try:
            self._subscriber.seek(request={"subscription": name, "time": since}, **patience())
            yield name
        finally:
            with suppress(api.GoogleAPICallError):
                self._subscriber.delete_subscription(request={"subscription": name}, **patience())

    def _pulled(self, subscription: str) -> Iterator[list[PubsubMessage]]:
        empty = 0
        while empty < _EMPTY_PULLS:
            request = {"subscription": subscription, "max_messages": _AT_ONCE}
            try:
                pulled = self._subscriber.pull(request=request, timeout=_PULL_SECONDS).received_messages
            except api.DeadlineExceeded:
                pulled = []
            empty = 0 if pulled else empty + 1
            yield [one.message for one in pulled]
            if pulled:
                acks = {"subscription": subscription, "ack_ids": [one.ack_id for one in pulled]}
                self._subscriber.acknowledge(request=acks, **patience())

    def _delete_snapshots(self, paths: list[str]) -> None:
        for path in paths:
            with suppress(api.GoogleAPICallError):
                self._subscriber.delete_snapshot(request={"snapshot": path}, **patience())

    @cached_property
    def _subscriber(self) -> SubscriberClient:
        return SubscriberClient()

    @cached_property
    def _publisher(self) -> PublisherClient:
        return PublisherClient()

    def _subscription(self, function: Function) -> str:
        return f"projects/{self._project}/subscriptions/{function.id}"

    def _snapshot(self, name: str, function: Function) -> str:
        return f"projects/{self._project}/snapshots/{function.id}-{name}"
