"""Entry point of receive_alert: the webhook of a Datadog monitor."""

import flask
import functions_framework

from functions.receive_alert.http import answer
from shared import wiring


@functions_framework.http
def receive_alert(request: flask.Request) -> flask.Response:
    """Answer one webhook."""
    return answer(request, wiring.current())
