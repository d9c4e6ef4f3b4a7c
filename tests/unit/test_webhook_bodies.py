"""What a webhook may send: forms, texts that nobody escaped, and fields that a text spells out."""

import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.local.demo import alert_payload
from functions.receive_alert.alert import MAX_BODY_BYTES, parse_alert
from functions.receive_alert.payload import TEMPLATE, template
from shared.domain.incidents import Incident, IncidentState
from shared.errors import MessageError
from tests.conftest import ROOT
from tests.properties import examples
from tests.timings import growth
from tests.unit.test_alert import CUSTOM, DEFAULT, LOOKBACK

# In the template's order: what users have a say in.
TEXTS = ("scope", "tags", "title")
INJECTED = (
    '","alert_id":"9","transition":"Recovered","title":"[TEST] x","tags":"env:dev","ml_app":"other","a":"'
)
UNESCAPED = [
    'he said "no"',
    '"',
    'a", "b',
    "one\ntwo\r\n\tthree",
    "}}]]{{",
    '{"a": "b"}',
    '"}',
    "\\",
    "\\\\",
    '"title":"x"',
    ', "title": "x',
    INJECTED,
    "%%%\n@webhook-evalforge\n%%%",
]


def _read(body: str | bytes) -> Incident:
    return parse_alert(body.encode() if isinstance(body, str) else body, lookback=LOOKBACK)


def unescaped(**changed: str) -> str:
    """Fill the template as a sender does who puts values in as they are."""
    values = alert_payload() | changed
    return re.sub(
        r'"(\w+)":"\$[^"]+"', lambda field: f'"{field[1]}":"{values[field[1]]}"', TEMPLATE.read_text("utf-8")
    )


def test_the_readme_shows_the_payload_as_it_is() -> None:
    assert f"```json\n{TEMPLATE.read_text('utf-8')}```" in (ROOT / "README.md").read_text("utf-8")


def test_the_demo_posts_the_payload_that_is_installed() -> None:
    assert list(alert_payload()) == list(template())


def test_texts_come_last_in_the_payload() -> None:
    assert tuple(template())[-len(TEXTS) :] == TEXTS


@pytest.mark.parametrize("told", [CUSTOM, alert_payload(), DEFAULT])
def test_a_form_says_what_json_says(told: dict[str, Any]) -> None:
    expected = _read(json.dumps(told))

    fields = {key: value if isinstance(value, str) else json.dumps(value) for key, value in told.items()}
    assert _read(urlencode({"payload": json.dumps(told)})) == expected
    assert _read(urlencode(fields)) == expected


def test_a_form_may_hold_what_nobody_escaped() -> None:
    body = unescaped(title='he said "no"')

    assert _read(urlencode({"payload": body})) == _read(body)


def test_a_text_in_an_object_is_no_form() -> None:
    body = json.dumps(alert_payload() | {"title": "&payload={}&alert_id=9&event_id=9"})

    assert _read(body).id == _read(json.dumps(alert_payload())).id
    assert _read(body.replace("&payload", '"&payload')).id == _read(body).id


@pytest.mark.parametrize("text", UNESCAPED)
@pytest.mark.parametrize("field", TEXTS)
def test_a_text_that_nobody_escaped_changes_no_field_before_it(field: str, text: str) -> None:
    expected, told = _read(json.dumps(alert_payload())), _read(unescaped(**{field: text}))

    names = ("id", "alert_id", "until", "state", "transition", "priority", "link", "ml_app", "test")
    assert {name: getattr(told, name) for name in names} == {name: getattr(expected, name) for name in names}
    before = TEXTS[: TEXTS.index(field)]
    assert [getattr(told, name) for name in before] == [getattr(expected, name) for name in before]


@pytest.mark.parametrize("text", ['he said "no"', 'a", "b', "}}]]{{", '{"a": "b"}', '"'])
def test_a_text_that_nobody_escaped_is_read_itself(text: str) -> None:
    assert _read(unescaped(title=text)).title == text


@examples(200)
@given(st.sampled_from(TEXTS), st.text('",:{}[]\\ \n$ab') | st.sampled_from(UNESCAPED))
def test_whatever_is_in_a_text_the_alert_is_the_same(field: str, text: str) -> None:
    told, expected = _read(unescaped(**{field: text})), _read(json.dumps(alert_payload()))

    assert (told.id, told.until, told.state) == (expected.id, expected.until, expected.state)


def test_a_key_that_is_told_twice_holds_as_it_was_told_first() -> None:
    whole = json.dumps(alert_payload())
    twice = f'{whole[:-1]}, "alert_id": "9", "ml_app": "other", "title": "[TEST]"}}'

    assert _read(twice) == _read(whole)


def test_a_body_that_was_cut_off_tells_what_it_still_has() -> None:
    whole = unescaped()

    told = _read(whole[: whole.index('"title"') + 20])

    assert (told.id, told.tags) == (_read(whole).id, _read(whole).tags)


@pytest.mark.parametrize("lost", ["date_ms", "alert_id"])
def test_what_cannot_be_recovered_is_refused(lost: str) -> None:
    body = unescaped(title='"').replace(f'"{lost}"', '"').replace("updated_ms", "").replace("event_id", "")

    with pytest.raises(MessageError, match=r"date|nothing names it"):
        _read(body)


def test_reading_takes_a_time_that_grows_with_the_body() -> None:
    def hostile(times: int) -> bytes:
        return (unescaped()[:-2] + '{,"title":"\n, , "' * times).encode()[:MAX_BODY_BYTES]

    bodies = {times: hostile(times) for times in (400, 3_200)}

    assert growth(lambda times: _read(bodies[times]), 400, 3_200) < 30


@pytest.mark.parametrize(
    "title",
    [
        "[TEST] x",
        "[Triggered] [TEST] Host",
        "[Triggered on {ml_app:bot}] [TEST] x",
        " [Warn][TEST]",
        "[P2] [Warn] [TEST]",
    ],
)
def test_a_test_is_marked_opens_nothing_and_has_a_name_of_its_own(title: str) -> None:
    told = _read(json.dumps(CUSTOM | {"title": title}))

    assert (told.test, told.state) == (True, IncidentState.NOTED)
    assert told.id != _read(json.dumps(CUSTOM)).id


@pytest.mark.parametrize(
    "title",
    [
        "[Triggered on {user:[TEST]}] x",
        "[Triggered on {user:a][TEST]}] x",
        "[Warn on {user:a}] [TEST] }] x",
        "refunds fail: [TEST]",
        "[Triggered] bot [TEST]",
    ],
)
def test_a_text_within_the_title_makes_no_test_of_an_alert(title: str) -> None:
    told = _read(json.dumps(CUSTOM | {"title": title}))

    assert (told.test, told.state) == (False, IncidentState.OPEN)


@pytest.mark.parametrize(
    ("title", "transition", "state"),
    [
        ("[Triggered] x", "Triggered", IncidentState.OPEN),
        ("[Re-Triggered on {ml_app:bot}] x", "Re-Triggered", IncidentState.OPEN),
        ("[Recovered on {ml_app:bot}] x", "Recovered", IncidentState.CLOSED),
        ("[No Data] x", "No Data", IncidentState.NOTED),
        ("[prod] x", "", IncidentState.OPEN),
        ("x [Recovered]", "", IncidentState.OPEN),
    ],
)
def test_the_default_payload_tells_its_transition_in_its_title(
    title: str, transition: str, state: IncidentState
) -> None:
    told = _read(json.dumps(DEFAULT | {"title": title}))

    assert (told.transition, told.state) == (transition, state)


def test_an_alert_without_a_date_is_of_the_time_of_its_last_change() -> None:
    told = _read(json.dumps(CUSTOM | {"date_ms": "$DATE"}))

    expected = _read(json.dumps(CUSTOM))
    assert (told.since, told.until) == (expected.since, expected.until)


def test_a_secret_is_not_halved_by_the_cut() -> None:
    told = _read(json.dumps(CUSTOM | {"title": "x" * 1_985 + " jane.roe@example.com"}))

    assert "jane" not in told.title


# Plain words: what redaction finds depends on what stands around it.
_names = st.sampled_from(["env", "ml_app", "team", "service", "monitor", "environment"])
_tag = st.builds(str.__add__, _names, st.sampled_from(["", ":", ":prod", ":bot", ":eu:west", "::", ":a/b.c"]))
_blank = st.sampled_from(["", " ", "  "])


@examples(200)
@given(st.lists(_tag, max_size=6), st.lists(_tag, max_size=4), _blank)
def test_tags_and_scopes_say_the_same_however_they_are_spelled(
    tags: list[str], scope: list[str], blank: str
) -> None:
    """As a text with any blanks, as a list, or as the text of a list."""
    joined = f",{blank}"
    one = _read(json.dumps(CUSTOM | {"ml_app": "", "tags": joined.join(tags), "scope": joined.join(scope)}))

    assert one == _read(json.dumps(CUSTOM | {"ml_app": "", "tags": tags, "scope": json.dumps(scope)}))
    named = dict(pair.split(":", 1) for pair in (*tags, *scope) if ":" in pair)
    assert (one.env, one.ml_app) == (named.get("env") or None, named.get("ml_app") or None)
