"""Alerts folded into their incident: the same, in whichever order and however often they come."""

from datetime import UTC, datetime, timedelta
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.incidents import Incident, IncidentKind, IncidentState, state_after
from tests.properties import examples

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
OPENING = ("Triggered", "Re-Triggered", "Warn", "Re-Warn", "Renotify")
NOTED = ("No Data", "Re-No Data", "Escalated")


def alert(transition: str, at: int, *, title: str = "") -> Incident:
    """Build what one alert says, so many minutes after noon."""
    moment, state = NOON + timedelta(minutes=at), state_after(transition)
    return Incident(
        id="in-1",
        kind=IncidentKind.MONITOR,
        title=title,
        transition=transition,
        since=moment - timedelta(hours=24),
        until=moment,
        state=state,
        decided_at=None if state is IncidentState.NOTED else moment,
        noted=(transition,) if state is IncidentState.NOTED else (),
    )


def folded(*alerts: Incident) -> Incident:
    return reduce(Incident.renewed_by, alerts)


alerts = st.builds(
    alert,
    st.sampled_from((*OPENING, "Recovered", *NOTED, "")),
    st.integers(0, 3),
    title=st.sampled_from(("", "a", "b")),
)


@examples(500)
@given(st.data(), st.lists(alerts, min_size=1, max_size=6))
def test_any_order_and_any_repetition_gives_the_same_incident(
    data: st.DataObject, told: list[Incident]
) -> None:
    again = data.draw(st.lists(st.sampled_from(told), max_size=4))
    shuffled = data.draw(st.permutations([*told, *again]))

    assert folded(*shuffled) == folded(*told)


@examples(200)
@given(alerts, alerts, alerts)
def test_it_does_not_matter_which_two_are_folded_first(one: Incident, two: Incident, three: Incident) -> None:
    assert one.renewed_by(two).renewed_by(three) == one.renewed_by(two.renewed_by(three))


@pytest.mark.parametrize("opening", OPENING)
def test_recovered_closes_also_when_it_comes_first(opening: str) -> None:
    told = folded(alert("Recovered", 5), alert(opening, 0))

    assert (told.state, told.transition) == (IncidentState.CLOSED, "Recovered")
    assert (told.since, told.until) == (NOON - timedelta(hours=24), NOON + timedelta(minutes=5))


@pytest.mark.parametrize("opening", OPENING)
def test_what_opens_later_opens_again(opening: str) -> None:
    assert folded(alert("Recovered", 0), alert(opening, 5)).state is IncidentState.OPEN


@pytest.mark.parametrize("opening", OPENING)
def test_at_one_time_closing_is_the_last_word(opening: str) -> None:
    told = folded(alert("Recovered", 0), alert(opening, 0))

    assert (told.state, told.transition) == (IncidentState.CLOSED, "Recovered")


@pytest.mark.parametrize("noted", NOTED)
def test_what_is_only_noted_opens_and_closes_nothing(noted: str) -> None:
    assert alert(noted, 0).state is IncidentState.NOTED
    assert folded(alert("Triggered", 0), alert(noted, 5)).state is IncidentState.OPEN
    assert folded(alert("Recovered", 0), alert(noted, 5)).state is IncidentState.CLOSED
    assert folded(alert("Triggered", 0), alert(noted, 5)).transition == noted
    assert folded(alert(noted, 0), alert("Triggered", 5)).noted == (noted,)


@pytest.mark.parametrize("word", ["TRIGGERED", " recovered ", "re-no data"])
def test_a_transition_counts_in_any_casing(word: str) -> None:
    assert state_after(word) is state_after(word.strip().title())


def test_an_incident_that_was_stored_before_it_had_a_state_is_read_and_renewed() -> None:
    old = Incident.model_validate(
        {"id": "in-1", "kind": "monitor", "transition": "Triggered", "since": NOON, "until": NOON}
    )

    assert old.renewed_by(alert("Recovered", 5)).state is IncidentState.CLOSED


def test_however_many_words_come_an_incident_stays_small() -> None:
    told = [alert(f"word {number:03}", number % 7) for number in range(500)]

    assert folded(*told) == folded(*reversed(told))
    assert len(folded(*told).noted) == 20
