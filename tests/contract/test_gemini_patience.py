"""How long a Gemini model is waited for, how often it is tried, and where a request may go."""

import threading
import time
from typing import Any

import pytest
from google.auth.exceptions import DefaultCredentialsError, RefreshError, TransportError
from google.oauth2.credentials import Credentials

from shared.cloud.gemini import GeminiModel
from shared.cloud.google_model_failures import Asked
from shared.cloud.google_models import GoogleModels, Pace, address_of
from shared.domain.model_calls import Trouble
from shared.errors import ConfigError, ModelTroubleError
from shared.ports import ModelRequest
from tests.contract.google_answers import Manner, moved, refused, saying, sent
from tests.contract.google_models import GoogleModelsStandIn, serving_models

REQUEST = ModelRequest("do", "this", {"type": "object", "properties": {}, "required": []}, 100)
SHORT = Pace(limit=1.0, usual=0.1)
# What would take a minute or longer must not; how busy a machine is must not matter.
FAR_TOO_LONG = 20.0
FLASH = Asked("gemini-3.5-flash", "GEMINI_MODEL")


def model_at(url: str | None, pace: Pace, slept: list[float] | None = None) -> GeminiModel:
    sleep = time.sleep if slept is None else slept.append
    return GeminiModel("a-project", "us-central1", FLASH.model, base_url=url, pace=pace, sleep=sleep)


def trouble_of(model: GeminiModel) -> ModelTroubleError:
    with pytest.raises(ModelTroubleError) as raised:
        model.answer(REQUEST)
    return raised.value


def no_thread_is_left() -> bool:
    """Say whether every thread that asked ends by itself, while the stand-in still serves."""
    ends = time.monotonic() + FAR_TOO_LONG
    while any(thread.name == "model-call" for thread in threading.enumerate()):
        if time.monotonic() > ends:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize("manner", [Manner.NEVER, Manner.DRIPPING_HEAD, Manner.DRIPPING_BODY])
def test_one_deadline_holds_however_the_answer_fails_to_come(
    google: GoogleModelsStandIn, manner: Manner
) -> None:
    google.due(sent(manner))
    began = time.monotonic()

    error = trouble_of(model_at(google.url, SHORT))

    assert error.trouble is Trouble.DEADLINE
    assert str(error) == "gemini-3.5-flash did not answer within 1 s"
    assert SHORT.limit * 0.9 <= error.usage.seconds
    assert time.monotonic() - began < FAR_TOO_LONG
    assert len(google.asked) == 1
    assert no_thread_is_left()


def test_the_deadline_holds_for_all_tries_together(google: GoogleModelsStandIn) -> None:
    google.due(refused(503), sent(Manner.NEVER))

    error = trouble_of(model_at(google.url, Pace(limit=3.0, usual=0.1, first_wait=2.0)))

    assert error.trouble is Trouble.DEADLINE
    # A deadline for each try would make this 5 and more.
    assert 2.7 <= error.usage.seconds < 4.5
    assert len(google.asked) == 2


def test_the_deadline_holds_while_credentials_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    found = threading.Event()

    def hang(**_options: Any) -> Any:
        found.wait(FAR_TOO_LONG)
        raise DefaultCredentialsError("late")

    monkeypatch.setattr("google.auth.default", hang)
    try:
        assert trouble_of(model_at(None, SHORT)).trouble is Trouble.DEADLINE
    finally:
        found.set()
    assert no_thread_is_left()


@pytest.mark.parametrize("first", [refused(500), refused(503), refused(429), sent(Manner.RESET)])
def test_what_may_pass_is_tried_once_more(google: GoogleModelsStandIn, first: Any) -> None:
    slept: list[float] = []
    google.due(first, saying("{}"))

    assert model_at(google.url, Pace(), slept).answer(REQUEST).text == "{}"
    assert slept == [Pace().first_wait]
    assert len(google.asked) == 2


def test_it_is_tried_no_third_time(google: GoogleModelsStandIn) -> None:
    slept: list[float] = []
    google.due(refused(503), refused(429, retry_after="1"), saying("{}"))

    error = trouble_of(model_at(google.url, Pace(), slept))

    assert (error.trouble, error.retry_after) == (Trouble.RATE_LIMITED, 1)
    assert len(slept) == 1


def test_a_short_wait_is_kept_and_a_long_one_handed_on(google: GoogleModelsStandIn) -> None:
    slept: list[float] = []
    google.due(refused(429, retry_after="1.5"), saying("{}"), refused(429, retry_delay="5s"))
    model = model_at(google.url, Pace(), slept)

    model.answer(REQUEST)
    error = trouble_of(model)

    assert slept == [1.5]
    assert error.retry_after == 5
    assert len(google.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_what_will_not_pass_is_not_tried_again(google: GoogleModelsStandIn, status: int) -> None:
    google.due(refused(status))

    trouble_of(model_at(google.url, Pace()))

    assert len(google.asked) == 1


def test_nothing_is_tried_again_where_no_ordinary_call_fits_in(google: GoogleModelsStandIn) -> None:
    google.due(refused(503))

    trouble_of(model_at(google.url, Pace(limit=10, usual=9.9)))

    assert len(google.asked) == 1


def test_nobody_there_is_unavailable() -> None:
    with serving_models(GoogleModelsStandIn()) as stand_in:
        gone = stand_in.url

    error = trouble_of(model_at(gone, Pace(), []))

    assert error.trouble is Trouble.UNAVAILABLE
    assert str(error) == "gemini-3.5-flash did not answer: ConnectError"


@pytest.mark.parametrize(
    ("raised", "trouble"),
    [
        (DefaultCredentialsError("canary"), Trouble.DENIED),
        (RefreshError("canary"), Trouble.DENIED),
        (RefreshError("canary", retryable=True), Trouble.UNAVAILABLE),
        (TransportError("canary"), Trouble.UNAVAILABLE),
        (ValueError("canary"), Trouble.UNAVAILABLE),
        (RecursionError("canary"), Trouble.UNAVAILABLE),
        (TimeoutError("canary"), Trouble.DEADLINE),
    ],
)
def test_what_fails_before_anything_is_sent_is_told_by_type(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, trouble: Trouble
) -> None:
    def fail(**_options: Any) -> Any:
        raise raised

    monkeypatch.setattr("google.auth.default", fail)

    error = trouble_of(model_at(None, Pace(limit=5, usual=6)))

    assert error.trouble is trouble
    assert "canary" not in str(error)
    if trouble is Trouble.DENIED:
        assert "gcloud auth application-default login" in str(error)
    if trouble is Trouble.UNAVAILABLE:
        assert type(raised).__name__ in str(error)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://example.com",
        "https://example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.1@example.com",
        "http://name@127.0.0.1:8080",
        "http://localhost:8080",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "127.0.0.1:8080",
    ],
)
def test_only_a_loopback_address_can_stand_in(url: str) -> None:
    with pytest.raises(ConfigError, match="loopback"):
        model_at(url, SHORT)


@pytest.mark.parametrize("location", ["", "evil.com/#", "us-central1.evil.com", "US", "us_central1"])
def test_a_location_can_name_no_other_host(location: str) -> None:
    with pytest.raises(ConfigError, match="VERTEX_AI_LOCATION"):
        GeminiModel("a-project", location, FLASH.model)


@pytest.mark.parametrize("project", ["", "a/../b", "a project"])
def test_a_project_must_be_named(project: str) -> None:
    with pytest.raises(ConfigError, match="GOOGLE_CLOUD_PROJECT"):
        GeminiModel(project, "us-central1", FLASH.model)


@pytest.mark.parametrize(
    ("location", "address"),
    [
        ("us-central1", "https://us-central1-aiplatform.googleapis.com/"),
        ("global", "https://aiplatform.googleapis.com/"),
        ("eu", "https://aiplatform.eu.rep.googleapis.com/"),
    ],
)
def test_google_is_asked_at_its_own_address_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, location: str, address: str
) -> None:
    monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", "http://example.com")
    monkeypatch.setattr("google.auth.default", lambda **_: (Credentials(token="t"), "p"))

    service = GoogleModels(FLASH, "a-project", location)
    asked = service.ask(lambda client: client._api_client._http_options.base_url).answer

    assert asked == address == address_of(location)


def test_a_redirect_is_not_followed(google: GoogleModelsStandIn) -> None:
    with serving_models(GoogleModelsStandIn()) as elsewhere:
        path = "/v1beta1/projects/a-project/locations/us-central1/publishers/google/models"
        google.due(moved(307, f"{elsewhere.url}{path}/{FLASH.model}:generateContent"))

        error = trouble_of(model_at(google.url, Pace(limit=5, usual=6)))

    assert error.trouble is Trouble.UNAVAILABLE
    assert elsewhere.answered == []


def test_a_stand_in_is_asked_directly_and_without_a_key(
    google: GoogleModelsStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("GOOGLE_API_KEY", "a key")
    monkeypatch.setattr("google.auth.default", lambda **_: pytest.fail("credentials were looked for"))

    assert model_at(google.url, Pace()).answer(REQUEST).text == "{}"
