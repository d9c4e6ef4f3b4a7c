"""A story as a tracer records it: spans as Datadog's search returns them."""

import json
from collections.abc import Iterator
from datetime import datetime
from random import Random
from typing import NamedTuple

from pydantic import JsonValue

from functions.local.sampling.shop import JsonObject
from functions.local.sampling.story import (
    RETRIEVALS,
    Answered,
    Asked,
    Broke,
    Checked,
    Fault,
    Step,
    Story,
    Used,
    Verdict,
)
from functions.local.sampling.world import CHANNELS, NETWORKS, SYSTEM_PROMPT

NO_PARENT = "undefined"
# What Datadog itself adds to the tags of a span that it has taken in.
ADDED_TAGS = ("ml_app:", "session_id:", "source:", "error:", "error_type:")
_VERSION = "2.4.0"
_MODEL: JsonObject = {"model_name": "gpt-4.1-mini", "model_provider": "openai"}
_SECOND = 10**9
# What the definitions of the tools come to.
_TOOL_TOKENS = 420
_TOKENS_A_WORD = 1.5


class _Place(NamedTuple):
    """Where a span stands."""

    span_id: str
    parent_id: str
    name: str
    kind: str
    start_ns: int


class _Ending(NamedTuple):
    """What a span came to."""

    failed: bool = False
    fault: Fault | None = None
    verdicts: tuple[Verdict, ...] = ()


class Recorder:
    """Writes one run down: ids, times, tokens, and who said what so far."""

    def __init__(self, ml_app: str, start: datetime, *, ids: Random, pace: Random) -> None:
        """`ids` is drawn from for ids alone, `pace` for times and places."""
        self._ml_app = ml_app
        self._ids = ids
        self._pace = pace
        self._start_ns = int(start.timestamp()) * _SECOND + pace.randrange(1000) * 10**6
        self._now_ns = self._start_ns
        self._trace_id = f"{self._start_ns // _SECOND:08x}00000000{ids.getrandbits(64):016x}"
        self._session = f"s-{ids.getrandbits(48):012x}"
        self._history: list[JsonValue] = [{"role": "system", "content": SYSTEM_PROMPT}]

    def spans_of(self, story: Story) -> list[JsonObject]:
        """Lay a story out: the root first, the steps in their order."""
        root_id = self._span_id()
        workflow_id = self._span_id() if story.workflow else ""
        self._wait(0.008, 0.02)
        inner = _Place(workflow_id, root_id, story.workflow, "workflow", self._now_ns)
        outer = _Place(root_id, NO_PARENT, "shop-assistant.chat", "agent", self._start_ns)
        steps = [span for step in story.steps for span in self._step(step, workflow_id or root_id)]
        said: JsonObject = {
            "input": {"value": next(step.text for step in story.steps if isinstance(step, Asked))},
            "output": {"value": story.answer or _last_word(story)},
        }
        workflow = [self._span(inner, said, _Ending(story.failed))] if story.workflow else []
        self._wait(0.004, 0.02)
        whole = {**said, "metadata": {**self._request(story), **(story.metadata or {})}}
        about = (f"usr.id:{story.customer.id}", f"user.email:{story.customer.email}")
        root = self._span(outer, whole, _Ending(story.failed, verdicts=story.verdicts), about)
        return [root, *workflow, *steps]

    def _step(self, step: Step, parent: str) -> Iterator[JsonObject]:
        match step:
            case Asked(text):
                if len(self._history) > 1:
                    self._wait(6, 40)  # people read and type
                self._history.append({"role": "user", "content": text})
            case Answered(text, seconds, input_tokens):
                message: JsonObject = {"role": "assistant", "content": text}
                yield self._model(parent, message, _Ending(), seconds, input_tokens)
            case Broke(fault, seconds, input_tokens):
                yield self._model(parent, None, _Ending(fault=fault), seconds, input_tokens)
            case Used() as used:
                yield from self._used(used, parent)
            case Checked(name, given, came_to, metadata):
                place = self._place(parent, name, "task", self._wait(0.01, 0.06))
                said: JsonObject = {"input": _text(given), "output": _text(came_to), "metadata": metadata}
                yield self._span(place, said, _Ending())

    def _used(self, used: Used, parent: str) -> Iterator[JsonObject]:
        """Record the model's call of a tool, and the tool's work."""
        call: JsonObject = {"name": used.tool, "arguments": used.arguments}
        call |= {"tool_id": f"call_{self._ids.getrandbits(56):014x}", "type": "function"}
        message: JsonObject = {"role": "assistant", "content": used.said, "tool_calls": [call]}
        yield self._model(parent, message, _Ending(verdicts=used.judged))
        low, high = (used.seconds, used.seconds + 0.05) if used.seconds else (0.06, 0.35)
        kind = "retrieval" if used.tool in RETRIEVALS else "tool"
        place = self._place(parent, used.tool, kind, self._wait(low, high))
        output: JsonObject = {"value": used.fault.text} if used.fault else _text(used.result)
        self._history.append({"role": "tool", "content": output["value"]})
        said: JsonObject = {"input": _text(used.arguments), "output": output}
        yield self._span(place, said, _Ending(fault=used.fault))

    def _model(
        self,
        parent: str,
        message: JsonObject | None,
        ending: _Ending,
        seconds: float | None = None,
        input_tokens: int | None = None,
    ) -> JsonObject:
        """Record a call of the model, which ends in a message or in an error."""
        asked = [*self._history]
        failing: JsonObject = {"value": ending.fault.text if ending.fault else ""}
        given = input_tokens or _TOOL_TOKENS + _tokens(asked)
        got = _tokens(message) if message else 0
        usual = 0.4 + got * 0.012
        start_ns = self._wait(*((seconds, seconds * 1.01) if seconds else (usual, usual * 1.6)))
        if message:
            self._history.append(message)
        said: JsonObject = {
            "input": {"messages": asked},
            "output": {"messages": [message]} if message else failing,
            "metadata": {"temperature": 0.2},
            "metrics": {"input_tokens": given, "output_tokens": got, "total_tokens": given + got},
            **_MODEL,
        }
        return self._span(self._place(parent, "chat_completion", "llm", start_ns), said, ending)

    def _span(
        self, place: _Place, said: JsonObject, ending: _Ending, about: tuple[str, ...] = ()
    ) -> JsonObject:
        """Spell a span that ends now."""
        broken, fault = ending.failed or ending.fault is not None, ending.fault
        metadata = dict(_object(said.get("metadata")))
        if fault and fault.http_status:
            metadata["http.status_code"] = fault.http_status
        kind = [f"error_type:{fault.kind}"] if fault else []
        attributes: JsonObject = {
            "span_id": place.span_id,
            "trace_id": self._trace_id,
            "parent_id": place.parent_id,
            "name": place.name,
            "span_kind": place.kind,
            "status": "error" if broken else "ok",
            "start_ns": place.start_ns,
            "duration": float(self._now_ns - place.start_ns),
            "ml_app": self._ml_app,
            "input": said["input"],
            "output": said["output"],
            "metadata": metadata,
            "metrics": said.get("metrics", {}),
            "tags": [*self._tags(broken=broken), *kind, *about],
            **{key: value for key, value in said.items() if key in _MODEL},
        }
        if ending.verdicts:
            attributes["evaluation"] = {verdict.label: _evaluation(verdict) for verdict in ending.verdicts}
        return {"id": place.span_id, "type": "span", "attributes": attributes}

    def _tags(self, *, broken: bool) -> list[str]:
        return [
            *("env:prod", "service:shop-assistant", f"ml_app:{self._ml_app}", f"session_id:{self._session}"),
            *("source:llm-observability", f"version:{_VERSION}", f"error:{int(broken)}"),
        ]

    def _request(self, story: Story) -> JsonObject:
        """Spell what a web framework knows of a request, which is more than it should tell.

        The intake documents metadata as one level of keys, so that is what there is.
        """
        who, number = story.customer, story.customer.id.removeprefix("u_")
        return {
            "channel": self._pace.choice(CHANNELS),
            "usr.id": who.id,
            "user.name": who.name,
            "user.email": who.email,
            "user.phone": who.phone,
            "user.address": who.address,
            "http.method": "POST",
            "http.path": "/assistant/messages",
            "http.client_ip": f"{self._pace.choice(NETWORKS)}.{self._pace.randint(1, 254)}",
            "http.headers.cookie": f"lb_session=sample-{number}",
            "http.headers.authorization": f"Bearer sample-token-{number}",
        }

    def _place(self, parent: str, name: str, kind: str, start_ns: int) -> _Place:
        return _Place(self._span_id(), parent, name, kind, start_ns)

    def _wait(self, low: float, high: float) -> int:
        """Let time pass, and say when it began."""
        before = self._now_ns
        self._now_ns += int(self._pace.uniform(low, high) * 10**6) * 1000
        return before

    def _span_id(self) -> str:
        return str(self._ids.getrandbits(63))


def _last_word(story: Story) -> str:
    return next(step.text for step in reversed(story.steps) if isinstance(step, Answered))


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _text(value: JsonObject) -> JsonObject:
    return {"value": json.dumps(value, ensure_ascii=False)}


def _tokens(value: JsonValue) -> int:
    """Count by words: a date has as many of them in any week."""
    return int(len(json.dumps(value, ensure_ascii=False).split()) * _TOKENS_A_WORD)


def _evaluation(verdict: Verdict) -> JsonObject:
    told: JsonObject = {"value": verdict.value}
    if verdict.assessment:
        told["assessment"] = verdict.assessment
    kind = "score" if isinstance(verdict.value, int | float) else "categorical"
    return {**told, "eval_metric_type": kind, "reasoning": verdict.reasoning, "status": "OK", "tags": []}
