"""From a webhook's body to an incident and the order to look for failures."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from functions.receive_alert.reading import read_body
from shared.domain.canonical import digest
from shared.domain.incidents import TRANSITIONS, Incident, IncidentKind, IncidentState, state_after
from shared.domain.json_text import json_in
from shared.errors import MessageError
from shared.messages import AlertRaised
from shared.ports import Outgoing, Publisher
from shared.redaction.redactor import redact_text
from shared.repositories.incidents import Incidents
from shared.topology import Topic

MAX_BODY_BYTES = 256 * 1024
_LONGEST_FIELD = 2000
_UNSET = re.compile(r"\$[A-Z][A-Z_]*(?:\[[^\]]*\])?")
# How Datadog begins an alert's title: `[Triggered on {ml_app:bot}] `, perhaps with a priority beside
# it; a test's has its mark next. What it fired on users may have written: it ends at the last `}]`.
_PRIORITY = r"\s*(?:\[P[1-5]\]\s*)?"
_HEAD = re.compile(rf"{_PRIORITY}\[(?P<word>[\w -]+?)(?: on \{{.*\}})?\]{_PRIORITY}", re.DOTALL)
_TEST_MARK = "[TEST]"
# Datadog numbers its monitors; anything else is redacted like any text.
_MONITOR_NUMBER = re.compile(r"[0-9]{1,12}")


def take(alert: Incident, *, incidents: Incidents, publisher: Publisher, trace_context: str = "") -> bool:
    """Store what an alert says of its incident; ask for a search where it opens, renews or closes it.

    Told again, it changes nothing and asks again: who was killed in between had not asked.
    """
    incidents.open_or_renew(alert)
    searching = alert.state is not IncidentState.NOTED
    if searching:
        order = Outgoing(Topic.ALERTS, AlertRaised(incident_id=alert.id))
        publisher.publish([order], trace_context=trace_context)
    return searching


def parse_alert(body: bytes, *, lookback: timedelta) -> Incident:
    """Read the payload that we install, or Datadog's default one, as its incident; all text is redacted.

    Raises:
        MessageError: the body cannot be read, or has nothing that names the alert or says when it was.
    """
    told = read_body(body)
    fields = {key: _text(value) for key, value in told.items()}
    moment = _time(fields)
    since = _since(moment, lookback)
    tags, scope = _list(fields.get("tags", "")), _list(fields.get("scope", ""))
    named = dict(pair.split(":", 1) for pair in (*tags, *scope) if ":" in pair)
    versions = [value.removeprefix("version:") for value in scope if value.startswith("version:")]
    title = fields.get("title", "")
    transition = fields.get("transition", "") or _transition_in(title)
    # Where some text spells fields out, the title may be that text: no alert is left alone for it.
    test = _is_test(title) and not told.repeated
    state = IncidentState.NOTED if test else state_after(transition)
    noted = state is IncidentState.NOTED
    word = _redacted(transition)
    return Incident(
        id=_incident_id(fields, told.get("org"), test=test),
        kind=IncidentKind.MONITOR,
        title=_redacted(title),
        transition=word,
        since=since,
        until=moment,
        ml_app=_exact(fields.get("ml_app") or named.get("ml_app", "")),
        env=_exact(named.get("env", "")),
        version=_exact(versions[0]) if len(versions) == 1 else None,
        scope=_redacted_list(fields.get("scope", "")),
        tags=_redacted_list(fields.get("tags", "")),
        priority=_redacted(fields.get("priority", "")),
        link=_redacted(fields.get("link", "")),
        alert_id=_monitor(fields.get("alert_id", "")),
        test=test,
        state=state,
        decided_at=None if noted else moment,
        noted=(word,) if noted and word else (),
    )


def _incident_id(fields: Mapping[str, str], org: JsonValue, *, test: bool) -> str:
    """Name the monitor cycle; the default payload lacks it, so there the event alone is the key.

    A test has a name of its own: it is never the cycle that it was tried on.
    """
    marked = ("test",) if test else ()
    organisation = json_in(org) if isinstance(org, str) else org
    org_id = fields.get("org_id") or (_text(organisation.get("id")) if isinstance(organisation, dict) else "")
    cycle = [fields.get(key, "") for key in ("alert_id", "cycle_key")]
    if all(cycle):
        return "in-" + digest("cycle", *marked, org_id, *cycle, length=16)
    event = fields.get("event_id") or fields.get("id") or ""
    if not event:
        raise MessageError("the alert has neither alert_id and cycle_key nor an event id; nothing names it")
    return "in-" + digest("event", *marked, org_id, event, length=16)


def _transition_in(title: str) -> str:
    """Read the transition off a title's head: the default payload has no other place for it."""
    head = _HEAD.match(title)
    return head["word"] if head and head["word"].lower() in TRANSITIONS else ""


def _is_test(title: str) -> bool:
    head = _HEAD.match(title)
    return title.lstrip().startswith(_TEST_MARK) or bool(head and title.startswith(_TEST_MARK, head.end()))


def _text(value: JsonValue) -> str:
    """Read a variable's value; one that Datadog left unset comes empty or as its own `$NAME`."""
    try:
        spelled = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    except RecursionError:
        raise MessageError(
            "a field of the alert is nested too deep; set its payload as the README says"
        ) from None
    text = spelled.encode("utf-8", "replace").decode()
    return "" if _UNSET.fullmatch(text) or text == "null" else text


def _redacted(text: str) -> str:
    """Redact a text, then cut it: half of a secret is not found any more."""
    return redact_text(text)[:_LONGEST_FIELD] if text else ""


def _exact(text: str) -> str | None:
    """Take what a search is narrowed by as it stands, or not at all: by a redacted value nothing is found."""
    return text if text and _redacted(text) == text else None


def _redacted_list(text: str) -> tuple[str, ...]:
    """Redact a list before it is parted: coordinates and addresses have commas of their own."""
    return tuple(map(redact_text, _list(_redacted(text))))


def _monitor(number: str) -> str:
    return number if _MONITOR_NUMBER.fullmatch(number) else _redacted(number)


def _list(text: str) -> list[str]:
    """Read a list: parts with commas between them, or JSON."""
    told = json_in(text)
    parts = [_text(part) for part in told] if isinstance(told, list) else text.split(",")
    return [part.strip() for part in parts if part.strip()]


def _time(fields: Mapping[str, str]) -> datetime:
    """Read the alert's own time; where it has none, when its event was last changed."""
    names = ("date_ms", "date", "updated_ms", "last_updated")
    told = next((fields[name] for name in names if fields.get(name)), "")
    try:
        return datetime.fromtimestamp(int(told) / 1000, tz=UTC)
    except (ValueError, OverflowError, OSError):
        raise MessageError("the alert's date is missing or no number of milliseconds") from None


def _since(moment: datetime, lookback: timedelta) -> datetime:
    try:
        return moment - lookback
    except OverflowError:
        raise MessageError("the alert's date is missing or no number of milliseconds") from None
