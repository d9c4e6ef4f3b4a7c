"""What a failing run did otherwise than healthy runs of alike requests."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.extract.contrast import TOLD_BY_CONTRAST, VAGUE, contrast_with
from functions.extract.extraction import pattern_of
from functions.extract.findings import Finding
from shared.domain.captures import Capture
from shared.domain.conversation import leaf_texts
from shared.domain.courses import Course
from shared.domain.like_requests import ControlGroup
from shared.domain.patterns import FailurePattern
from shared.domain.spans import Trace
from shared.domain.taxonomy import FailureType
from tests.properties import examples
from tests.unit.build import call, capture, json_values, model, root, step, verdict
from tests.unit.runs import ASKED, SECOND, Done, cancelled, captured, looked, run

F = FailureType


def _healthy(name: str = "h1", order: str = "W1001", **fields: Any) -> Trace:
    return run(name, looked(order), cancelled(order), **fields)


def _failing(*done: Done, **fields: Any) -> Trace:
    return run("f", *done, passed=False, **fields)


def _findings(failing: Trace | Capture, *healthy: Trace, kind: F = F.INCOMPLETE_TASK) -> tuple[Finding, ...]:
    told = captured(failing) if isinstance(failing, Trace) else failing
    return contrast_with(told, Course.of(told), [Course.of(captured(one)) for one in healthy], kind)


def _pattern(failing: Trace, *healthy: Trace) -> FailurePattern:
    return pattern_of(captured(failing), ControlGroup([Course.of(captured(one)) for one in healthy]))


def _rules(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.rule for finding in findings]


# Of an order of its own every run makes a change that none has made: it tells the step, and nothing else.
_OTHER_ORDER = ["unmatched_action"]


def test_a_run_like_the_healthy_ones_is_told_nothing_of() -> None:
    assert _findings(_failing(looked("W1001"), cancelled("W1001")), _healthy()) == ()


def test_without_healthy_runs_nothing_is_told() -> None:
    assert _findings(_failing(Done("delete_account", {}), seconds=9000)) == ()


def test_a_call_that_no_healthy_run_makes_is_an_unwanted_action() -> None:
    [told] = _findings(_failing(looked("W1001"), cancelled("W1001"), Done("refund", {"eur": 9})), _healthy())

    assert (told.rule, told.failure_type, told.span_id) == ("strange_action", F.UNWANTED_ACTION, "do-2")
    assert "refund" in told.reason
    assert told.quote == '{"eur": 9}'


def test_a_call_with_another_argument_names_and_quotes_it() -> None:
    strange = cancelled("W1001", reason="no longer needed")

    [told] = _findings(_failing(looked("W1001"), strange), _healthy(order="W2002"))

    assert (told.rule, told.failure_type, told.span_id) == ("strange_arguments", F.WRONG_ARGUMENTS, "do-1")
    assert "with other order, reason than" in told.reason


def test_of_the_same_order_only_the_argument_that_differs_is_named() -> None:
    strange = cancelled("W1001", reason="no longer needed")

    [told] = _findings(_failing(looked("W1001"), strange), _healthy(order="W1001"))

    assert "with other reason than" in told.reason
    assert told.quote == '"reason": "no longer needed"}'


def test_an_argument_is_quoted_also_where_the_tracer_gave_an_object() -> None:
    asked = [root(input={"value": ASKED}, evaluations={"goal_completeness": verdict("fail")})]
    called = call("c", "cancel_order", start_ns=3000)
    native = called.model_copy(update={"input": {"order": "W1001", "reason": "no longer needed"}})

    [told] = _findings(capture(*asked, native), run("h", cancelled("W1001")))

    assert told.rule == "strange_arguments"
    assert told.quote == "no longer needed"


def test_a_change_that_stands_alone_for_its_order_keeps_the_known_kind() -> None:
    """All is usual but for the order, and whether that is the right one is not told."""
    for kind in (F.QUALITY_DEGRADATION, F.WRONG_TOOL):
        [told] = _findings(_failing(looked("W1001"), cancelled("W1001")), _healthy(order="W2002"), kind=kind)

        assert (told.rule, told.failure_type, told.span_id) == ("unmatched_action", kind, "do-1")
        assert told.quote == '{"order": "W1001", "reason": "by mistake"}'


def test_before_a_strange_change_an_unmatched_one_is_of_its_kind() -> None:
    strange = Done("refund", {"eur": 9})

    told = _findings(_failing(looked("W1001"), cancelled("W1001"), strange), _healthy(order="W2002"))

    assert [(one.rule, one.failure_type) for one in told] == [
        ("unmatched_action", F.UNWANTED_ACTION),
        ("strange_action", F.UNWANTED_ACTION),
    ]


def test_what_healthy_runs_of_others_do_is_no_excuse_for_the_same_order() -> None:
    same = run("h1", looked("W1001"), cancelled("W1001"))

    told = _findings(_failing(looked("W1001"), cancelled("W1001"), cancelled("W1002")), same)

    assert _rules(told) == ["strange_arguments"]
    assert "with other order than" in told[0].reason


@pytest.mark.parametrize(
    "named", [("W1001", "W2002"), ("<ID_1>", "<ID_1>"), ("user_abcdefghijklmnop", "user_ponmlkjihgfedcba")]
)
def test_two_users_may_differ_in_whom_and_what_they_name(named: tuple[str, str]) -> None:
    one, other = named

    told = _findings(_failing(looked(one), cancelled(one)), _healthy(order=other))

    assert _rules(told) == ([] if one == other else _OTHER_ORDER)


def test_two_users_are_not_about_the_same_for_having_one_address_each() -> None:
    """Every trace's first address is <EMAIL_1>."""

    def changing(order: str) -> tuple[Done, ...]:
        return Done("find_user", {"email": "<EMAIL_1>"}), cancelled(order)

    assert _rules(_findings(_failing(*changing("W1001")), run("h", *changing("W2002")))) == _OTHER_ORDER


def test_a_change_before_the_user_has_said_yes_is_early() -> None:
    healthy = [_healthy("h1"), _healthy("h2", "W2002"), _healthy("h3", "W2003")]

    [told] = _findings(_failing(looked("W1001"), cancelled("W1001", said="")), *healthy)

    assert (told.rule, told.failure_type, told.span_id) == ("early_action", F.UNWANTED_ACTION, "do-1")
    assert "before the user has confirmed it" in told.reason


def test_a_haste_leads_before_a_change_that_is_only_of_another_order() -> None:
    healthy = [_healthy(f"h{number}", f"W200{number}") for number in range(3)]

    rules = _rules(_findings(_failing(looked("W1001"), cancelled("W1001", said="")), *healthy))

    assert rules == ["early_action", "unmatched_action"]


@pytest.mark.parametrize("said", ["", "Which one?"])
def test_what_one_healthy_run_waits_for_is_no_habit(said: str) -> None:
    failing = _failing(looked("W1001"), cancelled("W1001", said=said))
    unasked = run("h3", looked("W1001"), cancelled("W1001", said=""))

    assert _findings(failing, _healthy()) == ()
    assert _findings(failing, _healthy(), _healthy("h2", "W2004"), unasked) == ()


def test_a_change_without_the_look_that_healthy_runs_take_is_early() -> None:
    [told] = _findings(_failing(cancelled("W1001")), _healthy(), _healthy("h2", "W2003"))

    assert (told.rule, told.failure_type, told.span_id) == ("early_action", F.UNWANTED_ACTION, "do-0")
    assert "without get_order" in told.reason


def test_a_look_that_only_some_take_is_no_habit() -> None:
    assert _findings(_failing(cancelled("W1001")), _healthy(), run("h2", cancelled("W1001"))) == ()


def test_a_look_that_failed_was_no_look() -> None:
    blind = looked("W1001")._replace(failed=True)

    assert _rules(_findings(_failing(blind, cancelled("W1001")), _healthy(), _healthy("h2", "W2003"))) == [
        "early_action"
    ]


def test_a_change_that_is_left_out_is_an_incomplete_task() -> None:
    [told] = _findings(_failing(looked("W1001"), answer="I cannot do that."), _healthy())

    assert (told.rule, told.failure_type, told.span_id) == ("missing_action", F.INCOMPLETE_TASK, "say")
    assert "cancel_order is not called" in told.reason
    assert told.quote == "I cannot do that."


def test_of_the_same_order_a_call_of_the_tool_for_another_is_missed() -> None:
    nearest = run("h", cancelled("W1001"), cancelled("W1002"))

    assert _rules(_findings(_failing(cancelled("W1001")), nearest)) == ["missing_action"]
    assert _rules(_findings(_failing(cancelled("W1003")), nearest)) == _OTHER_ORDER


def test_a_missing_action_is_quoted_from_the_step_that_it_names() -> None:
    """Where no step of a model and not the root has answered, nobody's words are quoted."""
    heard = model("m", input={"messages": [{"role": "user", "content": ASKED}, _ASSISTANT]}, output=None)
    told = capture(root(output=None, evaluations={"goal_completeness": verdict("fail")}), heard)

    [finding] = _findings(told, _healthy())

    assert finding.rule == "missing_action"
    assert (finding.span_id, finding.quote) == ("root", "")


_ASSISTANT = {"role": "assistant", "content": "How can I help?"}


def test_a_strange_call_explains_a_missing_one() -> None:
    assert _rules(_findings(_failing(looked("W1001"), Done("refund", {"eur": 9})), _healthy())) == [
        "strange_action"
    ]


def test_a_run_that_takes_very_long_blames_its_slowest_step() -> None:
    slow = _failing(looked("W1001"), cancelled("W1001"), seconds=31)
    spans = [
        one.model_copy(update={"duration_ns": 20 * SECOND}) if one.span_id == "do-0" else one
        for one in slow.spans
    ]

    [told] = _findings(Trace.of("f", spans), _healthy(), _healthy("h2", seconds=4.1))

    assert (told.rule, told.failure_type, told.span_id) == ("slow_run", F.LATENCY, "do-0")
    assert "takes 31 s, healthy runs of alike requests 4 s at most" in told.reason


@pytest.mark.parametrize("seconds", [29.9, 13.0, 0.0])
def test_a_run_that_takes_a_little_longer_is_not_slow(seconds: float) -> None:
    done = looked("W1001"), cancelled("W1001")

    assert _findings(_failing(*done, seconds=seconds), _healthy(), _healthy("h2", seconds=0.1)) == ()


def test_a_run_of_very_many_steps_is_held_against_others_in_no_time() -> None:
    steps = [step(f"s{n}", start_ns=4000 + n) for n in range(20_000)]
    told = captured(_failing(looked("W1001"), seconds=9000))

    many = told.model_copy(update={"spans": (*told.spans, *steps)})

    started = time.process_time()
    assert _rules(_findings(many, _healthy())) == ["missing_action", "slow_run"]
    assert time.process_time() - started < 3


def test_a_vague_kind_gives_way_to_what_the_comparison_tells() -> None:
    pattern = _pattern(_failing(looked("W1001"), cancelled("W1001"), Done("refund", {"eur": 9})), _healthy())

    assert pattern.failure_types == (F.UNWANTED_ACTION, F.INCOMPLETE_TASK)
    assert (pattern.failing_span_id, pattern.confidence) == ("do-2", 0.6)
    assert pattern.title.startswith("Unwanted action: refund is called")


def test_a_kind_that_is_told_leads_and_gains_the_step() -> None:
    failing = _failing(
        looked("W1001"), cancelled("W1001"), Done("refund", {"eur": 9}), label="tool_selection"
    )

    pattern = _pattern(failing, _healthy())

    assert pattern.failure_types == (F.WRONG_TOOL, F.UNWANTED_ACTION)
    assert pattern.failing_span_id == "do-2"
    assert pattern.title.startswith("Wrong tool: refund is called")


def test_a_kind_that_says_enough_is_held_against_nobody() -> None:
    failing = _failing(looked("W1001"), Done("refund", {"eur": 9}), label="toxicity")

    pattern = _pattern(failing, _healthy())

    assert F.TOXICITY not in TOLD_BY_CONTRAST
    assert (pattern.failure_types, pattern.references) == ((F.TOXICITY,), None)


def test_a_pattern_names_the_runs_that_it_was_held_against_also_where_they_tell_nothing() -> None:
    failing, healthy = _failing(looked("W1001"), cancelled("W1001")), _healthy()

    assert _pattern(failing, healthy).references == (Course.of(captured(healthy)).reference,)
    assert _pattern(failing).references == ()
    assert _pattern(failing, healthy).failure_types == (F.INCOMPLETE_TASK,)


_DONE = st.builds(
    Done,
    tool=st.sampled_from(["get_order", "cancel_order", "refund", "t" * 500]),
    arguments=st.fixed_dictionaries(
        {}, optional={"order": st.sampled_from(["W1001", "W2002"]), "x": json_values}
    ),
    said=st.sampled_from(["", "yes", "no"]),
    failed=st.booleans(),
)


@examples(150)
@given(
    st.lists(_DONE, max_size=4),
    st.lists(st.lists(_DONE, max_size=4), max_size=3),
    st.sampled_from(sorted(VAGUE)),
    st.sampled_from([0.0, 1.0, 900.0]),
    st.sampled_from(["", "All done."]),
)
def test_every_quote_stands_verbatim_in_its_step_and_the_group_stays(
    done: list[Done], others: list[list[Done]], kind: F, seconds: float, answer: str
) -> None:
    failing = _failing(*done, label=kind.value, seconds=seconds, answer=answer)
    told = captured(failing)
    healthy = [run(f"h{at}", *one) for at, one in enumerate(others)]

    for finding in _findings(told, *healthy, kind=kind):
        span = told.span(finding.span_id)
        assert span is not None
        assert any(finding.quote in text for text in ["", *leaf_texts([span.input, span.output])])
    pattern, alone = _pattern(failing, *healthy), pattern_of(told)
    assert (pattern.signature, pattern.gist, pattern.group_id) == (
        alone.signature,
        alone.gist,
        alone.group_id,
    )
    assert pattern.signature.failure_type is alone.leading_type
    if pattern.references:
        assert pattern.references == _pattern(failing, *reversed(healthy)).references
    assert alone.references in (None, ())
