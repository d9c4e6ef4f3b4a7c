"""Datadog's refusals: the kind of error by the status alone, and never a word of the answer."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.cloud.datadog_failures import (
    Call,
    DatadogRefusedError,
    DatadogUnavailableError,
    Fault,
    faults_in,
    refusal,
    retry_after,
    unanswered,
)
from shared.errors import NotFoundError, PermanentError, TransientError
from tests.properties import examples
from tests.unit.build import json_values

CALL = Call("the search", "a_permission")
SECRET = "jane.roe@leaky-nest.org"
OBJECTS = {"errors": [{"title": "Bad", "detail": SECRET, "source": {"pointer": "/data/attributes/filter"}}]}


def test_both_shapes_are_read() -> None:
    assert faults_in({"errors": ["one", "two"]}) == (Fault("one"), Fault("two"))
    assert faults_in(OBJECTS) == (Fault(f"Bad: {SECRET}", "/data/attributes/filter"),)
    assert faults_in({"errors": ["one", {"title": "two"}, 3, None]}) == (Fault("one"), Fault("two"))


@pytest.mark.parametrize("body", [None, "", "text", [], {}, {"errors": None}, {"errors": "x"}, {"error": 1}])
def test_a_body_of_no_known_shape_says_nothing(body: Any) -> None:
    assert faults_in(body) == ()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, DatadogUnavailableError) for status in (0, 408, 425, 429, 500, 502, 503, 599)),
        *((status, DatadogRefusedError) for status in (301, 400, 401, 402, 403, 409, 413, 422)),
        (404, NotFoundError),
    ],
)
@pytest.mark.parametrize("body", [OBJECTS, {"errors": [SECRET]}, SECRET, None])
def test_the_status_decides(status: int, kind: type[Exception], body: Any) -> None:
    error = refusal(CALL, status, body, {})

    assert type(error) is kind
    assert SECRET not in str(error)
    assert "the search" in str(error)


@examples(200)
@given(st.integers(0, 999), json_values)
def test_any_answer_is_an_error_of_ours(status: int, body: Any) -> None:
    error = refusal(CALL, status, body, {})

    assert isinstance(error, PermanentError) != isinstance(error, TransientError)


def test_advice_names_what_is_wrong() -> None:
    assert "a_permission" in str(refusal(CALL, 403, {"errors": ["Forbidden"]}, {}))
    assert "DATADOG_API_KEY or DATADOG_APP_KEY" in str(refusal(CALL, 401, {"errors": ["Unauthorized"]}, {}))
    assert "take DATADOG_API_KEY (" in str(refusal(CALL, 401, {"errors": ["Invalid API key"]}, {}))
    assert "take DATADOG_APP_KEY (" in str(refusal(CALL, 401, {"errors": ["Application key missing"]}, {}))
    assert str(refusal(CALL, 400, OBJECTS, {})).endswith(": /data/attributes/filter")
    # The check of a key takes no permission: whatever the status, it is the key that is wrong.
    for status in (401, 403):
        told = str(refusal(Call("the check of the API key"), status, {"errors": ["Forbidden"]}, {}))
        assert "take DATADOG_API_KEY (" in told
        assert "permission" not in told


@pytest.mark.parametrize("pointer", [SECRET, f"/data/{SECRET}", "/data/attributes/a b", 7, None, ["/data"]])
def test_a_pointer_that_is_no_part_of_a_request_is_not_told(pointer: Any) -> None:
    [fault] = faults_in({"errors": [{"title": "x", "source": {"pointer": pointer}}]})

    assert fault.pointer == ""


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("7", 7), ("0.5", 0.5), ("-3", 0), ("", None), ("soon", None), ("nan", None), ("inf", None)],
)
def test_the_time_to_wait_is_read(told: str, seconds: float | None) -> None:
    assert retry_after({"X-RateLimit-Reset": told}) == seconds
    assert retry_after({"x-ratelimit-reset": told}) == seconds


def test_no_answer_is_told_by_its_type_alone() -> None:
    error = unanswered(CALL, OSError(SECRET), "https://api.datadoghq.com")

    assert str(error) == "https://api.datadoghq.com did not answer the search: OSError"
    assert error.retry_after is None
