"""What Google's model endpoint answers, good and bad, as its REST spells it."""

import json
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, NamedTuple

_CHARACTERS_OF_A_TOKEN = 4
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
# A word of the service's own messages, which must come up nowhere else.
SERVICE_WORDS = "told-by-the-service"


class Manner(Enum):
    """How an answer is sent."""

    AT_ONCE = auto()
    # After so long that nobody waits for it.
    NEVER = auto()
    DRIPPING_HEAD = auto()
    DRIPPING_BODY = auto()
    # The connection is reset in place of an answer.
    RESET = auto()


class Reply(NamedTuple):
    """What is sent back."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json; charset=UTF-8"),)
    manner: Manner = Manner.AT_ONCE


def json_reply(body: Any, status: int = HTTPStatus.OK) -> Reply:
    return Reply(status, json.dumps(body).encode())


def tokens_of(text: str) -> int:
    """Count tokens as roughly as the vendor does for people."""
    return -(-len(text) // _CHARACTERS_OF_A_TOKEN)


def saying(
    text: str | None,
    *,
    finish: str = "STOP",
    prompt: int = 11,
    thoughts: int = 0,
    thought: str = "",
    **candidate: Any,
) -> Reply:
    """Answer with a text, or with a candidate that has no parts."""
    parts = [{"text": thought, "thought": True}] if thought else []
    if text is not None:
        parts.append({"text": text})
    said = 0 if text is None else tokens_of(text)
    content: dict[str, Any] = {"role": "model"} | ({"parts": parts} if parts else {})
    return json_reply(
        {
            "candidates": [{"content": content, "finishReason": finish, **candidate}],
            "usageMetadata": _usage(prompt, said, thoughts),
            "modelVersion": "gemini",
            "createTime": "2026-11-03T12:00:00.000000Z",
            "responseId": "an-id",
        }
    )


def blocked_prompt(reason: str = "PROHIBITED_CONTENT", *, prompt: int = 11) -> Reply:
    """Answer with no candidate, as what was shown is not allowed."""
    feedback = {"blockReason": reason, "blockReasonMessage": SERVICE_WORDS}
    return json_reply({"promptFeedback": feedback, "usageMetadata": _usage(prompt)})


def no_candidates() -> Reply:
    """Answer with nothing but what it cost."""
    return json_reply({"usageMetadata": _usage(11)})


def vector(values: list[float], text: str, *, predicted: bool) -> Reply:
    """Answer with a vector, in the shape of predict or of embedContent."""
    if predicted:
        statistics = {"truncated": False, "token_count": tokens_of(text)}
        return json_reply(
            {
                "predictions": [{"embeddings": {"values": values, "statistics": statistics}}],
                "metadata": {"billableCharacterCount": len(text)},
            }
        )
    usage = {"promptTokenCount": tokens_of(text), "totalTokenCount": tokens_of(text)}
    return json_reply({"embedding": {"values": values}, "usageMetadata": usage, "truncated": False})


def refused(
    status: int,
    message: str = SERVICE_WORDS,
    *,
    retry_after: str | None = None,
    retry_delay: str | None = None,
) -> Reply:
    """Answer with an error as Google spells it."""
    error: dict[str, Any] = {"code": status, "message": message, "status": _STATUSES.get(status, "UNKNOWN")}
    if retry_delay is not None:
        error["details"] = [
            {"@type": "type.googleapis.com/google.rpc.Help", "links": [{"description": SERVICE_WORDS}]},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": retry_delay},
        ]
    reply = json_reply({"error": error}, status)
    if retry_after is not None:
        reply = reply._replace(headers=(*reply.headers, ("Retry-After", retry_after)))
    return reply


def page(status: int, body: bytes = b"<html><title>told-by-the-service</title></html>") -> Reply:
    """Answer as a proxy does that stands before the service."""
    return Reply(status, body, (("Content-Type", "text/html"),))


def moved(status: int, where: str) -> Reply:
    """Answer that it is to be asked for elsewhere."""
    return Reply(status, b"", (("Location", where),))


def sent(manner: Manner) -> Reply:
    """Answer well, but in this manner."""
    return saying('{"ok": true}')._replace(manner=manner)


def _usage(prompt: int, said: int = 0, thoughts: int = 0) -> dict[str, Any]:
    counts = {"promptTokenCount": prompt, "totalTokenCount": prompt + said + thoughts}
    if said:
        counts["candidatesTokenCount"] = said
    if thoughts:
        counts["thoughtsTokenCount"] = thoughts
    return {**counts, "trafficType": "ON_DEMAND"}
