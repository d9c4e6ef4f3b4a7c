"""Outputs that are cut, are no JSON, break a schema or decline; arguments that break a definition."""

import json
from typing import Any

import pytest
from pydantic import JsonValue

from shared.domain.captures import Capture
from shared.domain.span_shapes import parse_span
from shared.domain.taxonomy import FailureType as F
from tests.unit.build import call, capture, model, record, root
from tests.unit.found import malformed_output, mismatched_arguments, refusal, the, truncated_output

SCHEMA: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"size": {"type": "integer"}, "mail": {"type": "string", "pattern": "^[a-z]+@[a-z.]+$"}},
    "required": ["size"],
}


def _said(said: str, **fields: Any) -> Capture:
    return capture(root(output={"value": said}), model("say", said=said, **fields))


def _shaped(said: str = "The parcel is on", **fields: Any) -> Capture:
    """Read the answering step as a search gives it."""
    message = {"role": "assistant", "content": said}
    told = {
        "output": {"messages": [message]},
        "parent_id": "root",
        "start_ns": 2_000,
        "span_kind": "llm",
        **fields,
    }
    return capture(root(), parse_span(record("say", **told)))


JSON_MODES: list[dict[str, Any]] = [
    {"metadata": {"response_format": {"type": "json_object"}}},
    {"metadata": {"response_format": "json_object"}},
    {"metadata": {"response_format": '{"type": "json_object"}'}},
    {"metadata": {"generation_config": {"response_mime_type": "application/json"}}},
    {"metadata": {"generationConfig": {"responseMimeType": "application/json"}}},
    {"metadata": {"gen_ai.request.response_format": "json_object"}},
    {"metadata": {"parameters": {"text": {"format": {"type": "json_schema"}}}}},
    {"response_format": {"type": "json_object"}},
]
SCHEMAS: list[dict[str, Any]] = [
    {"metadata": {"response_schema": SCHEMA}},
    {"metadata": {"output_schema": json.dumps(SCHEMA)}},
    {"metadata": {"generation_config": {"response_schema": {**SCHEMA, "type": "OBJECT"}}}},
    {
        "metadata": {
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
        }
    },
    {"json_schema": SCHEMA},
]


@pytest.mark.parametrize("fields", JSON_MODES + SCHEMAS)
def test_an_output_that_is_no_json_though_it_was_asked_for_is_blamed(fields: dict[str, Any]) -> None:
    finding = the(malformed_output(_shaped('Sure! {"size": 3}', **fields)))

    assert (finding.failure_type, finding.span_id) == (F.MALFORMED_OUTPUT, "say")
    assert finding.quote == 'Sure! {"size": 3}'


@pytest.mark.parametrize("fields", SCHEMAS)
def test_an_output_that_breaks_its_schema_is_blamed(fields: dict[str, Any]) -> None:
    assert the(malformed_output(_shaped('{"size": "large"}', **fields))).stable.endswith("type")
    assert the(malformed_output(_shaped("{}", **fields))).stable.endswith("required")


@pytest.mark.parametrize("fields", JSON_MODES + SCHEMAS)
@pytest.mark.parametrize("said", ['{"size": 3}', '```json\n{"size": 3}\n```', ' {"size": 3, "more": null}\n'])
def test_an_output_as_it_was_asked_for_is_not_blamed(fields: dict[str, Any], said: str) -> None:
    assert malformed_output(_shaped(said, **fields)) is None


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"metadata": {"response_format": {"type": "text"}}},
        {"metadata": {"tools": [{"name": "x", "schema": SCHEMA}]}},
        {"tool_definitions": [{"name": "x", "schema": SCHEMA}]},
        {"metadata": {"response_format": {"type": "json_object"}}, "status": "error"},
    ],
)
def test_an_output_that_was_not_asked_for_in_json_may_be_prose(fields: dict[str, Any]) -> None:
    assert malformed_output(_shaped("Sure!", **fields)) is None


def test_a_step_that_asks_for_tools_has_no_output_yet() -> None:
    asking = model("ask", said="Let me see", tools=("look",), metadata={"response_format": "json_object"})

    assert malformed_output(capture(root(), asking)) is None


def test_an_output_that_was_put_right_is_not_blamed() -> None:
    mode = {"response_format": "json_object"}
    first = model("first", said="Sure!", metadata=mode, start_ns=2_000)
    second = model("second", said="{}", metadata=mode, start_ns=3_000)

    assert malformed_output(capture(root(), first, second)) is None


def test_what_stands_for_a_redacted_value_breaks_no_schema() -> None:
    told = _shaped('{"size": 1, "mail": "ann@example.com"}', metadata={"response_schema": SCHEMA})

    assert "<EMAIL_1>" in told.spans[1].model_dump_json()
    assert malformed_output(told) is None


def _bomb(levels: int = 16) -> dict[str, JsonValue]:
    """Spell a schema of few lines that stands for very many parts."""
    parts: dict[str, JsonValue] = {
        f"d{at}": {"allOf": [{"$ref": f"#/$defs/d{at + 1}"}] * 8} for at in range(levels)
    }
    last: JsonValue = {"minProperties": 9}
    return {"type": "object", "allOf": [{"$ref": "#/$defs/d0"}], "$defs": {**parts, f"d{levels}": last}}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "$ref": "https://evil.example/schema.json"},
        {"type": "object", "$ref": "file:///etc/passwd"},
        {"type": "object", "allOf": [{"$ref": "#"}]},
        {
            "type": "object",
            "properties": {"size": {"$ref": "#/$defs/a"}},
            "$defs": {"a": {"$ref": "#/$defs/a"}},
        },
        {"type": "object", "properties": {"size": {"$ref": "#/$defs/none"}}},
        {"type": "object", "$id": "https://evil.example/", "properties": {"size": {"$ref": "x"}}},
        {"type": "no such type", "required": ["x"]},
        {"type": "object", "patternProperties": {"(?<=a)b": {"type": "integer"}}, "required": ["x"]},
        {"type": "object", "patternProperties": {"(a{1000}){1000}": {"type": "integer"}}, "required": ["x"]},
        {"type": ["object", 5], "required": ["x"]},
        {
            "type": "object",
            "required": ["x"],
            "properties": {"size": {"$ref": "#/$defs/tree"}},
            "$defs": {"tree": {"properties": {"left": {"$ref": "#/$defs/tree"}}}},
        },
        _bomb(),
    ],
)
def test_a_schema_that_cannot_be_asked_safely_says_nothing(schema: dict[str, JsonValue]) -> None:
    assert malformed_output(_shaped('{"size": "large"}', metadata={"response_schema": schema})) is None


def test_a_schema_may_have_parts_of_its_own() -> None:
    schema: JsonValue = {
        "type": "object",
        "properties": {"size": {"$ref": "#/$defs/Size"}, "other": {"$ref": "#/$defs/Size"}},
        "$defs": {"Size": {"type": "integer", "nullable": True}},
    }

    assert malformed_output(_shaped('{"other": "x"}', metadata={"response_schema": schema})) is not None
    assert malformed_output(_shaped('{"other": null}', metadata={"response_schema": schema})) is None


DEFINITIONS: list[dict[str, Any]] = [
    {"tool_definitions": [{"name": "order", "description": "x", "schema": SCHEMA, "version": "1"}]},
    {"metadata": {"tools": [{"type": "function", "function": {"name": "order", "parameters": SCHEMA}}]}},
    {"metadata": {"tools": [{"name": "order", "input_schema": SCHEMA}]}},
    {"metadata": {"tools": json.dumps([{"name": "order", "input_schema": SCHEMA}])}},
    {
        "metadata": {
            "tools": [
                {"function_declarations": [{"name": "order", "parameters": {**SCHEMA, "type": "OBJECT"}}]}
            ]
        }
    },
    {
        "metadata": {
            "tool_config": {"tools": [{"toolSpec": {}, "name": "order", "inputSchema": {"json": SCHEMA}}]}
        }
    },
]


def _defined(arguments: JsonValue, fields: dict[str, Any], *more: Any) -> Capture:
    asking = parse_span(record("ask", span_kind="llm", parent_id="root", start_ns=1_500, **fields))
    return capture(root(), asking, call("do", "order", arguments, "ok", start_ns=2_000), *more)


@pytest.mark.parametrize("fields", DEFINITIONS)
def test_arguments_that_break_the_tools_definition_are_blamed_on_the_call(fields: dict[str, Any]) -> None:
    finding = the(mismatched_arguments(_defined({"size": "large"}, fields)))

    assert (finding.failure_type, finding.span_id) == (F.WRONG_ARGUMENTS, "do")
    assert finding.stable == "order:type"
    assert the(mismatched_arguments(_defined({}, fields))).stable == "order:required"


@pytest.mark.parametrize("fields", DEFINITIONS)
def test_arguments_as_the_definition_asks_are_not_blamed(fields: dict[str, Any]) -> None:
    assert mismatched_arguments(_defined({"size": 3}, fields)) is None


def test_a_call_that_was_put_right_is_not_blamed() -> None:
    right = call("again", "order", {"size": 3}, "ok", start_ns=3_000)

    assert mismatched_arguments(_defined({"size": "large"}, DEFINITIONS[0], right)) is None


def test_a_tool_without_a_definition_may_be_called_in_any_way() -> None:
    other = call("other", "pay", {"size": "large"}, "ok", start_ns=3_000)

    assert mismatched_arguments(_defined({"size": 3}, DEFINITIONS[0], other)) is None


CUT: list[dict[str, Any]] = [
    {"metadata": {"finish_reason": "length"}},
    {"metadata": {"finishReason": "MAX_TOKENS"}},
    {"metadata": {"finish_reason": "FinishReason.MAX_TOKENS"}},
    {"metadata": {"stop_reason": "max_tokens"}},
    {"metadata": {"gen_ai.response.finish_reasons": ["length"]}},
    {"metadata": {"response": {"choices": [{"finish_reason": "length"}]}}},
    {"metadata": {"incomplete_details": {"reason": "max_output_tokens"}}},
    {"finish_reason": "length"},
    {"tags": ["finish_reason:length"]},
    {"output": {"messages": [{"role": "assistant", "content": "The par", "finish_reason": "length"}]}},
    {"output": {"value": "The par", "stop_reason": "max-tokens"}},
    {"output": {"choices": [{"finish_reason": "length"}], "value": "The par"}},
]


@pytest.mark.parametrize("fields", CUT)
def test_an_output_that_was_cut_is_malformed(fields: dict[str, Any]) -> None:
    finding = the(truncated_output(_shaped(**fields)))

    assert (finding.failure_type, finding.span_id, finding.stable) == (F.MALFORMED_OUTPUT, "say", "length")


def test_only_a_reason_that_names_the_window_is_an_overflow() -> None:
    told = _shaped(metadata={"stop_reason": "model_context_window_exceeded"})

    assert the(truncated_output(told)).failure_type is F.CONTEXT_OVERFLOW


@pytest.mark.parametrize(
    "reason", ["stop", "STOP", "end_turn", "tool_calls", "tool_use", "", "lengthy", None, 5]
)
def test_an_output_that_ended_by_itself_is_not_cut(reason: JsonValue) -> None:
    assert truncated_output(_shaped(metadata={"finish_reason": reason})) is None


def test_a_step_on_the_way_may_be_cut() -> None:
    first = model("first", said="x", metadata={"finish_reason": "length"}, start_ns=2_000)

    assert (
        truncated_output(capture(root(), first, model("say", said="It is on its way.", start_ns=3_000)))
        is None
    )


def test_a_limit_among_the_words_of_an_output_is_none() -> None:
    assert truncated_output(_shaped('{"finish_reason": "length"}')) is None


REFUSALS = [
    "I can't help with that.",
    "I’m sorry, but I can’t assist with that request.",
    "I'm unable to assist with that.",
    "Sorry, I cannot do that.",
    "As an AI language model, I cannot give advice.",
    "Dabei kann ich Ihnen leider nicht helfen.",
    "Als KI kann ich das nicht sagen.",
    "Je ne peux pas vous aider avec cela.",
    "No puedo ayudarte con eso.",
]


@pytest.mark.parametrize("said", REFUSALS)
def test_an_answer_that_declines_is_a_refusal(said: str) -> None:
    finding = the(refusal(_said(said)))

    assert (finding.failure_type, finding.span_id) == (F.REFUSAL, "say")


@pytest.mark.parametrize(
    "said",
    [
        "I can help with that.",
        "I can't cancel a ticket that was used, but I can offer a voucher.",
        "You can't help that.",
        "Can't wait to see you! It is on its way.",
        "I'm unable to assist with cancelling your flight, as the rules of its fare do not allow it.",
        "Dabei kann ich Ihnen gern helfen.",
        "Je peux vous aider avec cela.",
        "Claro, puedo ayudarte con eso.",
        "Here is the whole story. " * 30 + "I can't help with that.",
    ],
)
def test_an_answer_that_says_no_for_a_reason_of_its_own_is_none(said: str) -> None:
    assert refusal(_said(said)) is None


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("content_filter", F.REFUSAL),
        ("SAFETY", F.REFUSAL),
        ("FinishReason.SAFETY", F.REFUSAL),
        ("refusal", F.REFUSAL),
        ("guardrail_intervened", F.GUARDRAIL_FAILURE),
    ],
)
def test_a_model_that_a_filter_stopped_has_declined(reason: str, kind: F) -> None:
    assert the(refusal(_shaped(metadata={"finish_reason": reason}))).failure_type is kind


def test_a_refusal_that_stands_beside_the_content_is_read() -> None:
    message = {"role": "assistant", "content": None, "refusal": "I will not do it."}

    assert the(refusal(_shaped(output={"messages": [message]}))).quote == "I will not do it."
