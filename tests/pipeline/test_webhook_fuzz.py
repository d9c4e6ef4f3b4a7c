"""Whatever is posted: no 5xx, no traceback, and nothing acknowledged that is neither published nor stored."""

import json
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import functions_framework
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from functions.local.demo import alert_payload
from functions.receive_alert.payload import TEMPLATE
from shared import wiring
from shared.errors import NotFoundError
from shared.messages import AlertRaised
from shared.ports import Outgoing
from shared.redaction.findings import findings
from shared.wiring import Wiring
from tests.conftest import ROOT
from tests.pipeline.end_state import open_store
from tests.properties import examples
from tests.unit.build import json_values

BODIES = 1_000
# Every variable that Datadog documents for webhooks; `TAGS[ml_app]` stands for any tag.
_DOCUMENTED = """
    AGGREG_KEY ALERT_CYCLE_KEY ALERT_ID ALERT_METRIC ALERT_PRIORITY ALERT_QUERY ALERT_SCOPE ALERT_STATUS
    ALERT_TITLE ALERT_TRANSITION ALERT_TYPE DATE EMAIL EVENT_MSG EVENT_TITLE EVENT_TYPE HOSTNAME ID
    INCIDENT_ATTACHMENTS INCIDENT_COMMANDER INCIDENT_CUSTOMER_IMPACT INCIDENT_FIELDS INCIDENT_INTEGRATIONS
    INCIDENT_MSG INCIDENT_PUBLIC_ID INCIDENT_SEVERITY INCIDENT_STATUS INCIDENT_TITLE INCIDENT_TODOS
    INCIDENT_URL INCIDENT_UUID LAST_UPDATED LINK LOGS_SAMPLE METRIC_NAMESPACE ORG_ID ORG_NAME PRIORITY
    SECURITY_RULE_NAME SECURITY_RULE_ID SECURITY_RULE_MATCHED_QUERIES SECURITY_RULE_GROUP_BY_FIELDS
    SECURITY_RULE_TYPE SECURITY_SIGNAL_ID SECURITY_SIGNAL_SEVERITY SECURITY_SIGNAL_TITLE SECURITY_SIGNAL_MSG
    SECURITY_SIGNAL_ATTRIBUTES SNAPSHOT SYNTHETICS_TEST_NAME SYNTHETICS_FIRST_FAILING_STEP_NAME
    SYNTHETICS_SUMMARY TAGS TAGS[ml_app] TEXT_ONLY_MSG USER USERNAME
"""
VARIABLES = _DOCUMENTED.split()
TRANSITIONS = (
    "Triggered",
    "Re-Triggered",
    "Warn",
    "Re-Warn",
    "Renotify",
    "Recovered",
    "No Data",
    "Escalated",
)
CANARY = "jane.roe@leaky-nest.org"
ALERT = alert_payload()
# A payload of somebody who wants to know everything, beside ours.
EVERYTHING = json.dumps({f"f_{at}": f"${name}" for at, name in enumerate(VARIABLES)})


@dataclass
class Door:
    """The function as it is served, and what came out of it."""

    client: FlaskClient
    parts: Wiring
    published: list[str] = field(default_factory=list)
    tracebacks: list[logging.LogRecord] = field(default_factory=list)

    def publish(self, outgoing: Iterable[Outgoing], *, trace_context: str = "") -> int:
        sent = [one.message for one in outgoing]
        self.published += [one.incident_id for one in sent if isinstance(one, AlertRaised)]
        return len(sent)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    app = functions_framework.create_app(  # type: ignore[no-untyped-call]
        "receive_alert", str(ROOT / "functions" / "receive_alert" / "main.py"), "http"
    )
    made = Door(app.test_client(), open_store(tmp_path_factory.mktemp("fuzz") / "store.db"))

    class Watch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            made.tracebacks += [record] if record.exc_info else []

    watch = Watch()
    for name in ("evalforge", "receive_alert"):
        logging.getLogger(name).addHandler(watch)
    with wiring.use(replace(made.parts, publisher=made)):
        yield made
    for name in ("evalforge", "receive_alert"):
        logging.getLogger(name).removeHandler(watch)


def values_of(text: str, hostile: frozenset[str], transition: str) -> dict[str, str]:
    """Say what each variable is: a usual value, or the hostile text."""
    usual = dict.fromkeys(VARIABLES, "a value") | {
        "ALERT_ID": ALERT["alert_id"],
        "ALERT_CYCLE_KEY": ALERT["cycle_key"],
        "ALERT_TRANSITION": transition,
        "DATE": ALERT["date_ms"],
        "ID": ALERT["event_id"],
        "LAST_UPDATED": ALERT["updated_ms"],
        "ORG_ID": ALERT["org_id"],
    }
    return usual | dict.fromkeys(hostile, text)


def filled_in(template: str, values: dict[str, str]) -> str:
    """Put values in as they are, as a sender does who escapes nothing."""
    names = "|".join(sorted(map(re.escape, values), key=len, reverse=True))
    return re.sub(rf"\$({names})", lambda found: values[found[1]], template)


SIGNS = (
    '"',
    "\n",
    "\r\n",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\",
    "\\u",
    "\x00",
    "%%%",
    "=",
    "é",
    "\u2028",
    "\ud7ff",
)
WORDS = ('","alert_id":"9"', ',"transition":"Recovered"', "[TEST]", f" {CANARY} ", "&payload=", "$ID", "null")
pieces = st.sampled_from((*SIGNS, *WORDS))
texts = st.lists(pieces | st.text(max_size=8), max_size=8).map("".join)
rendered = st.builds(
    lambda template, *told: filled_in(template, values_of(*told)),
    st.sampled_from((TEMPLATE.read_text("utf-8"), EVERYTHING, TEMPLATE.read_text("utf-8")[:-3])),
    texts,
    st.frozensets(st.sampled_from(VARIABLES), min_size=1, max_size=3) | st.just(frozenset(VARIABLES)),
    st.sampled_from(TRANSITIONS),
)
objects = st.builds(
    lambda told, known: json.dumps({**known, **told}),
    st.dictionaries(st.sampled_from([*ALERT, "org", "id", "date", "payload"]), json_values | texts),
    st.sampled_from([{}, ALERT]),
)
hostile_json = st.one_of(
    json_values.map(json.dumps),
    objects,
    st.builds(
        lambda depth, inside: inside * depth, st.integers(1, 30_000), st.sampled_from(['{"org":', "["])
    ),
    st.integers(1, 20_000).map(lambda digits: f'{{"event_id":"1","date_ms":{"9" * digits}}}'),
    st.sampled_from(['{"event_id":NaN,"date_ms":1e999}', '{"event_id":"\\ud800","date_ms":"1"}', '{"a":1}{']),
)
forms = st.one_of(
    (rendered | objects | texts).map(lambda body: urlencode({"payload": body})),
    st.dictionaries(st.sampled_from([*ALERT]), texts).map(lambda told: urlencode({**ALERT, **told})),
    rendered.map(lambda body: f"payload={body}"),
)
bodies = st.one_of(
    st.binary(max_size=2_000),
    *(
        made.map(lambda body: body.encode("utf-8", "surrogatepass"))
        for made in (rendered, hostile_json, forms)
    ),
    st.builds(
        lambda body, at, byte: body[: at % len(body)] + byte + body[at % len(body) + 1 :],
        rendered.map(str.encode),
        st.integers(0, 10_000),
        st.binary(max_size=2),
    ),
)
content_types = st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain", ""])


@examples(BODIES)
@given(body=bodies, content_type=content_types)
def test_whatever_is_posted_is_published_or_stored_with_its_reason(
    body: bytes, content_type: str, door: Door
) -> None:
    door.published.clear()
    answer = door.client.post("/", data=body, content_type=content_type)
    told: dict[str, Any] = answer.get_json()
    assert door.tracebacks == []
    assert answer.status_code in (200, 202)
    stored = (is_published_or_noted if answer.status_code == 202 else is_kept)(told, door)
    assert CANARY not in stored + answer.text
    assert "Traceback" not in answer.text


def is_published_or_noted(told: dict[str, Any], door: Door) -> str:
    incident = door.parts.incidents.get(told["incident"])
    if told["searching"]:
        assert door.published == [incident.id]
    else:
        assert door.published == []
        assert incident.noted or incident.test
    return incident.model_dump_json()


def is_kept(told: dict[str, Any], door: Door) -> str:
    assert door.published == []
    letter = door.parts.dead_letters.get(told["dead_letter"])
    if letter is None:
        raise NotFoundError(told["dead_letter"])
    assert letter.reason == told["reason"]
    assert findings([letter.text]) == {}
    return letter.model_dump_json()
