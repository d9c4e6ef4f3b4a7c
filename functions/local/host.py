"""The local host: every function on one loopback port and one queue."""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import flask
from flask.typing import ResponseReturnValue
from werkzeug.serving import make_server

from functions.local.delivery import Delivery, entry_points
from functions.local.ticking import ticking, ticks_of
from functions.receive_alert.main import receive_alert
from shared import wiring
from shared.domain.incidents import POLL_ID
from shared.embedded.queue import SqliteQueue
from shared.errors import ConfigError
from shared.wiring import Wiring

LOOPBACK = "127.0.0.1"


def queue_of(parts: Wiring) -> SqliteQueue:
    """Return the queue of the embedded backend, which alone can be hosted in one process."""
    if not isinstance(parts.publisher, SqliteQueue):
        raise ConfigError("the local host needs the embedded backend")
    return parts.publisher


def application(parts: Wiring) -> flask.Flask:
    """Route requests to the HTTP functions' own entry points."""
    app = flask.Flask("evalforge")
    queue = queue_of(parts)

    @app.route("/receive_alert", methods=["GET", "POST", "PUT", "DELETE", "PATCH"])
    def webhook() -> ResponseReturnValue:
        return receive_alert(flask.request)

    @app.get("/healthz")
    def health() -> dict[str, object]:
        return {"status": "ok", "pending": queue.pending_by_topic(), "poll": _poll(parts)}

    return app


def _poll(parts: Wiring) -> dict[str, object] | None:
    """Say up to when Datadog was searched as a whole; None where there are no keys to do so."""
    if not parts.settings.asks_datadog:
        return None
    search = parts.searches.get(POLL_ID).search
    behind = search.behind(parts.clock())
    return {
        "fault": poll_fault(parts) or None,
        "searched_until": search.searched_until and search.searched_until.isoformat(timespec="seconds"),
        "lag_seconds": None if behind is None else round(behind.total_seconds()),
    }


def poll_fault(parts: Wiring) -> str:
    """Say why the last poll could not search; nothing where a later one has."""
    letter = parts.dead_letters.waiting("find_failures", {"incident_id": POLL_ID})
    searched = parts.searches.get(POLL_ID).search.searched_until
    return letter.reason if letter and not (searched and searched >= letter.at) else ""


def free_webhook_port(port: int) -> int:
    """Ask for a port before the server does, which ends the process where it is taken."""
    try:
        with socket.create_server((LOOPBACK, port)):
            return port
    except OSError as error:
        raise ConfigError(
            f"port {port} cannot be used ({error.strerror}); name another with --port"
        ) from None


@contextmanager
def hosting(parts: Wiring, *, port: int = 0) -> Iterator[str]:
    """Serve and deliver in the background; yields the address, and ends all when left.

    Raises:
        ConfigError: the port is taken.
    """
    queue = queue_of(parts)
    stop = threading.Event()
    # Our own logs tell what each webhook came to; the server's repeat its address.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with wiring.use(parts), ticking(parts.publisher, ticks_of(parts.settings)):
        delivery = Delivery(queue, entry_points())
        server = make_server(LOOPBACK, free_webhook_port(port), application(parts), threaded=True)
        threads = [threading.Thread(target=server.serve_forever, daemon=True)]
        threads += [
            threading.Thread(target=delivery.work, args=(stop,), daemon=True)
            for _ in range(parts.settings.evalforge_workers)
        ]
        for thread in threads:
            thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}"
        finally:
            stop.set()
            server.shutdown()
            for thread in threads:
                thread.join()
            server.server_close()
