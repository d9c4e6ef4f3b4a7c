"""Reading a webhook: the payload that we install, Datadog's own, and whatever else somebody posts."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.receive_alert.alert import parse_alert
from shared.domain.incidents import Incident, IncidentKind, IncidentState
from shared.errors import MessageError
from shared.redaction.findings import findings
from tests.properties import examples
from tests.unit.build import json_values

LOOKBACK = timedelta(hours=24)
WHEN_MS = 1_760_000_000_000
WHEN = datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)

CUSTOM: dict[str, Any] = {
    "schema": "v1",
    "alert_id": "312833678",
    "transition": "Triggered",
    "cycle_key": "17123456789",
    "aggreg_key": "9bd4ac313a4d1e8fae2482df7b77628",
    "event_id": "5485379890863845239",
    "title": "[Triggered on {ml_app:support-bot}] LLM hallucinations",
    "text": "...",
    "query": 'llm-observability("@ml_app:support-bot").rollup("count").last("15m") > 5',
    "scope": "ml_app:support-bot",
    "priority": "P2",
    "date_ms": str(WHEN_MS),
    "updated_ms": str(WHEN_MS),
    "tags": "env:prod, ml_app:support-bot, monitor",
    "link": "https://app.datadoghq.com/event/jump_to?event_id=1",
    "org_id": "11023",
    "org": "Acme",
    "snapshot": "null",
    "ml_app": "support-bot",
}
DEFAULT: dict[str, Any] = {
    "body": "%%%\n@webhook-x\n\nTest notification triggered by a@b.example.\n\n%%%",
    "last_updated": str(WHEN_MS),
    "event_type": "service_check",
    "title": "[Triggered] [TEST] Host Cluster Alert",
    "date": str(WHEN_MS),
    "org": {"id": "415600", "name": "Puppet"},
    "id": "5485379890863845239",
}


def _parse(told: Any) -> Incident:
    return parse_alert(json.dumps(told).encode(), lookback=LOOKBACK)


@pytest.mark.parametrize(
    "tags", ["env:prod, team:search", ["env:prod", "team:search"], '["env:prod", "team:search"]']
)
def test_tags_come_as_a_text_or_as_a_list(tags: Any) -> None:
    incident = _parse(CUSTOM | {"tags": tags})

    assert (incident.env, incident.tags) == ("prod", ("env:prod", "team:search"))


def test_the_custom_payload_says_where_and_when_to_look() -> None:
    incident = _parse(CUSTOM)

    assert incident == Incident(
        id=incident.id,
        kind=IncidentKind.MONITOR,
        title="[Triggered on {ml_app:support-bot}] LLM hallucinations",
        transition="Triggered",
        since=WHEN - LOOKBACK,
        until=WHEN,
        ml_app="support-bot",
        env="prod",
        scope=("ml_app:support-bot",),
        tags=("env:prod", "ml_app:support-bot", "monitor"),
        priority="P2",
        link="https://app.datadoghq.com/event/jump_to?event_id=1",
        alert_id="312833678",
        state=IncidentState.OPEN,
        decided_at=WHEN,
    )


def test_datadogs_default_payload_says_when_to_look() -> None:
    incident = _parse(DEFAULT)

    assert (incident.since, incident.until) == (WHEN - LOOKBACK, WHEN)
    assert incident.title == "[Triggered] [TEST] Host Cluster Alert"
    assert (incident.ml_app, incident.env, incident.transition) == (None, None, "Triggered")


@pytest.mark.parametrize(
    "field", ["event_id", "title", "transition", "date_ms", "tags", "priority", "schema"]
)
def test_alerts_of_one_cycle_are_one_incident(field: str) -> None:
    assert _parse(CUSTOM | {field: str(WHEN_MS + 1)}).id == _parse(CUSTOM).id


@pytest.mark.parametrize("field", ["org_id", "alert_id", "cycle_key"])
def test_alerts_of_other_cycles_are_other_incidents(field: str) -> None:
    assert _parse(CUSTOM | {field: "99"}).id != _parse(CUSTOM).id


@pytest.mark.parametrize("unset", ["", "$ALERT_CYCLE_KEY", None, "null"])
def test_without_a_cycle_the_event_names_the_incident(unset: str | None) -> None:
    one = CUSTOM | {"cycle_key": unset}

    assert _parse(one).id == _parse(one | {"alert_id": "$ALERT_ID", "title": "another"}).id
    assert _parse(one).id != _parse(one | {"event_id": "7"}).id


def test_the_default_payloads_event_and_organisation_name_the_incident() -> None:
    assert _parse(DEFAULT).id == _parse(DEFAULT | {"title": "[TEST] another"}).id
    assert _parse(DEFAULT).id != _parse(DEFAULT | {"id": "7"}).id
    assert _parse(DEFAULT).id != _parse(DEFAULT | {"org": {"id": "7"}}).id


def test_an_event_is_never_taken_for_a_cycle() -> None:
    cycle = {"org_id": "1", "alert_id": "2", "cycle_key": "3", "date_ms": str(WHEN_MS)}
    event = {"org_id": "1", "event_id": "2", "date_ms": str(WHEN_MS)}

    assert _parse(cycle).id != _parse(event).id


@pytest.mark.parametrize("told", [{"alert_id": "1"}, {"cycle_key": "1"}, {"event_id": "$ID"}, {}])
def test_an_alert_that_nothing_names_is_refused(told: dict[str, str]) -> None:
    with pytest.raises(MessageError, match="nothing names it"):
        _parse(told | {"date_ms": str(WHEN_MS)})


@pytest.mark.parametrize("unset", ["", "null", None, "$TAGS", "$ALERT_SCOPE", "$A_B_C", "$TAGS[ml_app]"])
def test_a_variable_that_datadog_left_unset_counts_as_missing(unset: str | None) -> None:
    names = ("title", "transition", "tags", "scope", "priority", "link", "ml_app")

    incident = _parse(CUSTOM | dict.fromkeys(names, unset))

    assert (incident.title, incident.transition, incident.priority, incident.link) == ("", "", "", "")
    assert (incident.tags, incident.scope, incident.ml_app, incident.env) == ((), (), None, None)


@pytest.mark.parametrize("title", ["$5 refunds fail", "$ALERT_TITLE: it broke", "US$", "5 $ALERT_ID"])
def test_a_text_that_only_holds_a_dollar_sign_is_kept(title: str) -> None:
    assert _parse(CUSTOM | {"title": title}).title == title


@pytest.mark.parametrize(
    ("tags", "ml_app", "env"),
    [
        ("env:prod,ml_app:bot", "bot", "prod"),
        (" env:prod , ml_app:bot ,, monitor", "bot", "prod"),
        ("env:prod:eu, ml_app:team:bot", "team:bot", "prod:eu"),
        ("env, ml_app", None, None),
        ("environment:prod", None, None),
    ],
)
def test_tags_are_split_at_their_first_colon(tags: str, ml_app: str | None, env: str | None) -> None:
    incident = _parse(CUSTOM | {"tags": tags, "scope": "", "ml_app": ""})

    assert (incident.ml_app, incident.env) == (ml_app, env)


def test_the_scope_of_the_group_that_fired_wins_over_the_monitors_tags() -> None:
    incident = _parse(CUSTOM | {"tags": "env:dev", "scope": "env:prod,ml_app:bot", "ml_app": ""})

    assert (incident.env, incident.ml_app) == ("prod", "bot")


def test_the_field_of_its_own_wins_over_tags_and_scope() -> None:
    assert _parse(CUSTOM | {"ml_app": "mine", "tags": "ml_app:a", "scope": "ml_app:b"}).ml_app == "mine"


@pytest.mark.parametrize("date", ["", "soon", "$DATE", None, "1.5e12", str(10**30), [], {"a": 1}, True])
def test_a_date_that_is_none_is_refused(date: Any) -> None:
    with pytest.raises(MessageError, match="date"):
        _parse(CUSTOM | {"date_ms": date, "updated_ms": date})


def test_a_date_may_be_a_number() -> None:
    assert _parse(CUSTOM | {"date_ms": WHEN_MS}).until == WHEN


@pytest.mark.parametrize("body", [b"", b"alert!", b"{", b"\xff\xfe", b"\x00", b"[" * 100_000, b"1" * 10_000])
def test_a_body_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(MessageError, match="not JSON"):
        parse_alert(body, lookback=LOOKBACK)


@pytest.mark.parametrize("body", [b"[]", b'"jane@example.com"', b"null", b"5", b"true"])
def test_a_body_that_is_no_object_is_refused_and_not_repeated(body: bytes) -> None:
    with pytest.raises(MessageError, match="not a JSON object") as refused:
        parse_alert(body, lookback=LOOKBACK)

    assert "jane" not in str(refused.value)


def test_line_breaks_that_datadog_did_not_escape_are_read() -> None:
    body = json.dumps(CUSTOM | {"title": "one|two"}).replace("|", "\n").encode()

    assert parse_alert(body, lookback=LOOKBACK).title == "one\ntwo"


def test_bytes_that_are_no_text_are_replaced() -> None:
    body = json.dumps(CUSTOM | {"title": "caf|"}).encode().replace(b"|", b"\xe9")

    assert parse_alert(body, lookback=LOOKBACK).title == "caf\ufffd"


@pytest.mark.parametrize("field", ["title", "tags", "scope", "link"])
def test_text_is_redacted(field: str) -> None:
    incident = _parse(CUSTOM | {field: "note:jane@example.com"})

    spelled = incident.model_dump_json()
    assert "jane" not in spelled
    assert "note:<EMAIL_1>" in spelled


@pytest.mark.parametrize("field", ["transition", "priority", "ml_app"])
def test_a_short_field_is_redacted_too(field: str) -> None:
    assert "jane" not in _parse(CUSTOM | {field: "jane@example.com"}).model_dump_json()


def test_an_environment_is_redacted_too() -> None:
    assert "jane" not in _parse(CUSTOM | {"tags": "env:jane@example.com"}).model_dump_json()


def test_text_that_is_not_needed_is_not_kept() -> None:
    incident = _parse(
        CUSTOM | {"text": "jane@example.com wrote", "query": "secret-query"} | {"body": "Jane Doe"}
    )

    spelled = incident.model_dump_json()
    assert findings([spelled]) == {}
    assert "secret-query" not in spelled
    assert "Jane" not in spelled


def test_a_long_title_is_cut() -> None:
    assert len(_parse(CUSTOM | {"title": "x" * 100_000}).title) <= 2_000


def _is_read_or_refused(body: bytes) -> bool:
    try:
        incident = parse_alert(body, lookback=LOOKBACK)
    except MessageError:
        return True
    return incident.since is not None and incident.id.startswith("in-")


@examples(100)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_read_or_refused(body: bytes) -> None:
    assert _is_read_or_refused(body)


_times = st.integers(0, 10**30).map(str) | json_values


@examples(300)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(CUSTOM, json_values)), _times)
def test_an_arbitrary_object_is_read_or_refused(told: dict[str, Any], date: Any) -> None:
    for known in ({}, {"event_id": "1"}, {"alert_id": "1", "cycle_key": "2"}):
        assert _is_read_or_refused(json.dumps({**told, **known, "date_ms": date}).encode())
