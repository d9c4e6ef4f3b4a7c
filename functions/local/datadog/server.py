"""The stand-in as an HTTP server on loopback."""

import gzip
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import flask
from flask.typing import ResponseReturnValue
from werkzeug.serving import make_server

from functions.local.datadog.intake import IntakeError, take_evaluations, take_spans
from functions.local.datadog.knobs import Knobs, Refusal
from functions.local.datadog.monitors import MonitorError, checked
from functions.local.datadog.search import RequestError, page_of, search_of_arguments, search_of_body
from functions.local.datadog.spans import SpanStore
from shared.ports import Clock

LOOPBACK = "127.0.0.1"
# How long the end of serving may take to be noticed.
_POLL_SECONDS = 0.05
_SPANS = "/api/v2/llm-obs/v1/spans/events"


class Exchange(NamedTuple):
    """A request and what it was answered with."""

    method: str
    path: str
    arguments: dict[str, str]
    asked: Any
    status: int
    answered: Any


def _ignore(_exchange: Exchange) -> None:
    """See nothing."""


def _now() -> datetime:
    return datetime.now(tz=UTC)


@dataclass
class StandIn:
    """What the stand-in has and how it behaves."""

    store: SpanStore = field(default_factory=SpanStore)
    knobs: Knobs = field(default_factory=Knobs)
    monitors: dict[int, dict[str, Any]] = field(default_factory=dict)
    api_key: str = "an api key"
    app_key: str = "an application key"
    clock: Clock = _now
    observe: Callable[[Exchange], None] = _ignore
    url: str = ""


@contextmanager
def serving(stand_in: StandIn, *, port: int = 0) -> Iterator[StandIn]:
    """Serve in the background until left; its address is then in `url`."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = make_server(LOOPBACK, port, application(stand_in), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
    thread.start()
    stand_in.url = f"http://{LOOPBACK}:{server.server_port}"
    try:
        yield stand_in
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def application(stand_in: StandIn) -> flask.Flask:
    """Route the part of Datadog's API that EvalForge talks to."""
    app = flask.Flask("datadog")
    app.json.sort_keys = False  # type: ignore[attr-defined]
    _route_searches(app, stand_in)
    _route_monitors(app, stand_in)
    _route_intake(app, stand_in)

    @app.before_request
    def refuse() -> ResponseReturnValue | None:
        time.sleep(stand_in.knobs.slow_seconds)
        refusal = stand_in.knobs.next_refusal() or _unauthorized(stand_in, flask.request)
        return None if refusal is None else _refused(refusal)

    @app.after_request
    def observe(response: flask.Response) -> flask.Response:
        request = flask.request
        stand_in.observe(
            Exchange(
                method=request.method,
                path=request.path,
                arguments=request.args.to_dict(),
                asked=request.get_json(force=True, silent=True),
                status=response.status_code,
                answered=response.get_json(silent=True),
            )
        )
        if request.accept_encodings.quality("gzip"):
            response.set_data(gzip.compress(response.get_data(), compresslevel=1))
            response.content_encoding = "gzip"
        return response

    return app


def _route_searches(app: flask.Flask, stand_in: StandIn) -> None:
    def page(read: Callable[[], Any]) -> ResponseReturnValue:
        try:
            return page_of(read(), stand_in.store, stand_in.knobs, flask.request.host_url)
        except RequestError as error:
            return _bad_request(str(error), error.pointer)

    @app.post(f"{_SPANS}/search")
    def search() -> ResponseReturnValue:
        # Datadog's documentation and its specification differ in the content type.
        body = flask.request.get_json(force=True, silent=True)
        return page(lambda: search_of_body(body, stand_in.clock()))

    @app.get(_SPANS)
    def listed() -> ResponseReturnValue:
        return page(lambda: search_of_arguments(flask.request.args, stand_in.clock()))


def _route_monitors(app: flask.Flask, stand_in: StandIn) -> None:
    @app.get("/api/v1/monitor/<int:monitor_id>")
    def monitor(monitor_id: int) -> ResponseReturnValue:
        told = stand_in.monitors.get(monitor_id)
        return told if told is not None else _refused(Refusal(404, "Monitor not found"))

    @app.post("/api/v1/monitor")
    def create() -> ResponseReturnValue:
        try:
            told = checked(flask.request.get_json(force=True, silent=True))
        except MonitorError as error:
            return _refused(Refusal(400, str(error)))
        monitor_id = max(stand_in.monitors, default=0) + 1
        stand_in.monitors[monitor_id] = {**told, "id": monitor_id, "overall_state": "No Data"}
        return stand_in.monitors[monitor_id]

    @app.post("/api/v1/monitor/validate")
    def validate_monitor() -> ResponseReturnValue:
        try:
            checked(flask.request.get_json(force=True, silent=True))
        except MonitorError as error:
            return _refused(Refusal(400, str(error)))
        return {}

    @app.get("/api/v1/validate")
    def validate() -> ResponseReturnValue:
        return {"valid": True}


def _route_intake(app: flask.Flask, stand_in: StandIn) -> None:
    @app.post("/api/intake/llm-obs/v1/trace/spans")
    @app.post("/api/v2/llmobs")
    def spans() -> ResponseReturnValue:
        try:
            take_spans(flask.request.get_json(force=True, silent=True), stand_in.store)
        except IntakeError as error:
            return _bad_request(str(error), "/data")
        return "", 202

    @app.post("/api/intake/llm-obs/v2/eval-metric")
    def evaluations() -> ResponseReturnValue:
        try:
            body = flask.request.get_json(force=True, silent=True)
            return take_evaluations(body, stand_in.store), 202
        except IntakeError as error:
            return _bad_request(str(error), "/data")


def _unauthorized(stand_in: StandIn, request: flask.Request) -> Refusal | None:
    """Check the keys: the newer API answers 401 to a wrong one, the older 403; intakes know one key."""
    wrong_key = Refusal(401, "Unauthorized", objects=True)
    if request.path.startswith("/api/v1/"):
        wrong_key = Refusal(403, "Forbidden")
    if request.headers.get("DD-API-KEY") != stand_in.api_key:
        return wrong_key
    if request.path.startswith("/api/intake/") or request.path in ("/api/v2/llmobs", "/api/v1/validate"):
        return None
    if request.headers.get("DD-APPLICATION-KEY") != stand_in.app_key:
        return wrong_key
    permission = "llm_observability_read" if request.path.startswith(_SPANS) else "monitors_read"
    if permission not in stand_in.knobs.permissions:
        return Refusal(403, "Forbidden", objects=request.path.startswith(_SPANS))
    return None


def _bad_request(text: str, pointer: str) -> ResponseReturnValue:
    return _errors(
        400, [{"status": "400", "title": "Bad Request", "detail": text, "source": {"pointer": pointer}}]
    )


def _refused(refusal: Refusal) -> ResponseReturnValue:
    if refusal.raw:
        return refusal.raw, refusal.status
    told = {"status": str(refusal.status), "title": refusal.text, "detail": refusal.text}
    headers = {} if refusal.reset is None else {"X-RateLimit-Reset": refusal.reset}
    return _errors(refusal.status, [told if refusal.objects else refusal.text], headers)


def _errors(status: int, errors: list[Any], headers: Mapping[str, str] | None = None) -> ResponseReturnValue:
    return {"errors": errors}, status, dict(headers or {})
