"""Samples sent to Datadog are found and judged there as a file of them is here."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from functions.cli import samples as command
from functions.cli.__main__ import cli
from functions.local.datadog.knobs import Refusal
from functions.local.sampling.formats import Format, spelled
from functions.local.sampling.scenarios import SCENARIOS
from functions.local.sampling.traces import Sample, samples
from functions.local.sampling.upload import EVALUATIONS_PATH, SPANS_PATH, Intake, Sent, upload
from shared.cloud.datadog_failures import Call
from shared.domain.conversation import error_text
from shared.domain.signals import SignalRules, signals_of
from shared.domain.spans import Trace
from shared.domain.taxonomy import by_precedence
from shared.errors import ConfigError, PermanentError, UnavailableError
from shared.ports import TraceQuery
from shared.wiring import Wiring
from tests.contract.conftest import NOW, Datadog, all_hits

APP = "trial-shop"
KEY = "0123456789abcdef" * 2
ANY_CALL = Call("the intake of spans", "none")
EACH = 2 * len(SCENARIOS)


def made(count: int = EACH, seed: int = 7) -> list[Sample]:
    return list(samples(count, seed=seed, ml_app=APP, until=NOW))


def intake_of(datadog: Datadog, **other: Any) -> Intake:
    told: dict[str, Any] = {"base_url": datadog.stand_in.url, "api_key": datadog.stand_in.api_key} | other
    return Intake(told["base_url"], told["api_key"], sleep=datadog.slept.append)


def sent_to(datadog: Datadog, told: list[Sample], **other: Any) -> Sent:
    return upload(told, intake_of(datadog, **other), ml_app=APP, progress=lambda _: None)


def comparable(trace: Trace) -> list[Any]:
    """Leave out what a search never gives back: Datadog's own tag of the source, and an error's text.

    What a failed call of a model said instead is a text in the file, and a message at Datadog.
    """
    return [
        span.model_copy(
            update={
                "output": error_text(span) if (span.kind, span.status) == ("llm", "error") else span.output,
                "tags": tuple(tag for tag in span.tags if not tag.startswith("source:")),
                "extra": {key: value for key, value in span.extra.items() if key != "error"},
            }
        )
        for span in trace.spans
    ]


def test_what_was_uploaded_is_judged_as_the_file_is(datadog: Datadog, parts: Wiring, tmp_path: Path) -> None:
    told = made()
    path = tmp_path / "samples.jsonl"
    path.write_bytes(b"".join(spelled(told, Format.JSON)))
    parts.traces.register(path)  # type: ignore[attr-defined]

    sent = sent_to(datadog, told)

    from_file = {hit.trace_id: hit for hit in parts.traces.search(TraceQuery()).hits}
    traces = datadog.traces()
    assert all_hits(traces, TraceQuery(ml_app=APP)) == from_file
    assert len(from_file) == EACH
    assert sum(hit.failing for hit in from_file.values()) == EACH // 2
    for trace_id in from_file:
        uploaded = traces.fetch(trace_id)
        assert comparable(uploaded) == comparable(parts.traces.fetch(trace_id))
    assert sent.spans == sum(len(sample.spans) for sample in told)
    assert sent.evaluations > EACH / 2


def test_types_are_told_apart_at_datadog(datadog: Datadog) -> None:
    told = made()
    sent_to(datadog, told)

    traces = datadog.traces()

    for sample in told:
        trace_id = str(sample.spans[0]["attributes"]["trace_id"])  # type: ignore[call-overload, index]
        kinds = by_precedence({one.failure_type for one in signals_of(traces.fetch(trace_id), SignalRules())})
        assert kinds[:1] == ((sample.failure_type,) if sample.failing else ())


def test_an_error_is_sent_with_its_class_and_its_text(datadog: Datadog) -> None:
    sent_to(datadog, made())

    spans = [
        span
        for exchange in datadog.exchanges
        if exchange.path == SPANS_PATH
        for span in exchange.asked["data"]["attributes"]["spans"]
    ]
    errors = [span["meta"]["error"] for span in spans if "error" in span["meta"]]
    assert {"RateLimitError", "UpstreamError", "BadRequestError", "ServiceError"} <= {
        error["type"] for error in errors
    }
    assert all(error["message"].startswith("Error: ") for error in errors)


def test_a_wait_that_datadog_asks_for_is_kept_in_either_header(datadog: Datadog) -> None:
    datadog.stand_in.knobs.refuse(Refusal(429, reset="3"))
    datadog.stand_in.knobs.refuse(Refusal(503))

    sent = sent_to(datadog, made(2))

    assert datadog.slept == [3.0, 2.0]
    assert [exchange.status for exchange in datadog.exchanges] == [429, 503, 202, 202]
    assert sent.evaluations > 0


def test_retry_after_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([httpx.Response(429, headers={"Retry-After": "4"}), httpx.Response(202)])
    monkeypatch.setattr(httpx, "post", lambda *_, **__: next(answers))
    slept: list[float] = []

    Intake("https://api.datadoghq.com", "a key", sleep=slept.append).post(ANY_CALL, SPANS_PATH, b"{}")

    assert slept == [4.0]


def test_waiting_has_an_end(datadog: Datadog) -> None:
    datadog.stand_in.knobs.refuse(Refusal(500), times=4)
    with pytest.raises(UnavailableError, match="nothing was sent"):
        sent_to(datadog, made(2))
    assert datadog.slept == [1.0, 2.0, 4.0]

    datadog.slept.clear()
    datadog.stand_in.knobs.refuse(Refusal(429, reset="3600"))
    with pytest.raises(UnavailableError, match="left alone for 3600 s"):
        sent_to(datadog, made(2))
    assert datadog.slept == []


def test_a_timeout_is_tried_again(datadog: Datadog, monkeypatch: pytest.MonkeyPatch) -> None:
    post, failures = httpx.post, iter([httpx.ReadTimeout("too slow"), httpx.ConnectError("refused")])

    def unreliable(*arguments: Any, **options: Any) -> httpx.Response:
        if (failure := next(failures, None)) is not None:
            raise failure
        return post(*arguments, **options)

    monkeypatch.setattr(httpx, "post", unreliable)

    assert sent_to(datadog, made(2)).evaluations > 0
    assert datadog.slept == [1.0, 2.0]


def test_an_address_where_nobody_is_ends_with_the_setting_to_check(datadog: Datadog) -> None:
    with pytest.raises(UnavailableError, match="did not answer: ConnectError; check DATADOG_SITE; nothing"):
        sent_to(datadog, made(2), base_url="http://127.0.0.1:9")


def test_a_wrong_key_ends_it_at_once(datadog: Datadog) -> None:
    with pytest.raises(ConfigError, match=r"does not take DATADOG_API_KEY \(401\).*nothing was sent"):
        sent_to(datadog, made(2), api_key="hunter2-of-somebody-else")
    datadog.stand_in.knobs.refuse(Refusal(403))
    with pytest.raises(ConfigError, match=r"DATADOG_API_KEY \(403\)"):
        sent_to(datadog, made(2))
    assert datadog.slept == []


def test_what_the_intake_will_never_take_is_not_tried_again(datadog: Datadog) -> None:
    datadog.stand_in.knobs.refuse(Refusal(413))
    with pytest.raises(PermanentError, match="the intake of spans"):
        sent_to(datadog, made(2))
    assert datadog.slept == []


def test_an_upload_that_breaks_off_says_how_far_it_came(datadog: Datadog) -> None:
    told, intake = made(2), intake_of(datadog)

    def refuse_the_rest(_: Sent) -> None:
        datadog.stand_in.knobs.refuse(Refusal(400))

    with pytest.raises(PermanentError, match=r"\d+ spans and 0 evaluations had been taken"):
        upload(told, intake, ml_app=APP, progress=refuse_the_rest)


def test_the_command_uploads_what_it_writes(
    datadog: Datadog, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "intake_url", lambda _settings, _site: datadog.stand_in.url)
    monkeypatch.setenv("DATADOG_API_KEY", KEY)
    datadog.stand_in.api_key = KEY
    path = tmp_path / "sent.jsonl"
    call = ["samples", "--count", "6", "--seed", "7", "--upload", "--ml-app", APP]
    datadog.now = datetime.now(tz=UTC) + timedelta(minutes=1)

    once = CliRunner().invoke(cli, [*call, "--output", str(path)])
    first = set(all_hits(datadog.traces(), TraceQuery(ml_app=APP)))
    again = CliRunner().invoke(cli, call)
    both = set(all_hits(datadog.traces(), TraceQuery(ml_app=APP)))

    assert (once.exit_code, again.exit_code) == (0, 0), once.output + again.output
    assert f"6 traces of {APP} sent to {datadog.stand_in.url}: " in once.output
    written = {json.loads(line)["attributes"]["trace_id"] for line in path.read_text().splitlines()}
    assert first == written
    assert len(both) == 12, "a second upload of the same seed stays apart from the first"
    assert {exchange.path for exchange in datadog.exchanges if exchange.method == "POST"} >= {
        SPANS_PATH,
        EVALUATIONS_PATH,
    }


def test_the_command_tells_of_a_key_that_is_not_taken(
    datadog: Datadog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "intake_url", lambda _settings, _site: datadog.stand_in.url)
    monkeypatch.setenv("DATADOG_API_KEY", "hunter2ofsomebodyelse")

    ended = CliRunner().invoke(cli, ["samples", "--count", "2", "--upload", "--ml-app", APP])

    assert ended.exit_code == 2
    assert "check that it is an API key of this site" in ended.output
    assert "hunter2" not in ended.output
