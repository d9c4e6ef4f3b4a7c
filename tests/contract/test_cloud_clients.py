"""Clients of the cloud: made once, by the first of many threads, and kept within Firestore's limits."""

import threading
from typing import Any

import pytest
from google.cloud import firestore, pubsub_v1

from shared.cloud import documents as cloud_documents
from shared.cloud.documents import FirestoreDocuments
from shared.cloud.publishing import PubSubPublisher
from shared.errors import RefusedError
from shared.messages import AlertRaised
from shared.ports import Create, Outgoing
from shared.topology import RAW_TRACES, Topic
from tests.contract.brokers import CloudBroker
from tests.contract.test_documents import racing

pytestmark = pytest.mark.needs("emulators")


def counting(kind: Any, made: list[int]) -> Any:
    """Count how often a client is made, and take a while for it."""
    lock = threading.Lock()

    def make(*args: Any, **kwargs: Any) -> Any:
        with lock:
            made.append(1)
        return kind(*args, **kwargs)

    return make


def test_one_firestore_client_serves_all_threads(
    emulated_project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    monkeypatch.setattr(cloud_documents, "Client", counting(firestore.Client, made))
    store = FirestoreDocuments(emulated_project, "(default)", "evalforge_")
    assert made == []
    assert all(racing(lambda number: store.commit(Create(RAW_TRACES, f"d{number}", {}))))
    assert len(made) == 1


def test_one_publisher_serves_all_threads(emulated_project: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    monkeypatch.setattr(pubsub_v1, "PublisherClient", counting(pubsub_v1.PublisherClient, made))
    with CloudBroker(emulated_project).delivering(lambda _topic, _pushed: None):
        made.clear()
        publisher = PubSubPublisher(emulated_project)
        assert publisher.publish([]) == 0
        assert made == []
        order = Outgoing(Topic.ALERTS, AlertRaised(incident_id="in-1"))
        assert racing(lambda _: publisher.publish([order])) == [1] * 8
    assert len(made) == 1


def test_what_firestore_would_not_take_is_refused_before_it_is_sent(emulated_project: str) -> None:
    store = FirestoreDocuments(emulated_project, "(default)", "evalforge_")
    with pytest.raises(RefusedError, match="1 MiB"):
        store.commit(Create(RAW_TRACES, "one", {"body": "x" * 1_050_000}))
    parts = [Create(RAW_TRACES, f"d{number}", {"body": "x" * 1_000_000}) for number in range(11)]
    with pytest.raises(RefusedError, match="10 MiB"):
        store.commit(*parts)
    assert store.get(RAW_TRACES, "d0") is None
