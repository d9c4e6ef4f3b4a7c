"""What a request to Google's models may look like: held to the client library's types, and to our rules."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from google.genai import types
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from pydantic.alias_generators import to_camel

from shared.topology import VECTOR_DIMENSIONS

# What the vendor says of each model: how it may think, least first; a number is a budget in tokens.
THINKING: dict[str, tuple[str | int, ...]] = {
    "gemini-2.5-flash": (0,),
    "gemini-2.5-pro": (128,),
    "gemini-3.1-pro-preview": ("LOW", "MEDIUM", "HIGH"),
    "gemini-3.5-flash": ("MINIMAL", "LOW", "MEDIUM", "HIGH"),
    "gemini-3.5-flash-lite": ("MINIMAL", "LOW", "MEDIUM", "HIGH"),
    "gemini-3.8-flash": ("LOW", "MEDIUM", "HIGH"),
}
_WARMEST = 0.3
_MOST_TOKENS = 65_536
# The words of JSON Schema that the service knows, as the library tells of `response_json_schema`.
_SCHEMA_WORDS = frozenset(
    {"$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items"}
    | {"prefixItems", "minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties"}
    | {"additionalProperties", "required", "propertyOrdering"}
)
_TASKS = frozenset({"SEMANTIC_SIMILARITY", "CLUSTERING"})


Parsed = TypeVar("Parsed", bound=BaseModel)


class Generation(NamedTuple):
    """A request for text, as a script is asked it."""

    model: str
    instruction: str
    content: str
    schema: dict[str, JsonValue]
    most_output_tokens: int


class Embedding(NamedTuple):
    """A request for the vector of a text."""

    model: str
    text: str


class FaultError(Exception):
    """A request is wrong; says where."""


class _Rest(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)


class _GenerateContent(_Rest):
    contents: list[types.Content]
    system_instruction: types.Content | None = None
    generation_config: types.GenerationConfig | None = None


class _Instance(BaseModel):
    model_config = ConfigDict(extra="forbid")
    content: str
    task_type: str | None = None


class _Parameters(_Rest):
    output_dimensionality: int | None = None
    auto_truncate: bool | None = None


class _Predict(_Rest):
    instances: list[_Instance]
    parameters: _Parameters = _Parameters()


class _EmbedContentConfig(_Rest):
    task_type: str | None = None
    output_dimensionality: int | None = None
    auto_truncate: bool | None = None


class _EmbedContent(_Rest):
    content: types.Content
    embed_content_config: _EmbedContentConfig = _EmbedContentConfig()


def generation_of(model: str, body: Any) -> Generation:
    """Read a request of generateContent; raises FaultError."""
    asked = _parsed(_GenerateContent, body)
    config = asked.generation_config or types.GenerationConfig()
    for fault in (*_shaped(config), *_sampled(model, config)):
        raise FaultError(fault)
    if len(asked.contents) != 1 or asked.contents[0].role != "user":
        raise FaultError("contents: one of the user is expected")
    return Generation(
        model=model,
        instruction=_text("systemInstruction", asked.system_instruction),
        content=_text("contents", asked.contents[0]),
        schema=config.response_json_schema or {},
        most_output_tokens=config.max_output_tokens or 0,
    )


def prediction_of(model: str, body: Any) -> Embedding:
    """Read a request of predict to an embedding model, which takes one text; raises FaultError."""
    asked = _parsed(_Predict, body)
    if len(asked.instances) != 1:
        raise FaultError("instances: this model takes one text a request")
    _embeddable(asked.instances[0].task_type, asked.parameters.output_dimensionality)
    return _embedding(model, asked.instances[0].content)


def embedding_of(model: str, body: Any) -> Embedding:
    """Read a request of embedContent; raises FaultError."""
    asked = _parsed(_EmbedContent, body)
    config = asked.embed_content_config
    _embeddable(config.task_type, config.output_dimensionality)
    return _embedding(model, _text("content", asked.content))


def check_headers(headers: Mapping[str, str]) -> None:
    """Look at all headers but the authorization, which is answered otherwise; raises FaultError."""
    if headers.get("content-type") != "application/json":
        raise FaultError("Content-Type: JSON is expected")
    if not headers.get("x-server-timeout", "").isdecimal():
        raise FaultError("X-Server-Timeout: seconds are expected")
    if "x-goog-api-key" in headers:
        raise FaultError("x-goog-api-key: no key is expected beside a token")


def _parsed(kind: type[Parsed], body: Any) -> Parsed:
    # The library's types know a field by Python's name too, as the service does: of a thinking
    # configuration the library sends just that.
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        raise FaultError(".".join(map(str, first["loc"])) + f": {first['type']}") from None


def _shaped(config: types.GenerationConfig) -> Iterator[str]:
    if config.response_mime_type != "application/json":
        yield "generationConfig.responseMimeType: JSON is expected"
    if not isinstance(config.response_json_schema, dict) or not config.response_json_schema:
        yield "generationConfig.responseJsonSchema: a schema is expected"
    yield from _unknown_words(config.response_json_schema)
    if not 1 <= (config.max_output_tokens or 0) <= _MOST_TOKENS:
        yield "generationConfig.maxOutputTokens: a limit is expected"


def _sampled(model: str, config: types.GenerationConfig) -> Iterator[str]:
    third = model.startswith("gemini-3")
    if third and {config.temperature, config.top_p, config.top_k} != {None}:
        yield "generationConfig.temperature: this model is to be left its own sampling"
    if not third and (config.temperature is None or config.temperature > _WARMEST):
        yield "generationConfig.temperature: a low one is expected"
    thinking = config.thinking_config or types.ThinkingConfig()
    level = thinking.thinking_level.value if thinking.thinking_level else thinking.thinking_budget
    if level != THINKING[model][0] or thinking.include_thoughts:
        yield "generationConfig.thinkingConfig: the least thinking that this model takes is expected"


def _unknown_words(schema: Any) -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    if unknown := sorted(set(schema) - _SCHEMA_WORDS):
        yield f"generationConfig.responseJsonSchema: the service does not know {', '.join(unknown)}"
    for word in ("items", "additionalProperties"):
        yield from _unknown_words(schema.get(word))
    for word in ("properties", "$defs"):
        for below in schema.get(word, {}).values():
            yield from _unknown_words(below)
    for word in ("anyOf", "oneOf", "prefixItems"):
        for below in schema.get(word, []):
            yield from _unknown_words(below)


def _text(where: str, content: types.Content | None) -> str:
    parts = (content.parts or []) if content else []
    if len(parts) != 1 or not parts[0].text:
        raise FaultError(f"{where}: one part of text is expected")
    return parts[0].text


def _embeddable(task: str | None, dimensions: int | None) -> None:
    if task not in _TASKS:
        raise FaultError("task type: one for likeness is expected")
    if dimensions != VECTOR_DIMENSIONS:
        raise FaultError("outputDimensionality: the length of our vectors is expected")


def _embedding(model: str, text: str) -> Embedding:
    if not text:
        raise FaultError("content: a text is expected")
    return Embedding(model, text)
