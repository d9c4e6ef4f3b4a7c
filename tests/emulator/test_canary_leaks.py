"""Of five hundred planted values none is seen on the emulators: Firestore, Pub/Sub, logs of all functions."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.api_core.exceptions import DeadlineExceeded, RetryError
from google.cloud.firestore import Client
from google.cloud.pubsub_v1 import SubscriberClient

from functions.deduplicate.grouping import text_to_embed
from functions.local.emulation import Emulation
from functions.local.trace_run import order_files
from shared.messages import CaptureStored
from shared.ports import Create, Delete, Outgoing
from shared.topology import FAILURE_PATTERNS, Topic
from tests.emulator.conftest import World, until
from tests.pipeline.at_rest import is_chunked, unpacked
from tests.pipeline.end_state import is_whole
from tests.pipeline.test_canary_leaks import (
    alerts_with,
    exported,
    large_trace,
    leaked,
    lines_with,
    planted,
)

_TRACES = 60


def test_no_planted_value_is_seen_on_the_emulators(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    told = planted()
    path = tmp_path / "planted.jsonl"
    spans = [json.loads(line) for line in lines_with(told)[: len(told)]]
    together = [
        span | {"trace_id": f"canary-{number % _TRACES}", "span_id": str(number)}
        for number, span in enumerate(spans)
    ]
    unreadable = lines_with(told)[len(told) :]
    path.write_text("\n".join([*map(json.dumps, [*together, *large_trace(told)]), *unreadable]))
    monkeypatch.setenv("EVALFORGE_LOG_LEVEL", "DEBUG")
    with world() as emulation:
        parts = emulation.parts
        taps = _tapped(parts.settings.project)
        order_files([path], parts)
        with ThreadPoolExecutor(8) as posting:
            answers = list(posting.map(lambda alert: _post(emulation, *alert), alerts_with(told)))
        until(lambda: parts.captures.count() > _TRACES and is_whole(parts), seconds=300)
        before = parts.dead_letters.count()
        _poison(emulation, " ".join(one.text for one in told))
        until(lambda: parts.dead_letters.count() > before)
        parts.documents.commit(Delete(FAILURE_PATTERNS, "canary-0"))
        documents = list(_documents(Client(project=parts.settings.project)))
        messages = list(_pulled(taps))
        embedded = [text_to_embed(pattern) for pattern in parts.patterns.all()]
        store = tmp_path / "emulator.db"
        files = exported(tmp_path, told, parts, "--backend", "emulator", "--store", store)
    said = capfd.readouterr()

    assert before > 20
    assert files > 3
    assert len(embedded) > _TRACES
    assert leaked(told, *embedded) == set()
    assert len(messages) > 3 * _TRACES
    assert len(said.err) > 10_000
    assert is_chunked(documents)
    stored = "\n".join(json.dumps(row, default=repr) for row in documents)
    assert leaked(told, stored, unpacked(documents)) == set()
    assert leaked(told, *messages) == set()
    assert leaked(told, *answers, said.out, said.err) == set()


def _post(emulation: Emulation, body: str, header: str) -> str:
    headers = {"traceparent": header}
    answer = httpx.post(emulation.webhook, content=body, headers=headers, trust_env=False, timeout=30)
    assert answer.status_code in (200, 202)
    return answer.text


def _poison(emulation: Emulation, values: str) -> None:
    """Let `extract` fail for good on a stored pattern that is no pattern, and holds what must not be told."""
    parts = emulation.parts
    whole = parts.documents.get(FAILURE_PATTERNS, "canary-0")
    assert whole is not None
    parts.documents.commit(Delete(FAILURE_PATTERNS, "canary-0"))
    parts.documents.commit(Create(FAILURE_PATTERNS, "canary-0", whole.data | {"body": values}))
    parts.publisher.publish([Outgoing(Topic.CAPTURES, CaptureStored(trace_id="canary-0"))])


def _tapped(project: str) -> list[str]:
    """Give each topic a second subscription, which keeps every message."""
    taps = []
    with SubscriberClient() as subscriber:
        for topic in Topic:
            name = f"projects/{project}/subscriptions/tap-{topic.value}"
            subscriber.create_subscription(name=name, topic=f"projects/{project}/topics/{topic.id}")
            taps.append(name)
    return taps


def _pulled(taps: list[str]) -> Iterator[str]:
    """Read what the taps hold, with the messages' attributes; an empty one lets its caller wait."""
    with SubscriberClient() as subscriber:
        for tap in taps:
            while held := _next(subscriber, tap):
                yield from (f"{one.message.data.decode()} {dict(one.message.attributes)}" for one in held)
                subscriber.acknowledge(subscription=tap, ack_ids=[one.ack_id for one in held])


def _next(subscriber: SubscriberClient, tap: str) -> list[Any]:
    try:
        answer = subscriber.pull(subscription=tap, max_messages=1000, retry=None, timeout=4)
    except (DeadlineExceeded, RetryError):
        return []
    return list(answer.received_messages)


def _documents(client: Client) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Walk all collections at every level; chunks come in the order of their names."""
    waiting = list(client.collections())
    while waiting:
        collection = waiting.pop()
        for reference in sorted(collection.list_documents(), key=lambda one: one.id):
            told = reference.get().to_dict()
            waiting.extend(reference.collections())
            if told is not None:
                yield "/".join(collection._path), reference.id, told
