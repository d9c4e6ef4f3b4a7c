"""What the webhook's HTTP says: who may call, how much, and what each outcome answers."""

import hmac
import re
from datetime import timedelta

import flask

from functions.receive_alert.alert import MAX_BODY_BYTES, receive
from shared.domain.canonical import digest
from shared.errors import PermanentError, TransientError
from shared.logs import logger
from shared.settings import Settings
from shared.wiring import Wiring

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
TOKEN_HEADER = "X-EvalForge-Token"  # noqa: S105 - a header's name


def answer(request: flask.Request, parts: Wiring) -> flask.Response:
    """Answer 202 once published, 200 for what no retry mends, 503 when nothing was published."""
    log = logger("receive_alert")
    if request.method != "POST":
        return _json({"error": "only POST"}, 405)
    if not _may_call(request, parts.settings):
        return _json({"error": "unauthorized"}, 401)
    body = request.stream.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        return _json({"error": f"the body is larger than {MAX_BODY_BYTES // 1024} KiB"}, 413)
    try:
        told = receive(
            body,
            lookback=timedelta(hours=parts.settings.trace_lookback_hours),
            incidents=parts.incidents,
            publisher=parts.publisher,
            trace_context=_trace_context(request),
        )
    except PermanentError as error:
        message = {"body_sha256": digest(body.decode("utf-8", "replace"))}
        letter = parts.dead_letters.record(
            stage="receive_alert", error=error, message=dict(message), at=parts.clock()
        )
        log.exception("kept as a dead letter", extra={"dead_letter_id": letter.id})
        return _json({"dead_letter": letter.id, "reason": str(error)}, 200)
    except TransientError:
        log.exception("nothing was published")
        return _json({"error": "try again later"}, 503)
    log.info(
        "accepted",
        extra={"incident_id": told.incident_id, "outcome": "searching" if told.searching else "noted"},
    )
    return _json({"incident": told.incident_id, "searching": told.searching}, 202)


def _may_call(request: flask.Request, settings: Settings) -> bool:
    """Compare the secret header in constant time; without a token only loopback's own host is open.

    The local host binds to loopback; the cloud backend refuses to start without a token.
    """
    token = settings.datadog_webhook_token
    if token is None:
        return True
    given = request.headers.get(TOKEN_HEADER, "")
    return hmac.compare_digest(given.encode(), token.get_secret_value().encode())


def _trace_context(request: flask.Request) -> str:
    """Take a W3C trace context over, and nothing else that a caller writes into its header."""
    told = request.headers.get("traceparent", "")
    return told if _TRACEPARENT.fullmatch(told) else ""


def _json(body: dict[str, object], status: int) -> flask.Response:
    response = flask.jsonify(body)
    response.status_code = status
    return response
