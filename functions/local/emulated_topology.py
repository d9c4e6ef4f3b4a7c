"""The topology on the Pub/Sub emulator: what Terraform makes of it on Google Cloud."""

from collections.abc import Mapping
from contextlib import suppress

from google.api_core import exceptions as api
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient
from google.protobuf.duration_pb2 import Duration

from shared.cloud.failures import patience, telling
from shared.cloud.publishing import pubsub_service
from shared.topology import EMULATOR_RETRIES, FUNCTIONS, RETENTION_DAYS, Function, Topic

# Where a function's process ends in the middle, the emulator waits for the whole deadline; Pub/Sub does not.
_DEADLINE_SECONDS = 45
_DAY_SECONDS = 86_400


def make_topology(
    project: str, endpoints: Mapping[str, str], *, attempts: int = EMULATOR_RETRIES.attempts
) -> None:
    """Make every topic, and a push subscription of each to its function's address.

    What is there already is kept with its messages, and pushes to the new address.
    """
    with telling(pubsub_service(project)), PublisherClient() as publisher:
        for topic in Topic:
            _make_topic(publisher, project, topic)
    with telling(pubsub_service(project)), SubscriberClient() as subscriber:
        for function in FUNCTIONS:
            if function.topic:
                _make_subscription(subscriber, project, function, endpoints[function.name], attempts)


def _make_topic(publisher: PublisherClient, project: str, topic: Topic) -> None:
    request = {
        "name": f"projects/{project}/topics/{topic.id}",
        "message_retention_duration": Duration(seconds=RETENTION_DAYS * _DAY_SECONDS),
    }
    with suppress(api.AlreadyExists):
        publisher.create_topic(request=request, **patience())


def _make_subscription(
    subscriber: SubscriberClient, project: str, function: Function, endpoint: str, attempts: int
) -> None:
    name = f"projects/{project}/subscriptions/{function.id}"
    topic = function.topic or Topic.ALERTS
    push = {"push_endpoint": endpoint}
    request = {
        "name": name,
        "topic": f"projects/{project}/topics/{topic.id}",
        "push_config": push,
        "ack_deadline_seconds": _DEADLINE_SECONDS,
        "retain_acked_messages": True,
        "message_retention_duration": Duration(seconds=RETENTION_DAYS * _DAY_SECONDS),
    }
    if topic is not Topic.DEAD_LETTERS:
        request["dead_letter_policy"] = {
            "dead_letter_topic": f"projects/{project}/topics/{Topic.DEAD_LETTERS.id}",
            "max_delivery_attempts": attempts,
        }
    try:
        subscriber.create_subscription(request=request, **patience())
    except api.AlreadyExists:
        subscriber.modify_push_config(request={"subscription": name, "push_config": push}, **patience())
