"""Work that waits for one function: the chain has run over the samples up to it, and no further."""

import base64
import json
import secrets
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

from google.cloud.pubsub_v1 import PublisherClient
from pydantic import SecretStr

from functions.local.delivery import entry_points
from functions.local.demo import alert_payload
from functions.local.emulator_note import EmulatorHosts, on_emulators
from functions.local.trace_run import order_files
from shared import wiring
from shared.domain.courses import Reference
from shared.errors import UnavailableError
from shared.messages import ContrastsDue, Message, ResendDue
from shared.ports import Outgoing
from shared.pubsub_push import (
    DEAD_LETTER_ATTEMPTS,
    DEAD_LETTER_SUBSCRIPTION,
    Pushed,
    encode_push,
)
from shared.settings import Settings
from shared.topology import Function, Topic, function_of
from shared.wiring import Wiring, wire_cloud
from tests.conftest import SAMPLES
from tests.pipeline.end_state import SALT

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


class Work(NamedTuple):
    """The environment of a function's process, and the bodies of the requests that wait for it."""

    environment: Mapping[str, str]
    bodies: Iterator[bytes]


class _Kept:
    """A publisher that keeps messages instead of sending them."""

    def __init__(self) -> None:
        self.messages: deque[Outgoing] = deque()

    def publish(self, outgoing: Iterable[Outgoing], *, trace_context: str = "") -> int:
        before = len(self.messages)
        self.messages.extend(outgoing)
        return len(self.messages) - before


def work_for(function: Function, hosts: EmulatorHosts, folder: Path) -> Work:
    """Prepare a project of the function's own; its topics are there, with nobody who listens to them."""
    told = Settings(
        google_cloud_project=f"demo-{secrets.token_hex(6)}",
        evalforge_store=folder / function.name / "store.db",
        pii_salt=SecretStr(SALT),
    )
    settings = on_emulators(told, hosts)
    parts, kept = wire_cloud(settings), _Kept()
    _make_topics(function, settings.project)
    if function.topic and function.topic not in (Topic.DEAD_LETTERS, Topic.RESENDS):
        parts = replace(parts, publisher=kept)
        order_files([one_trace(folder) if function.topic is Topic.ALERTS else SAMPLES], parts)
        _run_up_to(function.topic, parts, kept)
    return Work(_environment(settings), _bodies(function, parts, list(kept.messages)))


def one_trace(folder: Path) -> Path:
    """Write the samples' first trace alone: a search of more is work, whose length is the file's."""
    lines = SAMPLES.read_text(encoding="utf-8").splitlines(keepends=True)
    traces = [json.loads(line)["attributes"]["trace_id"] for line in lines]
    path = folder / "one.jsonl"
    path.write_text("".join(line for line, trace in zip(lines, traces, strict=True) if trace == traces[0]))
    return path


def _make_topics(function: Function, project: str) -> None:
    with PublisherClient() as client:
        for topic in function.publishes:
            client.create_topic(request={"name": f"projects/{project}/topics/{topic.id}"})


def _run_up_to(topic: Topic, parts: Wiring, kept: _Kept) -> None:
    entries = entry_points()
    waiting = []
    with wiring.use(parts):
        while kept.messages:
            at, message = kept.messages.popleft()
            if at is topic:
                waiting.append(Outgoing(at, message))
            else:
                entries[at](encode_push(_pushed(message), topic=at))
    kept.messages.extend(waiting)


def _environment(settings: Settings) -> dict[str, str]:
    return {
        "EVALFORGE_BACKEND": settings.evalforge_backend.value,
        "EVALFORGE_LOG_LEVEL": "WARNING",
        "EVALFORGE_STORE": str(settings.evalforge_store),
        "FIRESTORE_EMULATOR_HOST": str(settings.firestore_emulator_host),
        "PUBSUB_EMULATOR_HOST": str(settings.pubsub_emulator_host),
        "GOOGLE_CLOUD_PROJECT": settings.project,
        "PII_SALT": SALT,
    }


def _bodies(function: Function, parts: Wiring, waiting: list[Outgoing]) -> Iterator[bytes]:
    """Spell requests without end, each of them new to the function as long as there are new ones."""
    match function.topic:
        case None:
            for number in count():
                yield json.dumps(
                    alert_payload() | {"alert_id": str(number), "cycle_key": str(number)}
                ).encode()
        case Topic.DEAD_LETTERS:
            buried = {
                DEAD_LETTER_SUBSCRIPTION: function_of(Topic.CAPTURES).id,
                DEAD_LETTER_ATTEMPTS: "50",
            }
            for number in count():
                data = json.dumps({"trace_id": f"t{number}"}).encode()
                yield _push(Pushed(data, str(number), buried), function)
        case Topic.RESENDS:
            for number in count():
                parts.dead_letters.record(
                    stage="extract",
                    error=UnavailableError("it did not answer"),
                    message={"trace_id": f"t{number}"},
                    at=LONG_AGO,
                    transient=True,
                )
                yield _push(_pushed(ResendDue()), function)
        case Topic.CONTRASTS:
            resting = next(parts.patterns.all())
            gone = Reference(trace_id="gone", content_hash="gone")
            while True:
                known = parts.patterns.get(resting.trace_id)
                assert known
                parts.patterns.store(known.pattern.model_copy(update={"references": (gone,)}), known)
                parts.documents.commit(parts.contrasts.changed(resting.ml_app, resting.env))
                yield _push(_pushed(ContrastsDue()), function)
        case _:
            assert waiting, f"nothing waits for {function.name}"
            for one in cycle(waiting):
                yield _push(_pushed(one.message), function)


def _pushed(message: Message) -> Pushed:
    return Pushed(message.model_dump_json().encode(), secrets.token_hex(8), {})


def _push(pushed: Pushed, function: Function) -> bytes:
    """Spell the request that Pub/Sub pushes."""
    message: dict[str, Any] = {
        "data": base64.b64encode(pushed.data).decode(),
        "attributes": dict(pushed.attributes),
        "messageId": pushed.message_id,
        "publishTime": LONG_AGO.isoformat(),
    }
    return json.dumps(
        {"message": message, "subscription": f"projects/p/subscriptions/{function.id}"}
    ).encode()


def some(bodies: Iterator[bytes], how_many: int) -> list[bytes]:
    """Take so many."""
    return list(islice(bodies, how_many))
