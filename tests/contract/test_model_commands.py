"""The command line where a model is asked: what it tells, what it costs, and what is wrong with it."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from shared.ports import ModelRequest
from tests.contract.google_answers import Manner, Reply, refused, sent
from tests.contract.google_models import GoogleModelsStandIn
from tests.contract.google_requests import Generation
from tests.pipeline.command import Ended, evalforge
from tests.pipeline.narrating import Telling, write_failures

APP = "storm-shop"


class Commands:
    """The command line on a store of its own, with a model to ask."""

    def __init__(self, google: GoogleModelsStandIn, store: Path) -> None:
        self.google = google
        self.store = store
        self.variables = {
            "ASK_MODEL": "true",
            "GOOGLE_CLOUD_PROJECT": google.project,
            "GOOGLE_MODELS_URL": google.url,
            "VERTEX_AI_LOCATION": google.location,
        }

    def __call__(self, *arguments: str | Path, **variables: str) -> Ended:
        return evalforge(
            *arguments, "--store", self.store, cwd=self.store.parent, **(self.variables | variables)
        )

    def json(self, *arguments: str | Path) -> Any:
        return self(*arguments, "--json").json

    def doctor(self, *, code: int, **variables: str) -> str:
        """Say what the doctor says of the model: its verdict and its words."""
        ended = self("doctor", **variables)
        assert (ended.code, ended.err) == (code, "")
        [line] = [line for line in ended.out.splitlines() if line[9:23].strip() == "model"]
        return line


@pytest.fixture
def told(google: GoogleModelsStandIn, tmp_path: Path) -> Commands:
    model = Telling()

    def answer(asked: Generation) -> str:
        request = ModelRequest(asked.instruction, asked.content, asked.schema, asked.most_output_tokens)
        return model.answer(request).text if "CAPTURE-" in asked.content else '{"there": true}'

    google.answer = answer
    return Commands(google, tmp_path / "store.db")


def test_the_doctor_asks_no_model_where_none_is_asked(told: Commands) -> None:
    line = told.doctor(code=0, ASK_MODEL="")

    assert line == "skipped  model          no model: rules alone; ASK_MODEL=true asks one"
    assert told.google.asked == []


def test_the_doctor_asks_the_model_and_keeps_what_that_cost(told: Commands) -> None:
    line = told.doctor(code=0)

    assert line.startswith(f"ok       model          gemini-3.5-flash answers at {told.google.url} (")
    assert line.endswith("; $0.00 of $10.00 spent today (UTC)")
    assert len(told.google.asked) == 1
    [total] = told.json("list", "spend")
    assert (total["ml_app"], total["model_calls"], total["troubles"]) == ("", 1, 0)
    assert total["cost_usd"] == pytest.approx(
        (total["input_tokens"] * 1.5 + total["output_tokens"] * 9) / 1e6
    )
    [call] = told.json("show", "spend", total["day"])["calls"]
    assert (call["purpose"], call["model"], call["trouble"]) == ("doctor", "gemini-3.5-flash", None)


@pytest.mark.parametrize(
    ("status", "words", "trouble"),
    [
        (
            404,
            "is not served (404); set GEMINI_MODEL to a model that is served in VERTEX_AI_LOCATION",
            "model_gone",
        ),
        (401, "enable aiplatform.googleapis.com in GOOGLE_CLOUD_PROJECT", "denied"),
        (403, "give the account the role roles/aiplatform.user there", "denied"),
        (400, "check that GEMINI_MODEL names a model made for it", "refused"),
        (429, "raise its quota in GOOGLE_CLOUD_PROJECT and VERTEX_AI_LOCATION", "rate_limited"),
    ],
)
def test_the_doctor_says_what_is_wrong_with_the_model_and_what_to_do(
    told: Commands, status: int, words: str, trouble: str
) -> None:
    # Where it may help it is asked twice.
    told.google.due(refused(status), refused(status))

    line = told.doctor(code=1)

    assert line.startswith("failed   model          gemini-3.5-flash ")
    assert words in line
    [total] = told.json("list", "spend")
    assert (total["model_calls"], total["troubles"], total["cost_usd"]) == (1, 1, 0.0)
    assert told.json("show", "spend", total["day"])["calls"][0]["trouble"] == trouble


def test_the_doctor_names_a_model_that_nobody_serves(told: Commands) -> None:
    prices = '{"gemini-none": {"input": 1, "output": 1}}'

    line = told.doctor(code=1, GEMINI_MODEL="gemini-none", MODEL_PRICES=prices)

    assert "gemini-none is not served (404); set GEMINI_MODEL" in line


def test_the_doctor_says_that_nobody_answers(told: Commands) -> None:
    assert "did not answer" in told.doctor(code=1, GOOGLE_MODELS_URL="http://127.0.0.1:9")


def test_the_doctor_says_that_the_budget_is_spent(told: Commands) -> None:
    line = told.doctor(code=0, MODEL_BUDGET_USD="0")

    assert line.endswith("$0.00 of $0.00 spent today (UTC): the rules go on alone until tomorrow")


def test_what_a_model_cost_is_told_alike_by_the_run_and_by_the_lists(told: Commands, tmp_path: Path) -> None:
    traces = write_failures(tmp_path / "traces.jsonl", kinds=2, each=3, app=APP)

    run = told.json("run", traces)

    [total] = told.json("list", "spend")
    assert set(total) == {
        *("day", "ml_app", "model_calls", "troubles"),
        *("input_tokens", "output_tokens", "seconds", "cost_usd"),
    }
    assert (run["patterns"], run["model_calls"], total["model_calls"]) == (6, 2, 2)
    assert run["cost_usd"] == pytest.approx(total["cost_usd"], abs=1e-6)
    assert total["ml_app"] == APP
    assert total["cost_usd"] > 0
    day = told.json("show", "spend", total["day"])
    assert day["totals"] == [total]
    assert sum(call["cost_usd"] for call in day["calls"]) == pytest.approx(total["cost_usd"])
    assert {call["prompt"] for call in day["calls"]} == {"narrative-1"}
    listed, shown = told("list", "spend").out, told("show", "spend", total["day"]).out
    assert f"{total['cost_usd']:.6f}" in listed
    assert f"2 calls on {total['day']} (UTC):" in shown
    assert shown.startswith(listed)


def test_money_of_several_applications_is_added_up(told: Commands, tmp_path: Path) -> None:
    for app in ("shop-a", "shop-b"):
        told("run", write_failures(tmp_path / f"{app}.jsonl", kinds=1, each=1, app=app))

    one, other = told.json("list", "spend")

    assert [one["ml_app"], other["ml_app"]] == ["shop-a", "shop-b"]
    last = told("list", "spend").out.splitlines()[-1].split()
    assert last[:4] == ["in", "all", "2", "0"]
    assert float(last[-1]) == pytest.approx(one["cost_usd"] + other["cost_usd"])


def test_a_day_without_calls_is_an_error_that_says_where_to_look(told: Commands) -> None:
    told.doctor(code=0, ASK_MODEL="false")

    for day in ("2026-01-01", "yesterday"):
        ended = told("show", "spend", day)
        assert (ended.code, ended.out) == (1, "")
        assert f"there is no spend {day}; `evalforge list spend` shows them" in ended.err
    assert told.json("list", "spend") == []


def test_a_pattern_tells_everything_in_json(told: Commands, tmp_path: Path) -> None:
    told("run", write_failures(tmp_path / "traces.jsonl", kinds=1, each=2, app=APP))

    patterns = told.json("list", "patterns")

    assert sorted(one["trace_id"] for one in patterns) == ["trace-0-0", "trace-0-1"]
    for one in patterns:
        assert one["failure_types"][0] == "infrastructure_error"
        assert one["failing_span_id"] == f"{one['trace_id']}-call"
        assert "cause_span_id" in one
        assert one["trigger"] == "The agent called a tool that failed"
        first = one["root_causes"][0]
        assert set(first) == {"cause", "failure_type", "span_id", "evidence"}
        assert (first["cause"], first["span_id"]) == (one["trigger"], one["failing_span_id"])
        assert first["evidence"] in "503 service unavailable"
        assert one["severity"] in {"low", "medium", "high", "critical"}
        assert 0 < one["confidence"] < 1
        assert (one["extractor"]["kind"], one["extractor"]["model"]) == ("model", "gemini-3.5-flash")
    assert sorted(one["extractor"]["cost_usd"] > 0 for one in patterns) == [False, True], "one call for both"


def test_a_pattern_says_who_told_it_and_for_how_much(told: Commands, tmp_path: Path) -> None:
    told("run", write_failures(tmp_path / "traces.jsonl", kinds=1, each=2, app=APP))
    [asked] = [one for one in told.json("list", "patterns") if one["extractor"]["cost_usd"]]
    [other] = [one for one in told.json("list", "patterns") if not one["extractor"]["cost_usd"]]

    shown = told("show", "pattern", asked["trace_id"]).out

    extractor = asked["extractor"]
    assert shown.splitlines()[0] == asked["title"]
    assert f"told by        rules {extractor['version']} and gemini-3.5-flash, prompt narrative-1 (" in shown
    took = f"{extractor['input_tokens']} tokens in, {extractor['output_tokens']} out, "
    assert took in shown
    assert f"${extractor['cost_usd']:.6f}" in shown
    assert "     > 503 service unavailable" in shown
    assert "asked once, for another failure of the group" in told("show", "pattern", other["trace_id"]).out


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (refused(404), "model_gone"),
        (refused(403), "denied"),
        (refused(503), "unavailable"),
        (sent(Manner.RESET), "unavailable"),
    ],
)
def test_what_a_model_did_not_tell_waits_and_is_asked_for_by_a_replay(
    told: Commands, tmp_path: Path, reply: Reply, reason: str
) -> None:
    told.google.due(reply, reply)
    assert (
        told.json("run", write_failures(tmp_path / "traces.jsonl", kinds=1, each=1, app=APP))["dead_letters"]
        == 0
    )
    [by_rules] = told.json("list", "patterns")
    assert by_rules["extractor"]["upgrade_pending"]
    shown = told("show", "pattern", by_rules["trace_id"]).out
    assert f"told by        rules {by_rules['extractor']['version']} alone" in shown
    assert f"waits          for a model's narrative, which did not come: {reason} (call " in shown
    told.google._due.clear()

    command = shown.split("`evalforge ", 1)[1].split("`", 1)[0]
    replayed = told(*shlex.split(command))

    assert replayed.code == 0, replayed.err
    [by_model] = told.json("list", "patterns")
    assert (by_model["extractor"]["kind"], by_model["extractor"]["upgrade_pending"]) == ("model", False)
    assert "waits  " not in told("show", "pattern", by_rules["trace_id"]).out


def test_a_spent_budget_leaves_the_rules_and_says_so(told: Commands, tmp_path: Path) -> None:
    told.variables["MODEL_BUDGET_USD_BY_APP"] = f'{{"{APP}": 0}}'

    run = told.json("run", write_failures(tmp_path / "traces.jsonl", kinds=1, each=1, app=APP))

    assert (run["patterns"], run["model_calls"], run["dead_letters"]) == (1, 0, 0)
    shown = told("show", "pattern", "trace-0-0").out
    assert "which did not come: the budget of the day is spent; `evalforge replay" in shown


def test_a_demonstration_asks_no_model(told: Commands) -> None:
    assert told("demo").code == 0
    assert told.google.asked == []
