"""A stand-in on loopback for Google Cloud's model endpoint, as the client library speaks to it.

Every request is checked; what was wrong with one is in `faults`, which a test holds empty.
"""

import json
import re
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from shared.embedded.embedder import HashingEmbedder
from tests.contract.google_answers import Manner, Reply, refused, saying, vector
from tests.contract.google_requests import (
    THINKING,
    Embedding,
    FaultError,
    Generation,
    check_headers,
    embedding_of,
    generation_of,
    prediction_of,
)

LOOPBACK = "127.0.0.1"
_PATH = re.compile(
    r"/v1beta1/projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)"
    r"/publishers/google/models/(?P<model>[^/:]+):(?P<method>generateContent|predict|embedContent)"
)
_POLL_SECONDS = 0.02
_DRIP_SECONDS = 0.02
# Longer than any test waits; the end of serving ends it.
_NEVER_SECONDS = 60.0
_EMBEDDERS = ("gemini-embedding-001", "gemini-embedding-2")
_READERS: dict[str, Callable[[str, Any], Generation | Embedding]] = {
    "generateContent": generation_of,
    "predict": prediction_of,
    "embedContent": embedding_of,
}


def obeying(asked: Generation) -> str:
    """Answer with the least that the schema allows."""
    return json.dumps(_least(asked.schema))


def like_words(text: str) -> list[float]:
    """Give texts that share words like vectors, which are no units, as the service's are when cut short."""
    return [0.7 * value for value in HashingEmbedder().embed([text])[0]]


@dataclass
class GoogleModelsStandIn:
    """What the stand-in has, what it answers, and what it was asked."""

    project: str = "a-project"
    location: str = "us-central1"
    token: str = "anonymous"
    models: set[str] = field(default_factory=lambda: {*THINKING, *_EMBEDDERS})
    answer: Callable[[Generation], str] = obeying
    embed: Callable[[str], list[float]] = like_words
    asked: list[Generation | Embedding] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    # Every body that was answered, to be held to the vendor's description.
    answered: list[tuple[str, Reply]] = field(default_factory=list)
    url: str = ""
    _due: deque[Reply] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def due(self, *replies: Reply) -> None:
        """Answer the next good requests with these."""
        with self._lock:
            self._due.extend(replies)

    def reply(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        """Answer a request; a wrong one with 4xx, and its fault is kept."""
        told = self._reply(path, headers, body)
        with self._lock:
            self.answered.append((path.rpartition(":")[2], told))
        return told

    def _reply(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        found = _PATH.fullmatch(path)
        if found is None or (found["project"], found["location"]) != (self.project, self.location):
            return self._fault(404, "the path is none of this service's")
        if headers.get("authorization") != f"Bearer {self.token}":
            return self._fault(401, "Authorization: another token is expected")
        if found["model"] not in self.models:
            return refused(404)
        try:
            check_headers(headers)
            asked = _READERS[found["method"]](found["model"], _json(body))
        except FaultError as error:
            return self._fault(400, str(error))
        with self._lock:
            self.asked.append(asked)
            due = self._due.popleft() if self._due else None
        return due or self._answer(asked, predicted=found["method"] == "predict")

    def _answer(self, asked: Generation | Embedding, *, predicted: bool) -> Reply:
        if isinstance(asked, Generation):
            return saying(self.answer(asked))
        return vector(self.embed(asked.text), asked.text, predicted=predicted)

    def _fault(self, status: int, fault: str) -> Reply:
        with self._lock:
            self.faults.append(fault)
        return refused(status, fault)


@contextmanager
def serving_models(stand_in: GoogleModelsStandIn) -> Iterator[GoogleModelsStandIn]:
    """Serve in the background until left; its address is then in `url`."""
    ending = threading.Event()

    class Handler(_Handler):
        models = stand_in
        end = ending

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
    thread.start()
    stand_in.url = f"http://{LOOPBACK}:{server.server_port}"
    try:
        yield stand_in
    finally:
        ending.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A connection that is kept open ends with the serving.
    timeout = 5
    models: GoogleModelsStandIn
    end: threading.Event

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with suppress(OSError):
            self._send(self.models.reply(self.path, headers, body))

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing: what went wrong is in the faults."""

    def _send(self, reply: Reply) -> None:
        match reply.manner:
            case Manner.RESET:
                # Lingering for no time makes the end a reset.
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.close_connection = True
                self.connection.close()
            case Manner.NEVER:
                self.close_connection = True
                self.end.wait(_NEVER_SECONDS)
            case Manner.AT_ONCE:
                self._head(reply)
                self.wfile.write(reply.body)
            case Manner.DRIPPING_BODY:
                self._head(reply._replace(body=reply.body.ljust(1_000_000)))
                self._drip(reply.body.ljust(1_000_000))
            case Manner.DRIPPING_HEAD:
                self._drip(b"HTTP/1.1 200 OK\r\nX-Long: ".ljust(1_000_000, b"x"))

    def _head(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in (*reply.headers, ("Content-Length", str(len(reply.body)))):
            self.send_header(name, value)
        self.end_headers()

    def _drip(self, data: bytes) -> None:
        self.close_connection = True
        for at in range(len(data)):
            self.wfile.write(data[at : at + 1])
            self.wfile.flush()
            if self.end.wait(_DRIP_SECONDS):
                return


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise FaultError("the body is no JSON") from None


def _least(schema: dict[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    if either := schema.get("anyOf") or schema.get("oneOf"):
        return _least(either[0])
    if schema.get("type") == "object":
        return {name: _least(schema["properties"][name]) for name in schema.get("required", [])}
    if schema.get("type") == "array":
        return [_least(schema["items"])] * schema.get("minItems", 0)
    number = schema.get("minimum", 0)
    return {"string": "a text", "integer": number, "number": number, "boolean": True}.get(schema["type"])
