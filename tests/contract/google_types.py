"""Holds the stand-in's answers to the vendor's own types, which refuse what they do not know."""

import json
from collections.abc import Callable, Iterable
from typing import Any

from google.genai import types
from google.protobuf import json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2

from tests.contract.google_answers import Reply

# Reading an error's details takes their types to be loaded.
DETAILS = (error_details_pb2.RetryInfo, error_details_pb2.Help)


def hold_answers(answered: Iterable[tuple[str, Reply]]) -> int:
    """Parse every answer that is JSON, and say how many these were."""
    held = 0
    for method, reply in answered:
        if dict(reply.headers).get("Content-Type", "").startswith("application/json"):
            body = json.loads(reply.body)
            _HOLD[method](body) if reply.status == 200 else _error(reply.status, body)
            held += 1
    return held


def _generated(body: Any) -> None:
    told = types.GenerateContentResponse.model_validate(body)
    for candidate in told.candidates or []:
        assert candidate.finish_reason in set(types.FinishReason)
    counts = told.usage_metadata
    assert counts is not None
    parts = (counts.prompt_token_count, counts.candidates_token_count, counts.thoughts_token_count)
    assert counts.total_token_count == sum(part or 0 for part in parts)


def _predicted(body: Any) -> None:
    assert set(body) == {"predictions", "metadata"}
    types.EmbedContentMetadata.model_validate(body["metadata"])
    for prediction in body["predictions"]:
        types.ContentEmbedding.model_validate(prediction["embeddings"])


def _embedded(body: Any) -> None:
    assert set(body) == {"embedding", "usageMetadata", "truncated"}
    types.ContentEmbedding.model_validate(body["embedding"])
    types.GenerateContentResponseUsageMetadata.model_validate(body["usageMetadata"])


def _error(status: int, body: Any) -> None:
    assert set(body) == {"error"}
    error = dict(body["error"])
    assert error["code"] == status
    code_pb2.Code.Value(error.pop("status"))
    json_format.ParseDict(error, status_pb2.Status())


_HOLD: dict[str, Callable[[Any], None]] = {
    "generateContent": _generated,
    "predict": _predicted,
    "embedContent": _embedded,
}
