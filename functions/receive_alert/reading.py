"""From a webhook's bytes to its fields: JSON, a form, or what is left of JSON with unescaped text."""

import json
from collections.abc import Sequence
from urllib.parse import parse_qsl

from pydantic import JsonValue

from functions.receive_alert.payload import template
from functions.receive_alert.repair import repaired
from shared.errors import MessageError

# Of Datadog's own default payload.
_DEFAULT_FIELDS = frozenset({"body", "last_updated", "event_type", "title", "date", "org", "id"})
# A form that Datadog sends has a field for each variable that the payload names.
_MOST_FORM_FIELDS = 200
_FORM_PAYLOAD = "payload"


class Members(dict[str, JsonValue]):
    """An object in which the first telling of a key holds; `repeated` where one was told again."""

    def __init__(self, pairs: Sequence[tuple[str, JsonValue]]) -> None:
        super().__init__(reversed(pairs))
        self.repeated = len(self) != len(pairs)


def read_body(body: bytes) -> Members:
    """Read the fields of an alert, whatever the webhook is set to send.

    Raises:
        MessageError: there are none to be read.
    """
    text = body.decode("utf-8-sig", "replace")
    # An object is never looked at as a form: a text in it may hold `&payload=`.
    form = Members([]) if text.lstrip().startswith("{") else _form(text)
    if isinstance(payload := form.get(_FORM_PAYLOAD), str):
        return _object(payload)
    if form.keys() & (template().keys() | _DEFAULT_FIELDS):
        return form
    return _object(text)


def _object(text: str) -> Members:
    try:
        told = _DECODER.decode(text)
    except (ValueError, RecursionError):
        if pairs := repaired(text):
            return Members(pairs)
        raise MessageError("the webhook's body is not JSON; set its payload as the README says") from None
    if not isinstance(told, Members):
        raise MessageError("the webhook's body is not a JSON object; set its payload as the README says")
    return told


def _form(text: str) -> Members:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FORM_FIELDS)
    except ValueError:
        return Members([])
    return Members([*pairs])


_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=Members)
