"""What says that a trace went wrong, and what does not."""

from typing import Any

import pytest
from pydantic import JsonValue

from shared.domain.signals import Signal, SignalRules, signals_of, was_evaluated
from shared.domain.spans import Evaluation, Span
from shared.domain.taxonomy import FailureType, Severity
from tests.unit.build import ROOT_ID, root, step, trace, verdict

RULES = SignalRules()
F = FailureType


def _signals(*spans: Span, rules: SignalRules = RULES) -> tuple[Signal, ...]:
    return signals_of(trace(*spans), rules)


def _types(*spans: Span, rules: SignalRules = RULES) -> list[FailureType]:
    return [signal.failure_type for signal in _signals(*spans, rules=rules)]


def _judged(label: str, value: JsonValue = None, assessment: str | None = None) -> Span:
    return root(evaluations={label: verdict(assessment, value)})


FLAGGED: dict[str, tuple[Span, FailureType]] = {
    "400 in a tag": (root(tags=("http.status_code:400",)), F.CLIENT_ERROR),
    "404 in metadata": (root(metadata={"http.status_code": 404}), F.CLIENT_ERROR),
    "404 in nested metadata": (root(metadata={"http": {"status_code": 404}}), F.CLIENT_ERROR),
    "499 in a tag": (root(tags=("http_status_code:499",)), F.CLIENT_ERROR),
    "500 in a tag": (root(tags=("http.status_code:500",)), F.INFRASTRUCTURE_ERROR),
    "503 as a text": (root(metadata={"status_code": "503"}), F.INFRASTRUCTURE_ERROR),
    "503 in a span's own http": (root(extra={"http": {"status_code": 503}}), F.INFRASTRUCTURE_ERROR),
    "429 in a tag": (root(tags=("HTTP.Status_Code: 429",)), F.RATE_LIMITED),
    "429 in metadata": (root(metadata={"http": {"status_code": 429}}), F.RATE_LIMITED),
    "low quality tag": (root(tags=("quality_score:0.49",)), F.QUALITY_DEGRADATION),
    "low quality metadata": (root(metadata={"llm_obs": {"quality_score": 0.1}}), F.QUALITY_DEGRADATION),
    "low quality metric": (root(metrics={"quality_score": 0.0}), F.QUALITY_DEGRADATION),
    "low quality evaluation": (_judged("quality_score", 0.2), F.QUALITY_DEGRADATION),
    "hallucination found": (_judged("hallucination", "hallucination found"), F.HALLUCINATION),
    "hallucination true": (_judged("hallucination", value=True), F.HALLUCINATION),
    "hallucination as a number": (_judged("hallucination", 1), F.HALLUCINATION),
    "hallucination in a tag": (root(tags=("hallucination:true",)), F.HALLUCINATION),
    "hallucination in metadata": (root(metadata={"evaluations": {"hallucination": True}}), F.HALLUCINATION),
    "prompt injection found": (_judged("prompt_injection", "found"), F.PROMPT_INJECTION),
    "prompt injection in a tag": (root(tags=("prompt_injection:detected",)), F.PROMPT_INJECTION),
    "toxicity at the threshold": (_judged("toxicity", 0.7), F.TOXICITY),
    "toxicity above it": (_judged("output_toxicity", 0.93), F.TOXICITY),
    "toxic": (_judged("input_toxicity", "toxic"), F.TOXICITY),
    "toxicity as a text": (root(tags=("toxicity:0.7",)), F.TOXICITY),
    "toxicity score in metadata": (root(metadata={"toxicity_score": 0.9}), F.TOXICITY),
    "guardrails failed in a tag": (root(tags=("guardrails.failed:true",)), F.GUARDRAIL_FAILURE),
    "guardrails failed in metadata": (root(metadata={"guardrails": {"failed": True}}), F.GUARDRAIL_FAILURE),
    "a failed guardrail": (root(metadata={"guardrail_failed": "yes"}), F.GUARDRAIL_FAILURE),
    "a span's error": (root(status="error"), F.LLM_ERROR),
    "Datadog's own label": (_judged("failure_to_answer", "refusal", "fail"), F.REFUSAL),
    "a status with its phrase": (root(metadata={"status_code": "404 Not Found"}), F.CLIENT_ERROR),
    "a status with its protocol": (root(tags=("http.status_code:HTTP/1.1 500",)), F.INFRASTRUCTURE_ERROR),
    "a status of a response": (
        root(metadata={"http": {"response": {"status_code": 502}}}),
        F.INFRASTRUCTURE_ERROR,
    ),
    "the second of two statuses": (
        root(tags=("http.status_code:200", "http.status_code:500")),
        F.INFRASTRUCTURE_ERROR,
    ),
    "a status that metadata tells otherwise": (
        root(tags=("http.status_code:500",), metadata={"http.status_code": 200}),
        F.INFRASTRUCTURE_ERROR,
    ),
    "low quality in percent": (root(tags=("quality_score:30%",)), F.QUALITY_DEGRADATION),
    "low quality among evaluations": (
        root(metadata={"evaluations": {"quality_score": 0.1}}),
        F.QUALITY_DEGRADATION,
    ),
    "a kind of hallucination": (_judged("hallucination", "Contradiction"), F.HALLUCINATION),
    "a kind of injection": (_judged("prompt_injection", "Jailbreak"), F.PROMPT_INJECTION),
    "a verdict in a tag": (root(tags=("evaluation.brand_voice.assessment:fail",)), F.QUALITY_DEGRADATION),
    "a verdict in the former spelling": (
        root(tags=("evaluation_assessments.tool_selection:fail",)),
        F.WRONG_TOOL,
    ),
    "a verdict in metadata": (
        root(metadata={"evaluation": {"goal_completeness": {"assessment": "failed"}}}),
        F.INCOMPLETE_TASK,
    ),
    "a verdict in the past tense": (_judged("goal_completeness", "x", " Failed "), F.INCOMPLETE_TASK),
    "a guardrail in capitals": (root(tags=("guardrail:FAILED",)), F.GUARDRAIL_FAILURE),
    "a guardrail's status": (root(metadata={"guardrail": {"status": "failed"}}), F.GUARDRAIL_FAILURE),
    "one of many guardrails": (
        root(metadata={"guardrails": [{"result": "passed"}, {"result": "failed"}]}),
        F.GUARDRAIL_FAILURE,
    ),
    "two guardrails that failed": (root(metadata={"guardrails": {"failed": 2}}), F.GUARDRAIL_FAILURE),
    "a guardrail that was evaluated": (_judged("guardrails.failed", "x", "fail"), F.GUARDRAIL_FAILURE),
    "a guardrail by name": (root(metadata={"guardrails": {"pii": "failed"}}), F.GUARDRAIL_FAILURE),
    "a guardrail's result by name": (
        root(metadata={"guardrails": {"pii": {"status": "failed"}}}),
        F.GUARDRAIL_FAILURE,
    ),
    "guardrails that failed, by name": (
        root(metadata={"guardrails": {"failed": ["pii"]}}),
        F.GUARDRAIL_FAILURE,
    ),
    "a status with its colon": (root(tags=("status_code:404: Not Found",)), F.CLIENT_ERROR),
    "low quality of a team's own": (
        root(metadata={"evaluations": {"custom": {"quality_score": 0.1}}}),
        F.QUALITY_DEGRADATION,
    ),
    "low quality as a value": (
        root(metadata={"evaluation": {"quality_score": {"value": 0.1}}}),
        F.QUALITY_DEGRADATION,
    ),
    "a verdict that is false": (
        root(metadata={"evaluation": {"goal_completeness": {"assessment": False}}}),
        F.INCOMPLETE_TASK,
    ),
    "toxicity whose verdict is none": (_judged("toxicity", 0.9, "n/a"), F.TOXICITY),
    "toxicity as an object": (root(metadata={"toxicity": {"value": 0.9}}), F.TOXICITY),
    "told as an evaluation and as a tag": (
        root(evaluations={"hallucination": verdict()}, tags=("hallucination:true",)),
        F.HALLUCINATION,
    ),
    "a label spelled by hand": (_judged("Tool Selection", "wrong", "FAIL"), F.WRONG_TOOL),
    "a label that nobody knows": (_judged("brand_voice", "off", "fail"), F.QUALITY_DEGRADATION),
    "a good value that fails": (_judged("hallucination", "no hallucination", "fail"), F.HALLUCINATION),
}


@pytest.mark.parametrize(("span", "failure_type"), FLAGGED.values(), ids=FLAGGED)
def test_what_flags_a_trace(span: Span, failure_type: FailureType) -> None:
    [signal] = _signals(span)

    assert signal.failure_type is failure_type
    assert signal.span_id == ROOT_ID


SILENT: dict[str, Span] = {
    "nothing": root(),
    "200": root(tags=("http.status_code:200",)),
    "399": root(metadata={"http": {"status_code": 399}}),
    "a status that is a word": root(tags=("status_code:ok",)),
    "a status that is a boolean": root(metadata={"status_code": True}),
    "a status that is a list": root(metadata={"status_code": [500]}),
    "quality at the threshold": root(tags=("quality_score:0.5",)),
    "quality that is a word": root(metadata={"quality_score": "low"}),
    "a status that no float holds": root(metadata={"status_code": 10**400}, tags=("http.status_code:1e999",)),
    "a status that is infinite": root(metadata={"status_code": "inf"}),
    "quality that no float holds": root(metadata={"quality_score": -(10**400)}),
    "quality that is no number": root(metadata={"quality_score": "nan"}),
    "a tag that says false": root(tags=("hallucination:false", "prompt_injection:false")),
    "metadata that says false": root(metadata={"hallucination": False, "prompt_injection": "no"}),
    "no hallucination": _judged("hallucination", "no hallucination"),
    "hallucination passed": _judged("hallucination", True, "pass"),
    "a tag without a value": root(tags=("hallucination",)),
    "a tag of another key": root(tags=("no_hallucination:true", "hallucination_check:true")),
    "toxicity below the threshold": _judged("toxicity", 0.69),
    "toxicity that is no number": _judged("toxicity", "nan"),
    "toxicity passed": _judged("output_toxicity", 0.9, "pass"),
    "there is a guardrail": _judged("guardrail", True),
    "a guardrail's result that is true": _judged("guardrail_result", True),
    "guardrails by name": root(metadata={"guardrails": {"pii": "passed", "failed": []}}),
    "many guardrails": root(metadata={"guardrails": ["pii", "toxicity"]}),
    "a try that was mended": root(metadata={"http": [{"status_code": 500}, {"status_code": 200}]}),
    "no guardrail failed": root(metadata={"guardrails": {"failed": 0, "status": "passed"}}),
    "a number that only begins like a status": root(metadata={"status_code": "5001"}),
    "a status beyond all": root(metadata={"status_code": 600}),
    "a verdict in a tag that passes": root(tags=("evaluation.brand_voice.assessment:pass",)),
    "guardrails held": root(tags=("guardrails.failed:false",), metadata={"guardrails": {"failed": False}}),
    "a value without a verdict": _judged("brand_voice", "off"),
    "a verdict that passes": _judged("goal_completeness", "complete", "pass"),
}


@pytest.mark.parametrize("span", SILENT.values(), ids=SILENT)
def test_what_flags_nothing(span: Span) -> None:
    assert _signals(span) == ()


@pytest.mark.parametrize(
    "kind", ["agent", "workflow", "llm", "tool", "task", "embedding", "retrieval", "mine"]
)
def test_a_signal_counts_on_a_span_of_any_kind(kind: str) -> None:
    below = step("a", kind=kind, evaluations={"hallucination": verdict()})

    [signal] = _signals(root(), below)

    assert (signal.span_id, signal.failure_type) == ("a", F.HALLUCINATION)


def test_a_failed_evaluation_below_a_fine_root_counts() -> None:
    fine = root(evaluations={"goal_completeness": verdict("pass")})

    assert _types(fine, step("a", evaluations={"tool_selection": verdict()})) == [F.WRONG_TOOL]


def test_a_tools_error_within_a_run_that_passed_is_none() -> None:
    passed = root(evaluations={"goal_completeness": verdict("pass")})
    error = step("a", kind="tool", status="error", tags=("http.status_code:503",))

    assert _types(passed, error) == []


def test_a_tools_error_within_a_run_that_nobody_judged_counts() -> None:
    error = step("a", kind="tool", status="error")

    assert [(s.failure_type, s.span_id, s.source) for s in _signals(root(), error)] == [
        (F.LLM_ERROR, "a", "status")
    ]


def test_a_tools_error_counts_where_another_evaluation_of_the_run_failed() -> None:
    mixed = root(evaluations={"goal_completeness": verdict("pass"), "toxicity": verdict("fail")})

    assert _types(mixed, step("a", kind="tool", status="error")) == [F.TOXICITY, F.LLM_ERROR]


def test_a_run_that_ended_in_an_error_did_not_pass() -> None:
    broken = root(status="error", evaluations={"goal_completeness": verdict("pass")})

    assert _types(broken, step("a", kind="tool", status="error")) == [F.LLM_ERROR, F.LLM_ERROR]


def test_the_runs_own_status_counts_though_it_passed() -> None:
    passed = root(tags=("http.status_code:500",), evaluations={"goal_completeness": verdict("pass")})

    assert _types(passed) == [F.INFRASTRUCTURE_ERROR]


@pytest.mark.parametrize(
    "label", ["language_mismatch", "input_sentiment", "toxicity", "tool_selection", "Tone of voice"]
)
def test_an_evaluation_of_something_else_excuses_no_tools_error(label: str) -> None:
    failed = step("a", kind="tool", status="error", metadata={"http.status_code": 500})

    told = _types(root(evaluations={label: verdict("pass")}), failed)

    assert told == [F.INFRASTRUCTURE_ERROR, F.LLM_ERROR]


@pytest.mark.parametrize("label", ["goal_completeness", "our own acceptance check"])
def test_an_evaluation_of_the_task_excuses_a_tools_error(label: str) -> None:
    failed = step("a", kind="tool", status="error")

    assert _types(root(evaluations={label: verdict("pass")}), failed) == []


def test_an_evaluation_of_a_step_says_nothing_of_the_run() -> None:
    judged = step("a", kind="tool", status="error", evaluations={"tool_selection": verdict("pass")})

    assert _types(root(), judged) == [F.LLM_ERROR]


@pytest.mark.parametrize("label", ["brand_voice", "hallucination", "x", "Größe", "a b-c"])
def test_a_failed_assessment_counts_whatever_the_label(label: str) -> None:
    assert len(_signals(_judged(label, None, "fail"))) == 1


@pytest.mark.parametrize("label", ["brand_voice", "Brand Voice", "brand-voice"])
def test_a_teams_own_label_maps_to_the_type_that_it_chose(label: str) -> None:
    rules = SignalRules(labels={"brand_voice": F.INSTRUCTION_VIOLATION})

    assert _types(_judged(label, None, "fail"), rules=rules) == [F.INSTRUCTION_VIOLATION]


def test_a_teams_own_mapping_wins_over_the_usual_one() -> None:
    rules = SignalRules(labels={"topic_relevancy": F.RETRIEVAL_FAILURE})

    assert _types(_judged("topic_relevancy", None, "fail"), rules=rules) == [F.RETRIEVAL_FAILURE]


@pytest.mark.parametrize(
    ("score", "severity"), [(0.29, Severity.HIGH), (0.3, Severity.MEDIUM), (0.49, Severity.MEDIUM)]
)
def test_the_lower_the_quality_the_worse(score: float, severity: Severity) -> None:
    [signal] = _signals(root(metadata={"quality_score": score}))

    assert (signal.severity, signal.detail) == (severity, f"{score:g}")


@pytest.mark.parametrize(("threshold", "flagged"), [(0.8, True), (0.6, True), (0.59, False)])
def test_the_quality_threshold_is_a_setting(threshold: float, *, flagged: bool) -> None:
    span = root(metadata={"quality_score": 0.59})

    assert bool(_signals(span, rules=SignalRules(quality_threshold=threshold))) is flagged


@pytest.mark.parametrize(("threshold", "flagged"), [(0.4, True), (0.41, False)])
def test_the_toxicity_threshold_is_a_setting(threshold: float, *, flagged: bool) -> None:
    assert (
        bool(_signals(_judged("toxicity", 0.4), rules=SignalRules(toxicity_threshold=threshold))) is flagged
    )


def test_one_failure_said_in_two_tags_is_one_signal() -> None:
    twice = root(tags=("hallucination:true", "evaluations.hallucination:true"))

    assert _types(twice) == [F.HALLUCINATION]


def test_all_signals_of_a_trace_are_listed_in_the_order_of_its_spans() -> None:
    first = root(status="error", evaluations={"toxicity": verdict(), "hallucination": verdict()})
    second = step("a", metadata={"http": {"status_code": 429}})

    assert [(s.span_id, s.failure_type) for s in _signals(second, first)] == [
        (ROOT_ID, F.HALLUCINATION),
        (ROOT_ID, F.TOXICITY),
        (ROOT_ID, F.LLM_ERROR),
        ("a", F.RATE_LIMITED),
    ]


def test_a_signal_says_where_it_was_seen_and_how_bad_it_is() -> None:
    [signal] = _signals(_judged("prompt_injection", "found", "fail"))

    assert signal == Signal(
        failure_type=F.PROMPT_INJECTION,
        severity=Severity.CRITICAL,
        span_id=ROOT_ID,
        source="evaluation:prompt_injection",
        detail="found",
    )


@pytest.mark.parametrize("value", [{"score": 1}, ["x"], None])
def test_a_value_that_is_no_scalar_is_left_out_of_the_detail(value: Any) -> None:
    [signal] = _signals(_judged("goal_completeness", value, "fail"))

    assert signal.detail == ""


@pytest.mark.parametrize(
    ("evaluation", "judged"),
    [
        (verdict("pass"), True),
        (verdict("fail"), True),
        (verdict(None, 0.0), True),
        (verdict(None, "fine"), True),
        (verdict(None, value=False), True),
        (Evaluation(reasoning="no verdict came"), False),
    ],
)
def test_an_evaluation_judges_when_it_has_a_value_or_a_verdict(
    evaluation: Evaluation, *, judged: bool
) -> None:
    assert was_evaluated(trace(root(), step("a", evaluations={"goal": evaluation}))) is judged


def test_a_trace_that_nobody_judged_was_not_evaluated() -> None:
    assert not was_evaluated(trace(root(tags=("hallucination:false",))))
