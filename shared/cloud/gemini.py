"""A text model of Google's Gemini family."""

import time
from collections.abc import Callable

from google import genai
from google.genai import types
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from shared.cloud.google_model_failures import Asked
from shared.cloud.google_models import PACE, GoogleModels, Pace, now
from shared.domain.model_calls import Trouble, Usage
from shared.errors import ModelTroubleError
from shared.ports import Clock, ModelAnswer, ModelRequest

_JSON = "application/json"
# The second generation is steadier when it is cold. Of the third Google says to leave sampling alone:
# colder than its default it may loop, and from 3.6 on it takes no sampling parameters.
_COLD = 0.2
# Later models of the third generation refuse the least level: it is for those that are known to take it.
_MINIMAL = frozenset(
    {
        "gemini-3-flash-preview",
        "gemini-3.1-flash-lite",
        "gemini-3.5-flash",
        "gemini-3.5-flash-lite",
        "gemini-3.6-flash",
    }
)
_LEAST_BUDGET_OF_PRO = 128
_ENDED = frozenset({"STOP", "FINISH_REASON_UNSPECIFIED", ""})
_CUT_OFF = frozenset({"MAX_TOKENS", "CONTINUATION"})
_BLOCKED = frozenset({"SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION"})
_PROBE = ModelRequest(
    instruction="Say that you are there.",
    content="Are you there?",
    schema={"type": "object", "properties": {"there": {"type": "boolean"}}, "required": ["there"]},
    # What it thinks counts too.
    most_output_tokens=256,
)


class GeminiModel:
    """Asks one model; nothing is connected until then, and threads may share it."""

    def __init__(
        self,
        project: str,
        location: str,
        model: str,
        *,
        base_url: str | None = None,
        pace: Pace = PACE,
        clock: Clock = now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`base_url` is the address of a stand-in on loopback; raises ConfigError."""
        self.name = model
        self._service = GoogleModels(
            Asked(model, "GEMINI_MODEL"),
            project,
            location,
            base_url=base_url,
            pace=pace,
            clock=clock,
            sleep=sleep,
        )

    def answer(self, request: ModelRequest) -> ModelAnswer:
        """Ask once, within the pace's limit; raises ModelTroubleError where no answer came of it."""
        told = self._service.ask(lambda client: self._generated(client, request))
        return _read(told.answer, told.seconds)

    def probe(self) -> Usage:
        """Find out whether the model answers, and for how few tokens; raises as `answer` does."""
        try:
            return self.answer(_PROBE).usage
        except ModelTroubleError as error:
            if error.trouble is not Trouble.CUT_OFF:
                raise
            return error.usage

    def _generated(self, client: genai.Client, request: ModelRequest) -> "_Generated":
        response = client.models.generate_content(
            model=self.name,
            contents=[types.Content(role="user", parts=[types.Part(text=request.content)])],
            config=types.GenerateContentConfig(
                system_instruction=request.instruction,
                response_mime_type=_JSON,
                response_json_schema=dict(request.schema),
                max_output_tokens=request.most_output_tokens,
                temperature=_temperature(self.name),
                thinking_config=_thinking(self.name),
                automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
                # The library would ask on where an answer is cut off, and fail on one that is nested deeply.
                should_return_http_response=True,
            ),
        )
        body = response.sdk_http_response.body if response.sdk_http_response else None
        return _Generated.model_validate_json(body or "")


class _Told(BaseModel):
    """Part of an answer; what is not asked for is left out, as services add fields."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, alias_generator=to_camel, defer_build=True
    )


class _Part(_Told):
    text: str = ""
    thought: bool = False


class _Content(_Told):
    parts: tuple[_Part, ...] = ()


class _Candidate(_Told):
    content: _Content = _Content()
    finish_reason: str = ""


class _Feedback(_Told):
    block_reason: str = ""


class _Counts(_Told):
    prompt_token_count: int = Field(default=0, ge=0)
    candidates_token_count: int = Field(default=0, ge=0)
    thoughts_token_count: int = Field(default=0, ge=0)


class _Generated(_Told):
    candidates: tuple[_Candidate, ...] = ()
    prompt_feedback: _Feedback = _Feedback()
    usage_metadata: _Counts = _Counts()


def _read(told: _Generated, seconds: float) -> ModelAnswer:
    counts = told.usage_metadata
    usage = Usage(
        input_tokens=counts.prompt_token_count,
        output_tokens=counts.candidates_token_count + counts.thoughts_token_count,
        seconds=seconds,
    )
    reason = told.candidates[0].finish_reason if told.candidates else ""
    if told.prompt_feedback.block_reason:
        raise ModelTroubleError(
            "the model's filter took offence at what it was shown", Trouble.BLOCKED, usage=usage
        )
    if reason in _BLOCKED:
        raise ModelTroubleError("the model's filter stopped its answer", Trouble.BLOCKED, usage=usage)
    if reason in _CUT_OFF:
        raise ModelTroubleError(
            "the model's answer is longer than it was allowed to be; allow more output tokens",
            Trouble.CUT_OFF,
            usage=usage,
        )
    parts = told.candidates[0].content.parts if told.candidates else ()
    text = "".join(part.text for part in parts if not part.thought)
    if reason not in _ENDED or not text.strip():
        raise ModelTroubleError("the model ended without an answer", Trouble.EMPTY, usage=usage)
    return ModelAnswer(text, usage)


def _temperature(model: str) -> float | None:
    return _COLD if model.startswith("gemini-2") else None


def _thinking(model: str) -> types.ThinkingConfig | None:
    """Choose the least thinking that a model takes; older ones than 2.5 do not think."""
    if model in _MINIMAL:
        return types.ThinkingConfig(thinking_level=types.ThinkingLevel.MINIMAL)
    if model.startswith("gemini-2.5"):
        return types.ThinkingConfig(thinking_budget=_LEAST_BUDGET_OF_PRO if "pro" in model else 0)
    if model.startswith(("gemini-1", "gemini-2")):
        return None
    return types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW)
