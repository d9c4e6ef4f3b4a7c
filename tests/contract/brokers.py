"""Publishing and delivery on each backend, brought to one form: messages in, a handler that gets them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import flask
from cloudevents.http import CloudEvent
from functions_framework import event_conversion
from werkzeug.serving import make_server

from functions.local.delivery import Delivery
from functions.local.emulated_topology import make_topology
from shared.cloud.publishing import PubSubPublisher
from shared.embedded.database import Database
from shared.embedded.queue import SqliteQueue
from shared.ports import Publisher
from shared.pubsub_push import Pushed, decode_push
from shared.topology import FUNCTIONS, RetryPolicy, Topic

ATTEMPTS = 5
Handler = Callable[[Topic, Pushed], None]


class Broker(Protocol):
    """A backend's publishing and delivery."""

    @property
    def publisher(self) -> Publisher:
        """Where messages go in."""

    def delivering(self, handler: Handler, *, attempts: int = ATTEMPTS) -> AbstractContextManager[None]:
        """Give every message to the handler, for as long as this lasts; what it raises is tried again."""


class EmbeddedBroker:
    """The SQLite queue, with workers of this process."""

    def __init__(self, folder: Path) -> None:
        retries = RetryPolicy(first_wait=0.05, longest_wait=0.2, attempts=ATTEMPTS)
        self._queue = SqliteQueue(Database(folder / "broker.db"), retries=retries)

    @property
    def publisher(self) -> Publisher:
        return self._queue

    @contextmanager
    def delivering(self, handler: Handler, *, attempts: int = ATTEMPTS) -> Iterator[None]:
        def entry(topic: Topic) -> Callable[[CloudEvent], None]:
            return lambda event: handler(topic, decode_push(event))

        stop = threading.Event()
        delivery = Delivery(self._queue, {topic: entry(topic) for topic in Topic})
        workers = [threading.Thread(target=delivery.work, args=(stop,)) for _ in range(4)]
        for worker in workers:
            worker.start()
        try:
            yield
        finally:
            stop.set()
            for worker in workers:
                worker.join()


class CloudBroker:
    """Pub/Sub's emulator, pushing to functions of functions-framework on loopback."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._publisher = PubSubPublisher(project)

    @property
    def publisher(self) -> Publisher:
        return self._publisher

    @contextmanager
    def delivering(self, handler: Handler, *, attempts: int = ATTEMPTS) -> Iterator[None]:
        servers, endpoints = [], {}
        for function in FUNCTIONS:
            if function.topic:
                app = _application(function.topic, handler)
                server = make_server("127.0.0.1", 0, app, threaded=True)
                servers.append(server)
                endpoints[function.name] = f"http://127.0.0.1:{server.server_port}/"
        threads = [threading.Thread(target=server.serve_forever) for server in servers]
        for thread in threads:
            thread.start()
        make_topology(self._project, endpoints, attempts=attempts)
        try:
            yield
        finally:
            for server in servers:
                server.shutdown()
            for thread in threads:
                thread.join()
            for server in servers:
                server.server_close()


def _application(topic: Topic, handler: Handler) -> flask.Flask:
    """Answer pushes as functions-framework does: its own conversion, 200 on return, 500 on any error."""
    app = flask.Flask(topic.value)

    @app.post("/")
    def pushed() -> str:
        event = event_conversion.background_event_to_cloud_event(flask.request)
        handler(topic, decode_push(event))
        return "OK"

    return app


def wait_for(true: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait until it is true."""
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert true()
