"""The eval test that is drafted from one failing run: what it replays, and what it asks for."""

import pytest

from functions.extract.extraction import pattern_of
from functions.generate.eval_tests import draft_eval_test
from shared.domain.artifacts import EvalTest, NotOffers, Rubric, ToolCalledAtMost, ToolNotCalled
from shared.domain.spans import Evaluation, Span
from tests.unit.build import call, capture, failed_call, model, root, step, verdict


def _draft(*spans: Span) -> EvalTest:
    told = capture(*spans)
    return draft_eval_test(pattern_of(told), told)


def _judged(label: str, reasoning: str | None = None) -> EvalTest:
    said = Evaluation(value="bad", assessment="fail", reasoning=reasoning)
    asked = {"value": "Which card and contact did I use?"}
    return _draft(root(input=asked, evaluations={label: said}), model("say", said="The one of Jane."))


def _rubric(test: EvalTest) -> str:
    [rubric] = test.assertions
    assert isinstance(rubric, Rubric)
    return rubric.value


@pytest.mark.parametrize("label", ["sensitive_data", "toxicity", "hallucination", "topic_relevancy"])
def test_doing_what_was_asked_is_no_way_to_pass_where_that_was_the_failure(label: str) -> None:
    said = _rubric(_judged(label))

    assert "is done" not in said
    assert "To decline is right" in said
    assert f"the evaluation {label} fails" in said


def test_a_task_that_was_left_undone_is_to_be_done() -> None:
    assert "What the user asked for is done" in _rubric(_judged("goal_completeness"))


@pytest.mark.parametrize("label", ["faithfulness", "goal_completeness"])
def test_a_judge_is_told_what_the_evaluator_saw(label: str) -> None:
    assert "it named a refund that was never made" in _rubric(
        _judged(label, "it named a refund that was never made")
    )


def test_a_replayed_call_fails_with_the_error_that_the_run_met() -> None:
    failed = step(
        "x",
        kind="tool",
        name="check_line",
        status="error",
        input={"value": '{"line": 7}'},
        extra={"error": {"type": "ReadTimeout", "message": "the line check did not answer"}},
    )

    [recorded] = _draft(root(), failed).recorded_calls

    assert (recorded.tool, recorded.arguments) == ("check_line", {"line": 7})
    assert (recorded.status, recorded.result) == ("error", "the line check did not answer")


def test_rules_that_know_the_step_give_typed_assertions() -> None:
    loop = [call(f"c{n}", "get_order", {"id": "W1"}, "pending", start_ns=2_000 + n) for n in range(4)]
    judged = step("a", kind="tool", name="refund", evaluations={"tool_selection": verdict()})

    assert _draft(root(status="error"), *loop).assertions == (ToolCalledAtMost(tool="get_order", limit=2),)
    assert _draft(root(), judged).assertions == (ToolNotCalled(tool="refund"),)


def test_an_error_is_to_be_owned_up_to() -> None:
    failed = failed_call("x", "get_quote", "503 Service Unavailable")

    assert "When get_quote fails, the answer says plainly" in _rubric(_draft(root(), failed))


def test_an_item_that_cannot_be_had_is_not_to_be_offered() -> None:
    shelf = call("a", "find", {}, {"items": [{"name": "Alpine Tent 2", "status": "discontinued"}]})
    offered = model("say", said="Take the Alpine Tent 2!", start_ns=9_000)

    [assertion] = _draft(
        root(output={"value": "Take the Alpine Tent 2!"}, status="error"), shelf, offered
    ).assertions

    assert isinstance(assertion, NotOffers)
    assert assertion.value == "Alpine Tent 2"
