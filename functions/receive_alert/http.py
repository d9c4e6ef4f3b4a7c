"""What the webhook's HTTP says: who may call, how much, and what each outcome answers."""

import hmac
import re

import flask

from functions.receive_alert.alert import MAX_BODY_BYTES, parse_alert, take
from functions.receive_alert.burying import bury_body
from shared.logs import describe, logger
from shared.settings import Settings
from shared.wiring import Wiring

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
TOKEN_HEADER = "X-EvalForge-Token"  # noqa: S105 - a header's name


def answer(request: flask.Request, parts: Wiring) -> flask.Response:
    """Answer 202 once published, 200 for what no retry mends, 503 when it is neither published nor stored."""
    if request.method != "POST":
        return _json({"error": "only POST"}, 405)
    if not _may_call(request, parts.settings):
        return _json({"error": "unauthorized"}, 401)
    body = request.stream.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        return _json({"error": f"the body is larger than {MAX_BODY_BYTES // 1024} KiB"}, 413)
    try:
        return _answer_alert(body, _trace_context(request), parts)
    except Exception:  # noqa: BLE001 - an alert that is acknowledged here would be lost
        logger("receive_alert").exception("neither published nor kept; to be sent again")
        return _json({"error": "try again later"}, 503)


def _answer_alert(body: bytes, trace_context: str, parts: Wiring) -> flask.Response:
    log = logger("receive_alert")
    try:
        alert = parse_alert(body, lookback=parts.settings.lookback)
    except Exception as error:  # noqa: BLE001 - reading asks nobody: what goes wrong is the body's fault
        letter = bury_body(body, error, dead_letters=parts.dead_letters, clock=parts.clock)
        log.warning("kept as a dead letter: %s", describe(error), extra={"dead_letter_id": letter.id})
        return _json({"dead_letter": letter.id, "reason": letter.reason}, 200)
    searching = take(alert, incidents=parts.incidents, publisher=parts.publisher, trace_context=trace_context)
    outcome = "searching" if searching else "noted"
    log.info("accepted", extra={"incident_id": alert.id, "outcome": outcome})
    return _json({"incident": alert.id, "searching": searching}, 202)


def _may_call(request: flask.Request, settings: Settings) -> bool:
    """Compare what is given with every token in constant time; without a token only loopback's host is open.

    The local host binds to loopback; the cloud backend refuses to start without a token.
    """
    if settings.datadog_webhook_token is None:
        return True
    basic = request.authorization
    password = basic.password if basic and basic.type == "basic" else None
    given = (request.headers.get(TOKEN_HEADER, ""), password or "")
    matches = [
        hmac.compare_digest(one.encode("utf-8", "replace"), token.encode())
        for one in given
        for token in settings.webhook_tokens
    ]
    return any(matches)


def _trace_context(request: flask.Request) -> str:
    """Take a W3C trace context over, and nothing else that a caller writes into its header."""
    told = request.headers.get("traceparent", "")
    return told if _TRACEPARENT.fullmatch(told) else ""


def _json(body: dict[str, object], status: int) -> flask.Response:
    response = flask.jsonify(body)
    response.status_code = status
    return response
