"""Classes and status codes say of what type an error is, however they are spelled."""

from typing import Any

import pytest

from functions.extract.error_types import type_of_error
from shared.domain.span_shapes import parse_span
from shared.domain.spans import Span
from shared.domain.taxonomy import FailureType as F
from tests.unit.build import record

NAMES = {
    F.RATE_LIMITED: "RateLimitError rate_limit rate-limit-exceeded RESOURCE_EXHAUSTED ResourceExhausted 429"
    " ThrottlingException TooManyRequests openai.RateLimitError insufficient_quota RATE_LIMIT_EXCEEDED",
    F.INFRASTRUCTURE_ERROR: "DEADLINE_EXCEEDED DeadlineExceeded ReadTimeout ConnectTimeoutError 503 502 500"
    " 504 529 ServiceUnavailable InternalServerError ConnectionError ECONNRESET overloaded_error"
    " APIConnectionError"
    " httpx.ReadTimeout BadGateway UNAVAILABLE INTERNAL RemoteProtocolError 408",
    F.CONTEXT_OVERFLOW: "context_length_exceeded ContextWindowExceededError max-context ContextLimitExceeded",
    F.MALFORMED_OUTPUT: "JSONDecodeError OutputParserException MalformedFunctionCall MALFORMED_FUNCTION_CALL"
    " json.decoder.JSONDecodeError LengthFinishReasonError",
    F.CLIENT_ERROR: "401 403 AuthenticationError PermissionDenied PERMISSION_DENIED UNAUTHENTICATED Forbidden"
    " AccessDeniedException InvalidApiKey",
    F.REFUSAL: "ContentFilter content_policy_violation SAFETY ContentPolicyViolationError content_filter",
    F.GUARDRAIL_FAILURE: "InputGuardrailTripwireTriggered guardrail_intervened",
    F.RUNAWAY_LOOP: "GraphRecursionError MaxTurnsExceeded RecursionLimitExceeded",
    F.WRONG_TOOL: "NoSuchToolError UnknownTool tool_not_found",
}
ASKED_WRONGLY = [
    *(
        "400",
        "404",
        "422",
        "BadRequestError",
        "NotFound",
        "NotFoundError",
        "ValidationError",
        "InvalidArgument",
    ),
    *(
        "INVALID_ARGUMENT",
        "pydantic_core.ValidationError",
        "invalid_request_error",
        "UnprocessableEntityError",
    ),
]
SPELLED = [(name, kind) for kind, names in NAMES.items() for name in names.split()]


def _span(kind: str = "llm", **fields: Any) -> Span:
    return parse_span(record("s", span_kind=kind, status="error", **fields))


@pytest.mark.parametrize(("name", "kind"), SPELLED)
def test_a_class_or_code_decides_in_any_spelling(name: str, kind: F) -> None:
    for spelled in (name, name.upper() if "_" in name else name, name.lower() if "_" in name else name):
        assert type_of_error(_span(error={"type": spelled, "message": "something else: not found"})) is kind


@pytest.mark.parametrize("name", ASKED_WRONGLY)
def test_what_was_asked_wrongly_is_the_callers_fault_for_a_tool_and_the_clients_for_others(name: str) -> None:
    assert type_of_error(_span("tool", error={"type": name})) is F.WRONG_ARGUMENTS
    assert type_of_error(_span("llm", error={"type": name})) is F.CLIENT_ERROR


@pytest.mark.parametrize(
    "fields",
    [
        {"error": {"type": "RateLimitError"}},
        {"error": {"code": 429}},
        {"error": {"message": "x", "kind": "rate_limit"}},
        {"meta": {"error": {"type": "RateLimitError"}}},
        {"meta": {"error.type": "RateLimitError"}},
        {"tags": ["error_type:RateLimitError"]},
        {"tags": ["error.type:openai.RateLimitError"]},
        {"metadata": {"http.status_code": 429}},
        {"metadata": {"status_code": "429"}},
        {"metadata": {"error_type": "RateLimitError"}},
        {"output": {"value": '{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}'}},
        {"output": {"value": "openai.RateLimitError: slow down, please"}},
        {"output": {"value": "Error code: 429 - {}"}},
        {"output": {"messages": [{"role": "assistant", "content": "429 Too Many Requests"}]}},
        {"status_message": "rate limit reached"},
    ],
)
def test_a_class_or_code_is_read_wherever_a_shape_tells_it(fields: dict[str, Any]) -> None:
    assert type_of_error(_span(**fields)) is F.RATE_LIMITED


def test_of_a_dotted_name_the_class_counts_not_where_it_lives() -> None:
    assert type_of_error(_span(error={"type": "redis.connection.AuthenticationError"})) is F.CLIENT_ERROR


def test_the_more_telling_of_two_names_decides() -> None:
    error = {"type": "invalid_request_error", "code": "context_length_exceeded", "status": 400}

    assert type_of_error(_span(error=error)) is F.CONTEXT_OVERFLOW


def test_a_class_that_says_nothing_leaves_it_to_the_code() -> None:
    assert type_of_error(_span(error={"type": "APIStatusError", "code": 503})) is F.INFRASTRUCTURE_ERROR


def test_a_class_that_says_nothing_leaves_it_to_the_text() -> None:
    assert type_of_error(_span(error={"type": "Exception", "message": "the request timed out"})) is (
        F.INFRASTRUCTURE_ERROR
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("seat 523 not found", F.WRONG_ARGUMENTS),
        ("order 429 does not exist", F.WRONG_ARGUMENTS),
        ("field 'quota_id' missing", F.WRONG_ARGUMENTS),
        ("the shelf is empty", F.CLIENT_ERROR),
        ("maximum context length is 8192 tokens", F.CONTEXT_OVERFLOW),
        ("Could not parse output", F.MALFORMED_OUTPUT),
    ],
)
def test_a_text_alone_is_read_for_words_not_for_any_number(text: str, kind: F) -> None:
    assert type_of_error(_span("tool", output={"value": text})) is kind


def test_an_error_that_tells_nothing_is_just_an_error() -> None:
    assert type_of_error(_span()) is F.LLM_ERROR
    assert type_of_error(_span("workflow", error={"type": "Exception", "message": "oh"})) is F.LLM_ERROR
