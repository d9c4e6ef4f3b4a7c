"""Publishing on Pub/Sub."""

import threading
from collections.abc import Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING

from shared.cloud.failures import PATIENCE_SECONDS, Service, patience, telling
from shared.errors import UnavailableError
from shared.loading import loading
from shared.messages import SCHEMA_VERSION
from shared.ports import Outgoing
from shared.pubsub_push import SCHEMA, TRACE_CONTEXT

if TYPE_CHECKING:
    from google.cloud.pubsub_v1 import PublisherClient

_BATCH_MESSAGES = 200
_BATCH_BYTES = 1_000_000
_BATCH_WAIT_SECONDS = 0.01
# A backfill's search goes on only as fast as Pub/Sub takes what it finds.
_MOST_IN_FLIGHT = 2000
_MOST_BYTES_IN_FLIGHT = 20_000_000


class PubSubPublisher:
    """Messages as JSON with the schema's version and the trace context as attributes.

    The client, and with it its library, is made when the first message goes
    out: not every function publishes.
    """

    def __init__(self, project: str, *, patience_seconds: float | None = None) -> None:
        """Make nothing yet."""
        self._patience = patience_seconds
        self._project = project
        self._service = pubsub_service(project)
        self._lock = threading.Lock()
        self._made: PublisherClient | None = None

    def publish(self, outgoing: Iterable[Outgoing], *, trace_context: str = "") -> int:
        """Publish all, and wait until Pub/Sub has them; a failure may leave some of them published."""
        attributes = {SCHEMA: SCHEMA_VERSION} | ({TRACE_CONTEXT: trace_context} if trace_context else {})
        futures: list[Future[str]] = []
        with telling(self._service):
            for topic, message in outgoing:
                path = f"projects/{self._project}/topics/{topic.id}"
                data = message.model_dump_json().encode()
                futures.append(self._client().publish(path, data, **attributes))
            for future in futures:
                try:
                    future.result(timeout=self._patience or PATIENCE_SECONDS)
                except FutureTimeoutError as error:
                    raise UnavailableError(f"{self._service.where} did not answer in time") from error
        return len(futures)

    def _client(self) -> "PublisherClient":
        with self._lock:
            if self._made is None:
                with loading():
                    from google.cloud.pubsub_v1 import PublisherClient
                    from google.cloud.pubsub_v1.types import (
                        BatchSettings,
                        LimitExceededBehavior,
                        PublisherOptions,
                        PublishFlowControl,
                    )

                self._made = PublisherClient(
                    BatchSettings(
                        max_messages=_BATCH_MESSAGES, max_bytes=_BATCH_BYTES, max_latency=_BATCH_WAIT_SECONDS
                    ),
                    PublisherOptions(
                        flow_control=PublishFlowControl(
                            message_limit=_MOST_IN_FLIGHT,
                            byte_limit=_MOST_BYTES_IN_FLIGHT,
                            limit_exceeded_behavior=LimitExceededBehavior.BLOCK,
                        ),
                        **patience(self._patience),
                    ),
                )
            return self._made


def pubsub_service(project: str) -> Service:
    """Tell of Pub/Sub in one project."""
    return Service(
        "Pub/Sub",
        f"Pub/Sub of project {project}, or one of its topics or subscriptions,",
        missing="`terraform apply` makes all; or set GOOGLE_CLOUD_PROJECT to the right project",
        forbidden="give a function roles/pubsub.publisher on its topics, and an operator roles/pubsub.editor",
        unready="`terraform apply` brings it to what is needed",
    )
