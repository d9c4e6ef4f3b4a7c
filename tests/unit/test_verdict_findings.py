"""Steps that an evaluation of their own has failed."""

from shared.domain.taxonomy import FailureType as F
from tests.unit.build import call, capture, model, root, verdict
from tests.unit.found import judged_step, the

JUDGED = capture(
    root(),
    model(
        "ask",
        tools=("refund",),
        evaluations={"tool_selection": verdict(reasoning="The user asked for an exchange.")},
    ),
)


def test_a_step_that_its_own_evaluation_fails_is_blamed_with_the_reasoning() -> None:
    finding = the(judged_step(JUDGED))

    assert (finding.failure_type, finding.span_id) == (F.WRONG_TOOL, "ask")
    assert finding.quote == "The user asked for an exchange."
    assert "refund" in finding.reason


def test_a_tool_call_that_its_own_evaluation_fails_is_blamed() -> None:
    judged = call("pay", "refund", evaluations={"tool_argument_correctness": verdict(reasoning="wrong item")})

    finding = the(judged_step(capture(root(), judged)))

    assert (finding.failure_type, finding.span_id) == (F.WRONG_ARGUMENTS, "pay")


def test_a_verdict_on_the_whole_run_blames_no_step() -> None:
    judged = root(evaluations={"goal_completeness": verdict()})

    assert judged_step(capture(judged, model("ask", tools=("refund",)))) is None


def test_a_verdict_on_a_step_that_calls_nothing_blames_no_step() -> None:
    assert judged_step(capture(root(), model("say", said="x", evaluations={"toxicity": verdict()}))) is None


def test_a_step_that_passed_is_not_blamed() -> None:
    passed = model("ask", tools=("refund",), evaluations={"tool_selection": verdict("pass")})

    assert judged_step(capture(root(status="error"), passed)) is None


def test_a_verdict_without_a_reason_is_quoted_from_the_step() -> None:
    judged = call("pay", "refund", {"id": "x"}, evaluations={"tool_selection": verdict()})

    assert the(judged_step(capture(root(), judged))).quote == "null"
