"""From a webhook's body to an incident and the order to look for failures."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pydantic import JsonValue

from shared.domain.canonical import digest
from shared.domain.incidents import Incident, IncidentKind
from shared.domain.json_text import json_in
from shared.errors import MessageError
from shared.messages import AlertRaised
from shared.ports import Outgoing, Publisher
from shared.redaction.redactor import redact_text
from shared.repositories.incidents import Incidents
from shared.topology import Topic

MAX_BODY_BYTES = 256 * 1024
_TEST_MARK = "[TEST]"
# What closes an incident or says that data is missing asks for no search.
_SILENT = frozenset({"recovered", "no data", "re-no data"})
_LONGEST_FIELD = 2000
_UNSET = re.compile(r"\$[A-Z][A-Z_]*(?:\[[^\]]*\])?")


class Answer(NamedTuple):
    """What the webhook is told."""

    incident_id: str
    searching: bool


def receive(
    body: bytes, *, lookback: timedelta, incidents: Incidents, publisher: Publisher, trace_context: str = ""
) -> Answer:
    """Store the incident that an alert opens or renews, and ask for a search.

    Raises:
        MessageError: the body is not an alert; telling Datadog to send it again would not mend it.
        UnavailableError: nothing was published; the alert must be sent again.
    """
    incident = parse_alert(body, lookback=lookback)
    incidents.open_or_renew(incident)
    searching = incident.transition.lower() not in _SILENT and _TEST_MARK not in incident.title
    if searching:
        order = Outgoing(Topic.ALERTS, AlertRaised(incident_id=incident.id))
        publisher.publish([order], trace_context=trace_context)
    return Answer(incident.id, searching)


def parse_alert(body: bytes, *, lookback: timedelta) -> Incident:
    """Read the custom payload that we install, or Datadog's default one; all text is redacted.

    Raises:
        MessageError: the body is not JSON, not an object, or has nothing that names the alert.
    """
    try:
        told = json.loads(body.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        raise MessageError("the webhook's body is not JSON; set its payload as the README says") from None
    if not isinstance(told, dict):
        raise MessageError("the webhook's body is not a JSON object; set its payload as the README says")
    fields = {key: _text(value) for key, value in told.items()}
    since, until = _time(fields.get("date_ms") or fields.get("date"), lookback)
    tags = _list(fields.get("tags"))
    scope = _list(fields.get("scope"))
    named = dict(pair.split(":", 1) for pair in (*tags, *scope) if ":" in pair)
    return Incident(
        id=_incident_id(fields, told.get("org")),
        kind=IncidentKind.MONITOR,
        title=redact_text(fields.get("title", "")),
        transition=redact_text(fields.get("transition", "")),
        since=since,
        until=until,
        ml_app=_redacted(fields.get("ml_app") or named.get("ml_app")),
        env=_redacted(named.get("env")),
        scope=_redacted_list(fields.get("scope")),
        tags=_redacted_list(fields.get("tags")),
        priority=redact_text(fields.get("priority", "")),
        link=redact_text(fields.get("link", "")),
    )


def _incident_id(fields: dict[str, str], org: JsonValue) -> str:
    """Name the monitor cycle; the default payload lacks it, so there the event alone is the key."""
    org_id = fields.get("org_id") or (_text(org.get("id")) if isinstance(org, dict) else "")
    cycle = [fields.get(key, "") for key in ("alert_id", "cycle_key")]
    if all(cycle):
        return "in-" + digest("cycle", org_id, *cycle, length=16)
    event = fields.get("event_id") or fields.get("id") or ""
    if not event:
        raise MessageError("the alert has neither alert_id and cycle_key nor an event id; nothing names it")
    return "in-" + digest("event", org_id, event, length=16)


def _text(value: JsonValue) -> str:
    """Read a variable's value; one that Datadog left unset comes empty or as its own `$NAME`."""
    try:
        spelled = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    except RecursionError:
        raise MessageError(
            "a field of the alert is nested too deep; set its payload as the README says"
        ) from None
    text = spelled.encode("utf-8", "replace").decode()
    return "" if _UNSET.fullmatch(text) or text == "null" else text[:_LONGEST_FIELD]


def _redacted_list(text: str | None) -> tuple[str, ...]:
    """Redact a list before it is parted: coordinates and addresses have commas of their own."""
    return tuple(map(redact_text, _list(redact_text(text)))) if text else ()


def _redacted(text: str | None) -> str | None:
    return redact_text(text) if text else None


def _list(text: str | None) -> list[str]:
    """Read a list: parts with commas between them, or JSON."""
    told = json_in(text or "")
    parts = [_text(part) for part in told] if isinstance(told, list) else (text or "").split(",")
    return [part.strip() for part in parts if part.strip()]


def _time(milliseconds: str | None, lookback: timedelta) -> tuple[datetime, datetime]:
    """Read when the alert was, and from when on to look."""
    try:
        until = datetime.fromtimestamp(int(milliseconds or "") / 1000, tz=UTC)
        return until - lookback, until
    except (ValueError, OverflowError, OSError):
        raise MessageError("the alert's date is missing or no number of milliseconds") from None
