"""Errors: what was never mended is blamed, at the deepest and earliest step that explains the others."""

import json

import pytest

from functions.extract.findings import error_template, type_of_error
from shared.domain.captures import Capture
from shared.domain.spans import Span
from shared.domain.taxonomy import FailureType
from tests.unit.build import ROOT_ID, call, capture, failed_call, model, root, step, verdict
from tests.unit.found import the, unrecovered_error

F = FailureType
FAILED = capture(root(), failed_call("pay", "refund", "503 service unavailable"))


def _error(kind: str = "", message: str = "", **more: object) -> dict[str, object]:
    told = {"type": kind, "message": message, **more}
    return {"error": {key: value for key, value in told.items() if value}}


def _failing(span_id: str, kind: str, at: int, error: dict[str, object], **fields: object) -> Span:
    told = {"name": f"{kind}-step", "status": "error", "extra": error, "output": None, **fields}
    return step(span_id, kind=kind, start_ns=2_000 + at, **told)


def test_a_tools_error_that_nothing_mends_is_blamed() -> None:
    finding = the(unrecovered_error(FAILED))

    assert (finding.failure_type, finding.span_id) == (F.INFRASTRUCTURE_ERROR, "pay")
    assert finding.quote == "503 service unavailable"


def test_a_tool_that_succeeds_afterwards_has_recovered() -> None:
    mended = call("again", "refund", {}, "done", start_ns=9_000)

    assert unrecovered_error(capture(root(), failed_call("pay", "refund", "503"), mended)) is None


def test_a_success_before_the_error_mends_nothing() -> None:
    before = call("before", "refund", {}, "done", start_ns=1_500)

    assert (
        the(unrecovered_error(capture(root(), before, failed_call("pay", "refund", "503")))).span_id == "pay"
    )


def test_another_tools_success_mends_nothing() -> None:
    other = call("other", "get_order", {}, "done", start_ns=9_000)

    assert unrecovered_error(capture(root(), failed_call("pay", "refund", "503"), other)) is not None


def test_the_first_of_several_errors_is_blamed() -> None:
    errors = [failed_call(f"e{at}", "refund", f"error {at}", start_ns=2_000 + at) for at in range(3)]

    assert the(unrecovered_error(capture(root(), *errors))).span_id == "e0"


@pytest.mark.parametrize(
    ("text", "failure_type"),
    [
        ("503 service unavailable", F.INFRASTRUCTURE_ERROR),
        ("the request timed out", F.INFRASTRUCTURE_ERROR),
        ("Connection refused", F.INFRASTRUCTURE_ERROR),
        ("HTTP 500", F.INFRASTRUCTURE_ERROR),
        ("429 Too Many Requests", F.RATE_LIMITED),
        ("rate limit exceeded, 503", F.RATE_LIMITED),
        ("Error: order W4290 not found", F.WRONG_ARGUMENTS),
        ("field 'size' is required", F.WRONG_ARGUMENTS),
        ("order 15031 not found", F.WRONG_ARGUMENTS),
    ],
)
def test_an_errors_text_says_whose_fault_it_was(text: str, failure_type: FailureType) -> None:
    assert type_of_error(failed_call("pay", "refund", text)) is failure_type


def test_an_error_inside_json_is_read() -> None:
    assert (
        type_of_error(failed_call("pay", "refund", json.dumps({"error": "timeout"})))
        is F.INFRASTRUCTURE_ERROR
    )


def test_an_error_beside_the_output_is_read() -> None:
    error = {"message": "503 unavailable", "type": "HTTPError"}
    broken = call("pay", "refund", status="error", output=None, extra={"error": error})

    assert type_of_error(broken) is F.INFRASTRUCTURE_ERROR


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order #W2378156 not found", "order #W0000001 not found"),
        ("Timeout after 30s", "timeout after 5s"),
        ("user u_20409 has no cart", "user u_7 has no cart"),
        ("<EMAIL_1> is unknown", "<EMAIL_2> is unknown"),
    ],
)
def test_errors_that_differ_by_numbers_have_one_template(one: str, other: str) -> None:
    assert error_template(one) == error_template(other)


def test_errors_that_say_something_else_have_templates_of_their_own() -> None:
    texts = ["order W1 not found", "order W1 was cancelled", "user W1 not found", ""]

    assert len({error_template(text) for text in texts}) == len(texts)


@pytest.mark.parametrize("kind", ["llm", "retrieval", "embedding", "tool", "workflow", "agent", "task"])
def test_an_error_of_any_kind_of_step_is_blamed(kind: str) -> None:
    finding = the(
        unrecovered_error(capture(root(), _failing("x", kind, 0, _error("ReadTimeout", "too slow"))))
    )

    assert (finding.span_id, finding.failure_type) == ("x", F.INFRASTRUCTURE_ERROR)
    assert finding.quote == "too slow"


def _chain(**deepest: object) -> Capture:
    error = _error("RateLimitError", "429: try later")
    return capture(
        root(status="error", extra=error),
        _failing("flow", "workflow", 0, error),
        _failing("agent", "agent", 1, error, parent_id="flow"),
        _failing("model", "llm", 2, error, parent_id="agent", **deepest),
    )


def test_the_deepest_step_explains_those_above_that_repeat_its_error() -> None:
    finding = the(unrecovered_error(_chain()))

    assert (finding.span_id, finding.failure_type) == ("model", F.RATE_LIMITED)
    assert "3 steps above" in finding.reason


def test_a_model_that_answers_at_the_second_try_is_not_blamed() -> None:
    first = _failing("first", "llm", 0, _error("RateLimitError", "429"))

    assert (
        unrecovered_error(capture(root(), first, model("second", said="Here you are.", start_ns=3_000)))
        is None
    )


def test_another_model_that_steps_in_has_mended_the_error() -> None:
    first = _failing("first", "llm", 0, _error("RateLimitError", "429"), name="big-model")

    assert (
        unrecovered_error(capture(root(), first, model("b", said="Yes.", name="small", start_ns=3_000)))
        is None
    )


def test_a_mended_error_does_not_hide_the_one_that_ended_the_run() -> None:
    told = capture(
        root(status="error", extra=_error("ReadTimeout", "gone")),
        failed_call("one", "get_order", "500", start_ns=2_000),
        call("two", "get_order", {}, "shipped", start_ns=2_100),
        _failing("three", "llm", 500, _error("ReadTimeout", "gone")),
    )

    assert the(unrecovered_error(told)).span_id == "three"


def test_an_error_within_a_tool_that_gives_its_result_was_mended_there() -> None:
    inner = _failing("http", "task", 10, _error("ReadTimeout", "slow"), parent_id="pay")

    assert unrecovered_error(capture(root(), call("pay", "refund", {}, "done"), inner)) is None


def test_of_two_errors_the_one_that_reached_the_top_is_blamed() -> None:
    told = capture(
        root(status="error", extra=_error("ReadTimeout", "gone")),
        step("flow", kind="workflow", start_ns=1_500),
        _failing("side", "embedding", 0, _error("ValueError", "no text"), parent_id="flow"),
        _failing("fatal", "llm", 5, _error("ReadTimeout", "gone")),
    )

    assert the(unrecovered_error(told)).span_id == "fatal"


def test_an_error_of_the_run_as_a_whole_is_blamed_where_it_says_what_it_is() -> None:
    finding = the(
        unrecovered_error(capture(root(status="error", extra=_error("GraphRecursionError", "limit"))))
    )

    assert (finding.span_id, finding.failure_type, finding.quote) == (ROOT_ID, F.RUNAWAY_LOOP, "limit")


def test_a_run_that_only_says_that_it_failed_has_no_step_to_blame() -> None:
    assert unrecovered_error(capture(root(status="error"))) is None


def test_what_an_agent_answers_is_no_word_about_its_error() -> None:
    told = root(
        status="error", output={"value": "RateLimitError: sorry"}, extra=_error("AuthenticationError")
    )

    assert the(unrecovered_error(capture(told))).failure_type is F.CLIENT_ERROR


def test_a_tool_that_declines_is_no_failure_when_the_user_is_told() -> None:
    declined = failed_call("book", "book_seat", "Error: no seat 12C on this train", start_ns=2_000)
    told = model("say", said="There is no seat 12C, shall I take another?", start_ns=3_000)

    for assessment in ("pass", "fail"):
        judged = root(evaluations={"goal_completeness": verdict(assessment)})

        assert unrecovered_error(capture(judged, declined, told)) is None


def test_a_tool_that_declines_is_blamed_where_nothing_else_is_known_of_the_failure() -> None:
    declined = failed_call("book", "book_seat", "Error: no seat 12C on this train", start_ns=2_000)
    told = model("say", said="There is no seat 12C, shall I take another?", start_ns=3_000)

    assert the(unrecovered_error(capture(root(), declined, told))).span_id == "book"


def test_a_tool_that_declines_is_a_failure_when_the_application_just_goes_on() -> None:
    declined = failed_call("book", "book_seat", "Error: no seat 12C on this train", start_ns=2_000)
    on = model("go", tools=("think",), start_ns=3_000)
    said = model("say", said="All done.", start_ns=4_000)
    judged = root(evaluations={"goal_completeness": verdict()})

    assert the(unrecovered_error(capture(judged, declined, on, said))).span_id == "book"


def test_a_services_fault_is_a_failure_though_the_user_is_told() -> None:
    down = failed_call("book", "book_seat", "503 service unavailable", start_ns=2_000)
    told = model("say", said="Our booking system is down.", start_ns=3_000)

    assert the(unrecovered_error(capture(root(), down, told))).failure_type is F.INFRASTRUCTURE_ERROR


def test_a_ring_of_parents_is_no_endless_walk() -> None:
    one = _failing("one", "task", 0, _error("ReadTimeout", "slow"), parent_id="two")
    two = _failing("two", "task", 1, _error("ReadTimeout", "slow"), parent_id="one")

    assert unrecovered_error(capture(root(), one, two)) is None


def test_errors_of_one_class_have_one_signature_whatever_they_say() -> None:
    told = [
        the(unrecovered_error(capture(root(), _failing("x", "llm", 0, _error(kind, message))))).stable
        for kind, message in (("RateLimitError", "wait 3 s, Ann"), ("rate_limit", "key sk-1 is over"))
    ]

    assert told == ["llm-step|rate limit error", "llm-step|rate limit"]


def test_a_step_with_an_error_and_no_words_is_quoted_by_its_state() -> None:
    finding = the(unrecovered_error(capture(root(), _failing("x", "tool", 0, {}))))

    assert (finding.failure_type, finding.quote) == (F.LLM_ERROR, "error")


def test_what_a_step_recorded_as_its_error_is_quoted_before_what_it_gave() -> None:
    broken = failed_call("find", "search", "[]", extra={"error": {"message": "the index is closed"}})

    finding = the(unrecovered_error(capture(root(), broken)))

    assert finding.quote == "the index is closed"
