"""The least that a webhook can do and lose nothing: a document is created, a message is published."""

import json
import os
from functools import cache

import flask
import functions_framework
from google.cloud.firestore import Client
from google.cloud.pubsub_v1 import PublisherClient

PROJECT, TOPIC = "GOOGLE_CLOUD_PROJECT", "BARE_TOPIC"


@cache
def _documents() -> Client:
    return Client(project=os.environ[PROJECT])


@cache
def _publisher() -> PublisherClient:
    return PublisherClient()


@functions_framework.http
def bare_webhook(request: flask.Request) -> tuple[dict[str, str], int]:
    """Keep what was sent, say so to who listens, and answer."""
    told = json.loads(request.get_data())
    document = _documents().collection("bare").document()
    document.create(told)
    message = json.dumps({"incident_id": document.id}).encode()
    _publisher().publish(f"projects/{os.environ[PROJECT]}/topics/{os.environ[TOPIC]}", message).result()
    return {"incident": document.id}, 202
