"""The push form of a Pub/Sub message, as functions-framework hands it to an entry point."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import NamedTuple

from cloudevents.http import CloudEvent
from pydantic import JsonValue

PUBLISHED = "google.cloud.pubsub.topic.v1.messagePublished"
TRACE_CONTEXT = "traceparent"
SCHEMA = "schema"
# Pub/Sub names the subscription and the attempts; the embedded queue names its topic, and the last error.
DEAD_LETTER_SUBSCRIPTION = "CloudPubSubDeadLetterSourceSubscription"
DEAD_LETTER_ATTEMPTS = "CloudPubSubDeadLetterSourceDeliveryCount"
DEAD_LETTER_SOURCE = "evalforgeDeadLetterTopic"
LAST_ERROR = "evalforgeLastError"


class Pushed(NamedTuple):
    """One delivered message."""

    data: bytes
    message_id: str
    attributes: Mapping[str, str]

    @property
    def trace_context(self) -> str:
        """The W3C trace context that the message travels under; empty where it has none."""
        return self.attributes.get(TRACE_CONTEXT, "")


def decode_push(event: CloudEvent) -> Pushed:
    """Read the message in an event; a body that is none is given as empty data."""
    data = event.data if isinstance(event.data, dict) else {}
    message = data.get("message")
    body = message if isinstance(message, dict) else {}
    try:
        payload = base64.b64decode(body.get("data") or "", validate=True)
    except (binascii.Error, ValueError, TypeError):
        payload = b""
    attributes = body.get("attributes")
    return Pushed(
        data=payload,
        message_id=str(body.get("messageId") or body.get("message_id") or ""),
        attributes={key: told for key, told in attributes.items() if isinstance(told, str)}
        if isinstance(attributes, dict)
        else {},
    )


def body_of(pushed: Pushed) -> dict[str, JsonValue] | None:
    """Read the JSON object that a message carries; None where it carries none that a store takes."""
    try:
        body = json.loads(pushed.data)
        # `"\ud800"` is half a character: JSON can spell it, and no store can keep it.
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def ids_in(body: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Keep of a message what may be logged and kept: its ids, and whether it is about what is stored."""
    return {
        key: value
        for key, value in body.items()
        if (key.endswith("_id") and isinstance(value, str)) or (key == "stored" and value is True)
    }


def encode_push(pushed: Pushed, *, topic: str) -> CloudEvent:
    """Build the event that functions-framework makes of a push request."""
    return CloudEvent(
        {"id": pushed.message_id, "source": f"//pubsub.googleapis.com/{topic}", "type": PUBLISHED},
        {
            "message": {
                "data": base64.b64encode(pushed.data).decode(),
                "attributes": dict(pushed.attributes),
                "messageId": pushed.message_id,
            }
        },
    )
