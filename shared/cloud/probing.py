"""Whether Pub/Sub has what the topology declares."""

from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

from shared.cloud.failures import patience, telling
from shared.cloud.publishing import pubsub_service
from shared.topology import FUNCTIONS, Topic


def check_topology(project: str) -> int:
    """Count topics and subscriptions; raises MisconfiguredError for the first that is missing."""
    with telling(pubsub_service(project)), PublisherClient() as publisher, SubscriberClient() as subscriber:
        for topic in Topic:
            publisher.get_topic(request={"topic": f"projects/{project}/topics/{topic.id}"}, **patience())
        fed = [function for function in FUNCTIONS if function.topic]
        for function in fed:
            name = f"projects/{project}/subscriptions/{function.id}"
            subscriber.get_subscription(request={"subscription": name}, **patience())
    return len(Topic) + len(fed)
