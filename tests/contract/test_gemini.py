"""A Gemini model asked over REST: what is sent, what is read, and how each trouble is told."""

import json
import logging
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import JsonValue

from shared.cloud.gemini import GeminiModel
from shared.cloud.google_models import Pace
from shared.domain.model_calls import Trouble, Usage
from shared.errors import ConfigError, ModelTroubleError
from shared.ports import ModelRequest
from tests.contract.google_answers import (
    SERVICE_WORDS,
    Manner,
    Reply,
    blocked_prompt,
    no_candidates,
    page,
    refused,
    saying,
    sent,
)
from tests.contract.google_models import GoogleModelsStandIn
from tests.contract.google_requests import THINKING, Generation

SCHEMA: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"root_cause": {"type": "string", "description": "schema-canary"}},
    "required": ["root_cause"],
}
REQUEST = ModelRequest("instruction-canary", "content-canary <é>", SCHEMA, 1000)
NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
# No other try ever fits.
ONCE = Pace(limit=20, usual=30)
Ask = Callable[..., GeminiModel]


@pytest.fixture
def gemini(google: GoogleModelsStandIn) -> Ask:
    def made(model: str = "gemini-3.5-flash", pace: Pace = ONCE) -> GeminiModel:
        return GeminiModel(
            google.project, google.location, model, base_url=google.url, pace=pace, clock=lambda: NOW
        )

    return made


def trouble_with(model: GeminiModel, request: ModelRequest = REQUEST) -> ModelTroubleError:
    with pytest.raises(ModelTroubleError) as raised:
        model.answer(request)
    return raised.value


@pytest.mark.parametrize("name", THINKING)
def test_a_request_is_sent_as_each_model_takes_it(
    google: GoogleModelsStandIn, gemini: Ask, name: str
) -> None:
    answer = gemini(name).answer(REQUEST)

    assert json.loads(answer.text) == {"root_cause": "a text"}
    assert google.asked == [Generation(name, REQUEST.instruction, REQUEST.content, SCHEMA, 1000)]


def test_a_model_that_nobody_knows_yet_is_asked_to_think_little(
    google: GoogleModelsStandIn, gemini: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(THINKING, "gemini-3.9-flash", ("LOW", "HIGH"))
    google.models.add("gemini-3.9-flash")

    assert gemini("gemini-3.9-flash").answer(REQUEST).text


def test_thoughts_cost_as_output_and_are_no_part_of_the_answer(
    google: GoogleModelsStandIn, gemini: Ask
) -> None:
    google.due(saying('{"a": 1}', prompt=120, thoughts=30, thought="hm"))

    answer = gemini().answer(REQUEST)

    assert answer.text == '{"a": 1}'
    assert answer.usage._replace(seconds=0) == Usage(input_tokens=120, output_tokens=2 + 30)
    assert 0 < answer.usage.seconds < ONCE.limit


@pytest.mark.parametrize("text", ["no JSON", '{"wrong": "schema"}', "[" * 100_000, '{"a": "\\ud800"}'])
def test_what_a_model_says_is_handed_on_as_it_is(google: GoogleModelsStandIn, gemini: Ask, text: str) -> None:
    google.due(saying(text))

    assert gemini().answer(REQUEST).text == text


TROUBLES: dict[str, tuple[Reply, Trouble]] = {
    "too many": (refused(429), Trouble.RATE_LIMITED),
    "internal": (refused(500), Trouble.UNAVAILABLE),
    "bad gateway": (page(502), Trouble.UNAVAILABLE),
    "overloaded": (refused(503), Trouble.UNAVAILABLE),
    "its own deadline": (refused(504), Trouble.UNAVAILABLE),
    "too slow a client": (refused(408), Trouble.UNAVAILABLE),
    "a proxy's page": (page(200), Trouble.UNAVAILABLE),
    "a proxy's empty page": (page(200, b""), Trouble.UNAVAILABLE),
    "JSON of something else": (page(200, b'{"candidates": "many"}'), Trouble.UNAVAILABLE),
    "a list": (page(200, b"[]"), Trouble.UNAVAILABLE),
    "bytes": (page(200, b"\xff\xfe\x00"), Trouble.UNAVAILABLE),
    "reset": (sent(Manner.RESET), Trouble.UNAVAILABLE),
    "blocked prompt": (blocked_prompt(), Trouble.BLOCKED),
    "a block of a new kind": (page(200, b'{"promptFeedback": {"blockReason": "NEW"}}'), Trouble.BLOCKED),
    "safety": (saying(None, finish="SAFETY"), Trouble.BLOCKED),
    "prohibited": (saying("answer-canary", finish="PROHIBITED_CONTENT"), Trouble.BLOCKED),
    "block list": (saying(None, finish="BLOCKLIST"), Trouble.BLOCKED),
    "personal data": (saying(None, finish="SPII"), Trouble.BLOCKED),
    "recitation": (saying(None, finish="RECITATION"), Trouble.BLOCKED),
    "no candidates": (no_candidates(), Trouble.EMPTY),
    "no parts": (saying(None), Trouble.EMPTY),
    "no text": (saying("  "), Trouble.EMPTY),
    "thoughts alone": (saying(None, thought="hm", thoughts=5), Trouble.EMPTY),
    "another end": (saying("answer-canary", finish="OTHER"), Trouble.EMPTY),
    "an end of a new kind": (page(200, b'{"candidates": [{"finishReason": "NEW"}]}'), Trouble.EMPTY),
    "cut off": (saying('{"answer-canary', finish="MAX_TOKENS"), Trouble.CUT_OFF),
    "to be continued": (
        saying('{"answer-canary', finish="CONTINUATION", continuationToken="YQ=="),
        Trouble.CUT_OFF,
    ),
    "retired": (refused(404), Trouble.MODEL_GONE),
    "no token": (refused(401), Trouble.DENIED),
    "forbidden": (refused(403), Trouble.DENIED),
    "forbidden in bytes": (page(403, b"\xff\xfe\x00"), Trouble.DENIED),
    "wrong": (refused(400), Trouble.REFUSED),
    "too large": (page(413), Trouble.REFUSED),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_each_trouble_is_told_by_its_kind_and_without_anybodys_words(
    google: GoogleModelsStandIn, gemini: Ask, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    reply, trouble = TROUBLES[name]
    google.due(reply)

    error = trouble_with(gemini())

    assert error.trouble is trouble
    assert len(google.asked) == 1
    shown = "".join(traceback.format_exception(error)) + repr(error) + caplog.text
    assert "canary" not in shown
    assert SERVICE_WORDS not in shown


def test_logs_tell_nothing_of_a_good_answer(
    google: GoogleModelsStandIn,
    gemini: Ask,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    google.due(saying("answer-canary"))

    gemini().answer(REQUEST)

    told = caplog.text + "".join(capsys.readouterr())
    assert "canary" not in told
    assert "AFC" not in told, "the library says at each call that it would call functions"


@pytest.mark.parametrize(
    "reply",
    [
        blocked_prompt(prompt=70),
        saying(None, finish="SAFETY", prompt=70, thoughts=9),
        saying("12345678", finish="MAX_TOKENS", prompt=70, thoughts=9),
        saying(None, prompt=70),
    ],
)
def test_what_gave_no_answer_was_paid_for_all_the_same(
    google: GoogleModelsStandIn, gemini: Ask, reply: Reply
) -> None:
    google.due(reply)

    usage = trouble_with(gemini()).usage

    counts = json.loads(reply.body)["usageMetadata"]
    assert usage.input_tokens == 70
    assert usage.output_tokens == counts["totalTokenCount"] - 70
    assert usage.seconds > 0


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (refused(429, retry_after="7"), 7),
        (refused(503, retry_after="7"), 7),
        (refused(429, retry_after="Tue, 03 Nov 2026 12:00:45 GMT"), 45),
        (refused(429, retry_after="Tue, 03 Nov 2026 11:00:00 GMT"), 0),
        (refused(429, retry_delay="34.5s"), 34.5),
        (refused(429, retry_after="7", retry_delay="34s"), 7),
        (refused(429, retry_after="soon"), None),
        (refused(429, retry_after="Tue, 03 Nov 9999999999999 12:00:45 +9999999999999"), None),
        (refused(429, retry_after="1e400"), None),
        (refused(429, retry_after="-5"), None),
        (refused(429), None),
        (page(429), None),
    ],
)
def test_when_to_ask_again_is_read_in_each_form(
    google: GoogleModelsStandIn, gemini: Ask, reply: Reply, seconds: float | None
) -> None:
    google.due(reply)

    assert trouble_with(gemini()).retry_after == seconds


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("retired", "set GEMINI_MODEL to a model that is served in VERTEX_AI_LOCATION"),
        ("forbidden", "roles/aiplatform.user"),
        ("wrong", "check that GEMINI_MODEL"),
        ("too many", "raise its quota"),
        ("cut off", "allow more output tokens"),
    ],
)
def test_a_trouble_says_what_to_do(google: GoogleModelsStandIn, gemini: Ask, name: str, advice: str) -> None:
    google.due(TROUBLES[name][0])

    assert advice in str(trouble_with(gemini()))


def test_a_model_that_is_not_served_is_gone(gemini: Ask) -> None:
    assert trouble_with(gemini("gemini-1.0-pro")).trouble is Trouble.MODEL_GONE


def test_threads_each_get_their_own_answer(google: GoogleModelsStandIn, gemini: Ask) -> None:
    together = threading.Barrier(8, timeout=20)

    def echo(asked: Generation) -> str:
        together.wait()
        return asked.content

    google.answer = echo
    model = gemini()
    texts = [f"text {number}" for number in range(16)]

    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda text: model.answer(REQUEST._replace(content=text)).text, texts)

    assert list(answers) == texts


def test_a_probe_is_glad_of_any_answer_and_raises_as_a_question_does(
    google: GoogleModelsStandIn, gemini: Ask
) -> None:
    model = gemini()
    model.probe()
    google.due(saying(None, finish="MAX_TOKENS", thoughts=256), refused(404))
    model.probe()

    with pytest.raises(ModelTroubleError) as raised:
        model.probe()

    assert raised.value.trouble is Trouble.MODEL_GONE
    assert all(isinstance(asked, Generation) and asked.most_output_tokens <= 256 for asked in google.asked)


@pytest.mark.parametrize("name", ["", "projects/p/models/m", "gemini..", "gemini:predict", "a b", "x?y"])
def test_a_name_that_is_no_models_is_refused_at_once(name: str) -> None:
    with pytest.raises(ConfigError, match="GEMINI_MODEL"):
        GeminiModel("a-project", "us-central1", name)


def test_a_date_without_a_zone_is_of_the_service(google: GoogleModelsStandIn, gemini: Ask) -> None:
    later = (NOW + timedelta(seconds=20)).strftime("%a, %d %b %Y %H:%M:%S -0000")
    google.due(refused(429, retry_after=later))

    assert trouble_with(gemini()).retry_after == 20
