"""The stand-in for Google's models: it answers as the vendor describes, and notices what is asked wrongly."""

import copy
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from google.genai.errors import APIError, ClientError
from google.protobuf import json_format

from shared.cloud.gemini import GeminiModel
from shared.ports import ModelRequest
from tests.contract.google_answers import (
    Reply,
    blocked_prompt,
    json_reply,
    no_candidates,
    refused,
    saying,
    vector,
)
from tests.contract.google_models import GoogleModelsStandIn, obeying, serving_models
from tests.contract.google_requests import Generation
from tests.contract.google_types import hold_answers

MODELS = "/v1beta1/projects/a-project/locations/us-central1/publishers/google/models"
GENERATE = f"{MODELS}/gemini-3.5-flash:generateContent"
PREDICT = f"{MODELS}/gemini-embedding-001:predict"
EMBED = f"{MODELS}/gemini-embedding-2:embedContent"
HEADERS = {"Authorization": "Bearer anonymous", "Content-Type": "application/json", "X-Server-Timeout": "30"}
ASKED: dict[str, Any] = {
    "contents": [{"role": "user", "parts": [{"text": "this"}]}],
    "systemInstruction": {"parts": [{"text": "do"}]},
    "generationConfig": {
        "responseMimeType": "application/json",
        "responseJsonSchema": {"type": "object", "properties": {}},
        "maxOutputTokens": 100,
        "thinkingConfig": {"thinkingLevel": "MINIMAL"},
    },
}
PREDICTED: dict[str, Any] = {
    "instances": [{"content": "this", "task_type": "CLUSTERING"}],
    "parameters": {"outputDimensionality": 768},
}
TWO = PREDICTED["instances"] * 2
SHORTER = "outputDimensionality: the length of our vectors is expected"
EMBEDDED: dict[str, Any] = {
    "content": {"parts": [{"text": "this"}]},
    "embedContentConfig": {"taskType": "CLUSTERING", "outputDimensionality": 768},
}
Change = Callable[[dict[str, Any]], object]


def answered(path: str, body: Any, headers: dict[str, str]) -> tuple[httpx.Response, list[str]]:
    content = body if isinstance(body, str) else json.dumps(body)
    with serving_models(GoogleModelsStandIn()) as stand_in:
        response = httpx.post(stand_in.url + path, content=content, headers=headers, trust_env=False)
    hold_answers(stand_in.answered)
    return response, stand_in.faults


@pytest.mark.parametrize(
    ("path", "body"),
    [(GENERATE, ASKED), (PREDICT, PREDICTED), (EMBED, EMBEDDED)],
    ids=["ask", "predict", "embed"],
)
def test_a_right_request_is_answered_without_a_fault(path: str, body: Any) -> None:
    response, faults = answered(path, body, HEADERS)

    assert (response.status_code, faults) == (200, [])


def _config(**changed: Any) -> Change:
    return lambda body: body["generationConfig"].update(changed)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda body: body.update(tool="x"), "tool: extra_forbidden"),
        (lambda body: body.pop("contents"), "contents: missing"),
        (lambda body: body["contents"].append(body["contents"][0]), "contents: one of the user is expected"),
        (lambda body: body["contents"][0].update(role="model"), "contents: one of the user is expected"),
        (lambda body: body["contents"][0].update(parts=[]), "contents: one part of text is expected"),
        (lambda body: body.pop("systemInstruction"), "systemInstruction: one part of text is expected"),
        (_config(retries=1), "generationConfig.retries: extra_forbidden"),
        (_config(maxOutputTokens="many"), "generationConfig.maxOutputTokens: int_parsing"),
        (_config(maxOutputTokens=0), "generationConfig.maxOutputTokens: a limit is expected"),
        (_config(responseMimeType="text/plain"), "generationConfig.responseMimeType: JSON is expected"),
        (_config(responseJsonSchema=None), "generationConfig.responseJsonSchema: a schema is expected"),
        (
            _config(responseJsonSchema={"type": "array", "items": {"type": "string", "maxLength": 5}}),
            "generationConfig.responseJsonSchema: the service does not know maxLength",
        ),
        (_config(temperature=0.2), "generationConfig.temperature: this model is to be left its own sampling"),
        (
            _config(thinkingConfig={"thinkingLevel": "LOW"}),
            "generationConfig.thinkingConfig: the least thinking that this model takes is expected",
        ),
        (_config(thinkingConfig={"deep": 1}), "generationConfig.thinkingConfig.deep: extra_forbidden"),
    ],
)
def test_a_wrong_question_is_refused_with_its_fault_alone(change: Change, fault: str) -> None:
    body = copy.deepcopy(ASKED)
    change(body)

    response, faults = answered(GENERATE, body, HEADERS)

    assert (response.status_code, faults) == (400, [fault])


@pytest.mark.parametrize(
    ("path", "body", "fault"),
    [
        (PREDICT, {**PREDICTED, "instances": TWO}, "instances: this model takes one text a request"),
        (PREDICT, {**PREDICTED, "parameters": {}}, SHORTER),
        (PREDICT, {**PREDICTED, "instances": [{"content": "x"}]}, "task type: one for likeness is expected"),
        (PREDICT, {**PREDICTED, "more": 1}, "more: extra_forbidden"),
        (EMBED, {**EMBEDDED, "embedContentConfig": {}}, "task type: one for likeness is expected"),
        (EMBED, {**EMBEDDED, "content": {"parts": []}}, "content: one part of text is expected"),
        (GENERATE, "no JSON", "the body is no JSON"),
        (GENERATE, [], " : model_type"),
    ],
)
def test_a_wrong_body_is_refused_with_its_fault_alone(path: str, body: Any, fault: str) -> None:
    response, faults = answered(path, body, HEADERS)

    assert (response.status_code, faults) == (400, [fault.strip(" ")])


@pytest.mark.parametrize(
    ("path", "headers", "status", "fault"),
    [
        ("/", {}, 404, "the path is none of this service's"),
        (GENERATE.replace("v1beta1", "v1"), {}, 404, "the path is none of this service's"),
        (GENERATE.replace("a-project", "b"), {}, 404, "the path is none of this service's"),
        (GENERATE.replace("generateContent", "chat"), {}, 404, "the path is none of this service's"),
        (GENERATE, {"Authorization": "Bearer other"}, 401, "Authorization: another token is expected"),
        (GENERATE, {"Content-Type": "text/plain"}, 400, "Content-Type: JSON is expected"),
        (GENERATE, {"X-Server-Timeout": "-1"}, 400, "X-Server-Timeout: seconds are expected"),
        (GENERATE, {"x-goog-api-key": "k"}, 400, "x-goog-api-key: no key is expected beside a token"),
    ],
)
def test_a_wrong_address_is_refused_with_its_fault_alone(
    path: str, headers: dict[str, str], status: int, fault: str
) -> None:
    response, faults = answered(path, ASKED, {**HEADERS, **headers})

    assert (response.status_code, faults) == (status, [fault])


def test_a_warm_model_of_the_second_generation_is_a_fault() -> None:
    body = copy.deepcopy(ASKED)
    body["generationConfig"] |= {"temperature": 0.9, "thinkingConfig": {"thinkingBudget": 0}}

    _, faults = answered(GENERATE.replace("3.5", "2.5"), body, HEADERS)

    assert faults == ["generationConfig.temperature: a low one is expected"]


def test_the_library_reads_a_refusal_as_googles() -> None:
    response, _ = answered(GENERATE, {}, HEADERS)

    with pytest.raises(ClientError) as raised:
        APIError.raise_for_response(response)

    assert (raised.value.code, raised.value.status) == (400, "INVALID_ARGUMENT")


def test_a_script_is_asked_what_the_model_was_asked(google: GoogleModelsStandIn) -> None:
    google.answer = lambda asked: json.dumps([asked.instruction, asked.content, asked.most_output_tokens])
    model = GeminiModel(google.project, google.location, "gemini-3.5-flash", base_url=google.url)

    answer = model.answer(ModelRequest("do", "this", {"type": "array", "items": {"type": "string"}}, 90))

    assert json.loads(answer.text) == ["do", "this", 90]


def test_an_obeying_model_keeps_to_its_schema() -> None:
    schema: Any = {
        "type": "object",
        "properties": {
            "kind": {"type": "string", "enum": ["one", "two"]},
            "steps": {"type": "array", "items": {"type": "integer", "minimum": 3}, "minItems": 2},
            "sure": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
            "left": {"type": "string"},
        },
        "required": ["kind", "steps", "sure"],
    }

    told = json.loads(obeying(Generation("gemini", "do", "this", schema, 10)))

    assert told == {"kind": "one", "steps": [3, 3], "sure": True}


@pytest.mark.parametrize(
    ("method", "reply"),
    [
        ("generateContent", saying("text", thoughts=3, thought="hm")),
        ("generateContent", saying(None, finish="SAFETY")),
        ("generateContent", blocked_prompt()),
        ("generateContent", no_candidates()),
        ("generateContent", refused(429, retry_delay="3.5s")),
        ("predict", vector([0.5], "text", predicted=True)),
        ("embedContent", vector([0.5], "text", predicted=False)),
    ],
)
def test_every_kind_of_answer_is_the_vendors(method: str, reply: Reply) -> None:
    assert hold_answers([(method, reply)]) == 1


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [
        ("generateContent", {"candidates": [{"text": "x"}], "usageMetadata": {}}, 200),
        ("generateContent", {"usageMetadata": {"promptTokenCount": 1, "totalTokenCount": 2}}, 200),
        ("generateContent", {"candidates": [{"finishReason": "DONE"}]}, 200),
        ("predict", {"predictions": [{"embeddings": {"value": [1]}}], "metadata": {}}, 200),
        ("predict", {"error": {"code": 400, "status": "BAD", "message": "x"}}, 400),
        ("predict", {"error": {"code": 400, "status": "ABORTED", "details": [{"@type": "x/y"}]}}, 400),
    ],
)
@pytest.mark.filterwarnings("ignore:.* is not a valid FinishReason")
def test_an_answer_that_is_not_the_vendors_is_noticed(method: str, body: Any, status: int) -> None:
    with pytest.raises((ValueError, AssertionError, TypeError, json_format.ParseError)):
        hold_answers([(method, json_reply(body, status))])
