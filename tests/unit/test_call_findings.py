"""Loops: equal calls made over and over, alone or in turn."""

from functions.extract.rules.calls import LOOP_CALLS, RETRIES, ROUNDS
from shared.domain.captures import Capture
from shared.domain.taxonomy import FailureType as F
from tests.unit.build import call, capture, failed_call, root
from tests.unit.found import alternating_calls, repeated_call, the, unrecovered_error


def _loop(calls: int = LOOP_CALLS, **fields: object) -> Capture:
    looped = [
        call(f"c{at}", "get_cart", {"page": 1}, "empty", start_ns=2_000 + at, **fields) for at in range(calls)
    ]
    return capture(root(status="error"), *looped)


def _in_turn(rounds: int, *, page: bool = False) -> Capture:
    names = ["get_cart", "list_offers"] * rounds
    return capture(
        root(),
        *(
            call(f"c{at}", name, {"page": at if page else 1}, "empty", start_ns=2_000 + at)
            for at, name in enumerate(names)
        ),
    )


def test_the_third_equal_call_is_blamed() -> None:
    finding = the(repeated_call(_loop(LOOP_CALLS + 2)))

    assert (finding.failure_type, finding.span_id) == (F.RUNAWAY_LOOP, f"c{LOOP_CALLS - 1}")
    assert finding.quote == '{"page": 1}'


def test_one_retry_is_no_loop() -> None:
    assert repeated_call(_loop(LOOP_CALLS - 1)) is None


def test_calls_with_other_arguments_are_no_loop() -> None:
    pages = [call(f"c{at}", "get_cart", {"page": at}, "x") for at in range(LOOP_CALLS)]

    assert repeated_call(capture(root(), *pages)) is None


def test_calls_of_other_tools_are_no_loop() -> None:
    tools = [call(f"c{at}", f"get_{at}", {"page": 1}, "x") for at in range(LOOP_CALLS)]

    assert repeated_call(capture(root(), *tools)) is None


def test_arguments_are_equal_whatever_the_order_of_their_keys() -> None:
    spellings = ['{"a": 1, "b": 2}', '{"b": 2, "a": 1}', '{"b":2,"a":1}']
    calls = [call(f"c{at}", "get_cart", input={"value": text}) for at, text in enumerate(spellings)]

    assert repeated_call(capture(root(), *calls)) is not None


def test_equal_steps_that_are_no_tool_calls_are_no_loop() -> None:
    assert repeated_call(_loop(kind="task")) is None


def test_the_number_of_equal_calls_is_no_part_of_the_signature() -> None:
    assert the(repeated_call(_loop(3))).stable == the(repeated_call(_loop(9))).stable


def test_trying_again_after_a_services_fault_is_no_loop_but_an_error() -> None:
    tries = [
        failed_call(f"c{at}", "get_cart", "503 unavailable", start_ns=2_000 + at) for at in range(RETRIES - 1)
    ]

    assert repeated_call(capture(root(), *tries)) is None
    assert the(unrecovered_error(capture(root(), *tries))).span_id == "c0"


def test_trying_again_without_end_is_a_loop() -> None:
    tries = [
        failed_call(f"c{at}", "get_cart", "503 unavailable", start_ns=2_000 + at) for at in range(RETRIES)
    ]

    assert the(repeated_call(capture(root(), *tries))).span_id == f"c{RETRIES - 1}"


def test_two_calls_that_take_turns_are_blamed_at_the_last_rounds_end_as_one_loop() -> None:
    told = _in_turn(ROUNDS)

    finding = the(alternating_calls(told))

    assert (finding.failure_type, finding.span_id) == (F.RUNAWAY_LOOP, "c4")
    assert finding.stable == "get_cart<>list_offers"
    assert repeated_call(told) is None


def test_two_rounds_are_no_loop() -> None:
    assert alternating_calls(_in_turn(ROUNDS - 1)) is None


def test_calls_in_turn_with_other_arguments_are_no_loop() -> None:
    assert alternating_calls(_in_turn(ROUNDS, page=True)) is None


def test_one_call_alone_does_not_take_turns() -> None:
    assert alternating_calls(_loop(2 * ROUNDS)) is None


def test_turns_that_something_else_interrupts_are_counted_anew() -> None:
    names = ["a_tool", "b_tool", "a_tool", "b_tool", "other", "a_tool", "b_tool"]
    calls = [call(f"c{at}", name, {}, "x", start_ns=2_000 + at) for at, name in enumerate(names)]

    assert alternating_calls(capture(root(), *calls)) is None
