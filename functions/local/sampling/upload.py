"""Samples sent to Datadog: spans in the form of its HTTP intake, then the evaluations that join them."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import NamedTuple

import httpx
from pydantic import JsonValue

from functions.local.sampling.recording import ADDED_TAGS
from functions.local.sampling.shop import JsonObject
from functions.local.sampling.traces import Sample
from shared.cloud.datadog_failures import Call, refusal, retry_after
from shared.errors import ConfigError, EvalForgeError, UnavailableError

SPANS_PATH = "/api/intake/llm-obs/v1/trace/spans"
EVALUATIONS_PATH = "/api/intake/llm-obs/v2/eval-metric"
_SPANS = Call("the intake of spans", "none")
_EVALUATIONS = Call("the intake of evaluations", "none")
# Datadog's own tracer sends up to 5 MiB at a time; a fifth of it shows progress, and is soon sent again.
MOST_BYTES = 2**20
MOST_ITEMS = 500
_SECONDS = 30.0
_ATTEMPTS = 4
_LONGEST_WAIT = 30.0
_OF_METADATA = ("model_name", "model_provider")

Sleep = Callable[[float], None]
Progress = Callable[["Sent"], None]


class Sent(NamedTuple):
    """What Datadog has taken so far."""

    spans: int = 0
    evaluations: int = 0


class Intake:
    """Posts to the intake, a few times where it asks to come back."""

    def __init__(self, base_url: str, api_key: str, *, sleep: Sleep = time.sleep) -> None:
        """`base_url` is the site's own address, or that of a stand-in."""
        self.base_url = base_url.rstrip("/")
        self._headers = {"DD-API-KEY": api_key, "Content-Type": "application/json"}
        self._sleep = sleep

    def post(self, call: Call, path: str, body: bytes) -> None:
        """Post one request.

        Raises:
            ConfigError: the key is not taken.
            UnavailableError: Datadog does not answer, or asks to wait for longer than a command may.
        """
        for attempt in range(_ATTEMPTS):
            answer: httpx.Response | None = None
            try:
                url = self.base_url + path
                answer = httpx.post(url, content=body, headers=self._headers, timeout=_SECONDS)
            except httpx.HTTPError as error:
                failure: EvalForgeError = UnavailableError(
                    f"{self.base_url} did not answer: {type(error).__name__}; check DATADOG_SITE"
                )
            else:
                if answer.is_success:
                    return
                failure = _failure(call, answer, self.base_url)
            wait = _wait(answer, attempt)
            if not isinstance(failure, UnavailableError) or attempt == _ATTEMPTS - 1:
                raise failure
            if wait > _LONGEST_WAIT:
                raise UnavailableError(f"{failure}; it asks to be left alone for {wait:.0f} s") from None
            self._sleep(wait)


def upload(told: Iterable[Sample], intake: Intake, *, ml_app: str, progress: Progress) -> Sent:
    """Send all spans, then all evaluations; an error says what had been taken by then."""
    sent = Sent()
    metrics: list[JsonObject] = []

    def spans() -> Iterator[JsonObject]:
        for sample in told:
            for item in sample.spans:
                metrics.extend(evaluations_of(item))
                yield span_of(item)

    try:
        for batch in _batches(spans()):
            intake.post(_SPANS, SPANS_PATH, _body("span", {"ml_app": ml_app, "spans": batch}))
            sent = sent._replace(spans=sent.spans + len(batch))
            progress(sent)
        for batch in _batches(metrics):
            intake.post(_EVALUATIONS, EVALUATIONS_PATH, _body("evaluation_metric", {"metrics": batch}))
            sent = sent._replace(evaluations=sent.evaluations + len(batch))
            progress(sent)
    except EvalForgeError as error:
        raise type(error)(f"{error}; {_so_far(sent)}") from None
    return sent


def span_of(item: JsonObject) -> JsonObject:
    """Turn a span of a search into one of the intake, without what Datadog adds by itself."""
    told = _attributes(item)
    listed = [str(tag) for tag in _list(told["tags"])]
    tags = {name: value for name, _, value in (tag.partition(":") for tag in listed)}
    metadata = {**_object(told["metadata"]), **{key: told[key] for key in _OF_METADATA if key in told}}
    meta: JsonObject = {
        "kind": told["span_kind"],
        "input": told["input"],
        "output": _as_messages(told["output"]) if told["span_kind"] == "llm" else told["output"],
        "metadata": metadata,
    }
    if kind := tags.get("error_type"):
        meta["error"] = {"type": kind, "message": _object(told["output"])["value"]}
    copied = ("span_id", "trace_id", "parent_id", "name", "status", "start_ns", "duration", "metrics")
    return {
        **{key: told[key] for key in copied},
        "session_id": tags["session_id"],
        "tags": [tag for tag in listed if not tag.startswith(ADDED_TAGS)],
        "meta": meta,
    }


def _as_messages(output: JsonValue) -> JsonValue:
    """Spell what a failed call of a model said instead: the intake takes nothing but messages of a model."""
    match output:
        case {"value": text}:
            return {"messages": [{"role": "assistant", "content": text}]}
    return output


def evaluations_of(item: JsonObject) -> Iterator[JsonObject]:
    """Turn the evaluations of a span into metrics that join it by its ids, told when it ended."""
    told = _attributes(item)
    ended_ns = int(str(told["start_ns"])) + int(float(str(told["duration"])))
    for label, body in _object(told.get("evaluation")).items():
        verdict = _object(body)
        kind = str(verdict["eval_metric_type"])
        yield {
            "join_on": {"span": {"span_id": told["span_id"], "trace_id": told["trace_id"]}},
            "ml_app": told["ml_app"],
            "timestamp_ms": ended_ns // 10**6,
            "metric_type": kind,
            "label": label,
            f"{kind}_value": verdict["value"],
            **{key: verdict[key] for key in ("assessment", "reasoning") if verdict.get(key)},
        }


def _failure(call: Call, answer: httpx.Response, base_url: str) -> EvalForgeError:
    if answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return ConfigError(
            f"{base_url} does not take DATADOG_API_KEY ({answer.status_code}); check that it is an API key "
            "of this site, or name the site with --site"
        )
    return refusal(call, answer.status_code, None, answer.headers)


def _wait(answer: httpx.Response | None, attempt: int) -> float:
    """Say how long to wait: as asked, in either of two headers, else twice as long each time."""
    usual = float(2**attempt)
    if answer is None:
        return usual
    told = answer.headers.get("retry-after", "")
    asked = float(told) if told.isdecimal() else retry_after(answer.headers)
    return usual if asked is None else max(asked, 0.5)


def _batches(items: Iterable[JsonObject]) -> Iterator[list[JsonObject]]:
    """Cut a stream so that no request has too many or is too large."""
    batch: list[JsonObject] = []
    size = 0
    for item in items:
        length = len(json.dumps(item, ensure_ascii=False).encode())
        if batch and (len(batch) == MOST_ITEMS or size + length > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += length
    if batch:
        yield batch


def _body(kind: str, attributes: dict[str, object]) -> bytes:
    return json.dumps({"data": {"type": kind, "attributes": attributes}}, ensure_ascii=False).encode()


def _so_far(sent: Sent) -> str:
    if sent == Sent():
        return "nothing was sent"
    return (
        f"{sent.spans} spans and {sent.evaluations} evaluations had been taken; "
        "another upload sends all anew, under other ids"
    )


def _attributes(item: JsonObject) -> JsonObject:
    return _object(item["attributes"])


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _list(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []
