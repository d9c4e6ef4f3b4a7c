"""Arguments that name what nobody has named before."""

from typing import Any

import pytest

from functions.sanitize.capture import capture_of
from shared.domain.captures import Capture
from shared.domain.free_text import FreeText, FreeTextPolicy
from shared.domain.signals import SignalRules
from shared.domain.spans import Span
from shared.domain.taxonomy import FailureType as F
from shared.redaction.policy import Redaction
from tests.unit.build import SALT, call, capture, failed_call, model, root, step, trace, verdict
from tests.unit.found import invented_argument, the

# An application knows things that no step tells, so something must say that the arguments were wrong.
JUDGED = {"tool_argument_correctness": verdict()}


def _asked(said: str, *steps: Span, **fields: Any) -> Capture:
    return capture(root(input={"value": said}, evaluations=JUDGED, **fields), *steps)


def _look(value: str, key: str = "order_id", **fields: Any) -> Span:
    return call("look", "get_order", {key: value}, "fine", start_ns=4_000, **fields)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("order_id", "W2378156"),
        ("orderId", "#SO-51602"),
        ("booking_reference", "NO6JO3"),
        ("account", "acc_88213"),
        ("discount_code", "STAFF100"),
        ("sku", "P-2041"),
    ],
)
def test_a_name_that_nobody_has_told_is_blamed_on_its_call(key: str, value: str) -> None:
    finding = the(invented_argument(_asked("Where is my parcel?", _look(value, key))))

    assert (finding.failure_type, finding.span_id) == (F.WRONG_ARGUMENTS, "look")
    assert value in finding.quote
    assert finding.stable == f"get_order:{key}"


def test_what_an_application_may_know_by_itself_is_no_invention_unless_the_tool_refused_it() -> None:
    asked = {"input": {"value": "Where is my parcel?"}, "evaluations": {"quality": verdict()}}
    refused = failed_call("look", "get_order", "404 Not Found", {"order_id": "W2378156"}, start_ns=4_000)
    away = failed_call("look", "get_order", "503 unavailable", {"order_id": "W2378156"}, start_ns=4_000)

    assert invented_argument(capture(root(**asked), _look("W2378156"))) is None
    assert invented_argument(capture(root(**asked), away)) is None
    assert the(invented_argument(capture(root(**asked), refused))).span_id == "look"


def test_an_address_that_nobody_has_told_is_blamed() -> None:
    told = _asked("Send it to ann@example.com", call("m", "send_mail", {"to": "bob@example.org"}, "ok"))

    assert "<EMAIL_" in the(invented_argument(told)).quote


@pytest.mark.parametrize(
    "said",
    [
        "Where is W2378156?",
        "where is w2378156",
        "Where is order W-2378156?",
        "Where is order W 237 8156?",
        "Where is order number 2378156?",
    ],
)
def test_a_name_that_the_user_has_told_in_any_spelling_is_not_invented(said: str) -> None:
    assert invented_argument(_asked(said, _look("W2378156"))) is None


@pytest.mark.parametrize(
    "before",
    [
        call("list", "list_orders", {}, [{"id": "W2378156"}], start_ns=2_000),
        call("list", "list_orders", {}, {"W2378156": {"state": "open"}}, start_ns=2_000),
        call("find", "find", {}, None, kind="retrieval", output={"documents": [{"text": "W2378156"}]}),
        model("say", said="Is it W2378156?", start_ns=2_000),
        model("ask", input={"messages": [{"role": "system", "content": "Orders: W2378156"}]}, start_ns=2_000),
        step("load", output={"value": "W2378156"}, start_ns=2_000),
        step("load", metadata={"order": "W2378156"}, start_ns=2_000),
    ],
)
def test_a_name_that_another_step_has_brought_in_is_not_invented(before: Span) -> None:
    assert invented_argument(_asked("Where is my parcel?", before, _look("W2378156"))) is None


@pytest.mark.parametrize(
    "before",
    [
        call("list", "list_orders", {"order_id": "W2378156"}, "none", start_ns=5_000),
        call("list", "list_orders", {}, [{"id": "W2378156"}], start_ns=5_000),
        model("ask", tools=("get_order",), start_ns=3_000),
    ],
)
def test_what_comes_later_or_is_only_asked_for_vouches_for_nothing(before: Span) -> None:
    assert the(invented_argument(_asked("Where is my parcel?", before, _look("W2378156")))).span_id == "look"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("date", "2024-05-20"),
        ("arrival_no", "20240520T1200"),
        ("size_no", "38mm"),
        ("number", "150"),
        ("amount", "W2378156"),
        ("query", "hiking backpack 40l"),
        ("request_id", "req-20240520-17"),
        ("idempotency_key", "W2378156"),
        ("customer", "gold"),
        ("currency_code", "USD2"),
        ("id", "0f8fad5b-d9cb-469f-a165-70867728950e"),
        ("thought", "The order W2378156 may be it"),
        ("version_no", "v2.10.3"),
        ("quarter_ref", "Q3-2024"),
        ("order_id", "the 12th or the 13th"),
    ],
)
def test_dates_amounts_words_and_what_a_caller_makes_up_are_no_names(key: str, value: str) -> None:
    assert invented_argument(_asked("Where is my parcel?", _look(value, key))) is None


def test_a_guess_that_was_refused_and_put_right_has_done_no_harm() -> None:
    guess = failed_call("guess", "get_order", "not found", {"order_id": "W0000001"}, start_ns=2_000)

    assert invented_argument(_asked("Where is W2378156?", guess, _look("W2378156"))) is None
    assert the(invented_argument(_asked("Where is W2378156?", guess))).span_id == "guess"


def test_a_run_that_tells_no_request_has_nothing_to_compare() -> None:
    assert invented_argument(capture(root(input=None, evaluations=JUDGED), _look("W2378156"))) is None


def test_a_run_whose_texts_were_withheld_has_nothing_to_compare() -> None:
    told = trace(root(input={"value": "Where is W2378156?"}, evaluations=JUDGED), _look("W2378156"))
    policy = FreeTextPolicy(default=FreeText.WITHHOLD)

    withheld = capture_of(told, rules=SignalRules(), redaction=Redaction(SALT, free_text=policy))

    assert invented_argument(withheld) is None
