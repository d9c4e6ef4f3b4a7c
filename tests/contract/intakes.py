"""What the vendor's description of its API lacks, in its form: the intakes, and the check of a key.

Each `description` says where the fact is from: the documentation (of the HTTP API, or of what it names), the
source of the tracer, or a report of somebody who uses it. Of what may be sent, it has what there is use for.
"""

from typing import Any

Schema = dict[str, Any]

_NANOSECONDS_OF_2001 = 10**18
_MILLISECONDS_OF_2001 = 10**12
_UUID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


def _object(described: str, required: Schema, **further: Schema) -> Schema:
    return {
        "type": "object",
        "description": described,
        "required": list(required),
        "properties": {**required, **further},
    }


def _list_of(items: Schema, **limits: Any) -> Schema:
    return {"type": "array", "items": items, **limits}


def _one_of(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def _request(described: str, schema: Schema, answers: Schema) -> Schema:
    return {
        "post": {
            "description": described,
            "requestBody": {"content": {"application/json": {"schema": schema}}},
            "responses": {**answers, **dict.fromkeys(("400", "401", "403", "413", "429"), _ERROR)},
        }
    }


def _answer(schema: Schema) -> Schema:
    return {"content": {"application/json": {"schema": schema}}}


_TEXT: Schema = {"type": "string"}
_NAME: Schema = {"type": "string", "minLength": 1}
_NUMBER: Schema = {"type": "number"}
_COUNT: Schema = {"type": "number", "minimum": 0}
_ANY_OBJECT: Schema = {"type": "object"}

_TEXT_ERRORS = _object("Documented of the older API.", {"errors": _list_of(_TEXT)})
_OBJECT_ERRORS = _object(
    "Documented of the newer API.",
    {
        "errors": _list_of(
            _object("", {}, status=_TEXT, title=_TEXT, detail=_TEXT, source=_ANY_OBJECT, meta=_ANY_OBJECT)
        )
    },
)
# How an intake refuses is not documented: either shape is met.
_ERROR = _answer({"oneOf": [_TEXT_ERRORS, _OBJECT_ERRORS]})

_ML_APP: Schema = {
    "type": "string",
    "description": "Documentation: lowercase, at most 193 characters, of letters, digits and _-:./, and no "
    "underscore beside another or at the end.",
    "pattern": r"^(?!.*(?:__|_\Z))[a-z0-9_:./-]+\Z",
    "maxLength": 193,
}
_TAGS = _list_of({"type": "string", "description": "Documentation: key and value.", "pattern": "^[^:]+:"})
_START: Schema = {
    "type": "integer",
    "description": "Documentation: in nanoseconds; a smaller number would be of another unit.",
    "minimum": _NANOSECONDS_OF_2001,
}
_TOOL_CALL = _object(
    "Documentation of a search's answer.",
    {"name": _NAME},
    arguments=_ANY_OBJECT,
    tool_id=_TEXT,
    type=_TEXT,
)
_TOOL_RESULT = _object("Likewise.", {"result": _TEXT}, name=_TEXT, tool_id=_TEXT, type=_TEXT)
_MESSAGE = _object(
    "Documentation.",
    {"content": _TEXT},
    role=_TEXT,
    tool_calls=_list_of(_TOOL_CALL),
    tool_results=_list_of(_TOOL_RESULT),
)
_DOCUMENT = _object("Documentation.", {}, text=_TEXT, name=_TEXT, score=_NUMBER, id=_TEXT)
_PROMPT = _object(
    "Documentation.",
    {},
    id=_TEXT,
    version=_TEXT,
    template=_TEXT,
    variables={"type": "object", "additionalProperties": _TEXT},
    query_variable_keys=_list_of(_TEXT),
    context_variable_keys=_list_of(_TEXT),
)
_VALUE = _object("Documentation.", {}, value=_TEXT)


def _span(described: str, kinds: Schema, given: Schema, said: Schema) -> Schema:
    error = _object("Documentation.", {}, message=_TEXT, type=_TEXT, stack=_TEXT)
    metadata = {
        "type": "object",
        "description": "Documentation: one level of numbers, truth values and texts.",
        "additionalProperties": {"oneOf": [_NUMBER, {"type": "boolean"}, _TEXT]},
    }
    metrics = (
        "input_tokens",
        "output_tokens",
        "total_tokens",
        "time_to_first_token",
        "time_per_output_token",
    )
    return _object(
        described,
        {
            "name": _NAME,
            "span_id": _NAME,
            "trace_id": _NAME,
            "parent_id": _NAME,
            "start_ns": _START,
            "duration": _COUNT,
            "meta": _object(
                "Documentation.", {"kind": kinds}, error=error, input=given, output=said, metadata=metadata
            ),
        },
        status=_one_of("ok", "error"),
        metrics=_object("Documentation.", {}, **dict.fromkeys(metrics, _COUNT)),
        session_id=_TEXT,
        tags=_TAGS,
    )


_SPAN = {
    "oneOf": [
        _span(
            "Documentation: a text says what went in and came out.",
            _one_of("agent", "workflow", "tool", "task", "embedding"),
            _VALUE,
            _VALUE,
        ),
        _span(
            "Documentation: or documents that came out.",
            _one_of("retrieval"),
            _VALUE,
            _object("Documentation.", {}, value=_TEXT, documents=_list_of(_DOCUMENT)),
        ),
        _span(
            "Documentation: messages, of which the value is inferred. Report: one with a value is refused.",
            _one_of("llm"),
            _object("Documentation.", {}, messages=_list_of(_MESSAGE), prompt=_PROMPT),
            _object("Documentation.", {}, messages=_list_of(_MESSAGE)),
        ),
    ]
}
_SPANS = _object(
    "Documentation.",
    {
        "data": _object(
            "Documentation.",
            {
                "type": _one_of("span"),
                "attributes": _object(
                    "Documentation.",
                    {"ml_app": _ML_APP, "spans": _list_of(_SPAN, minItems=1)},
                    session_id=_TEXT,
                    tags=_TAGS,
                ),
            },
        )
    },
)

_TRACED = _object(
    "Tracer's source; what is within meta, metrics and _dd is the tracer's own.",
    {
        **dict.fromkeys(("span_id", "trace_id", "parent_id", "name"), _NAME),
        "tags": _TAGS,
        "start_ns": _START,
        "duration": _COUNT,
        "status": _one_of("ok", "error"),
        **dict.fromkeys(("meta", "metrics", "_dd"), _ANY_OBJECT),
    },
    **dict.fromkeys(("session_id", "service", "status_message"), _TEXT),
    span_links=_list_of(_ANY_OBJECT),
    collection_errors=_list_of(_TEXT),
)
_TRACED_SPANS = _list_of(
    _object(
        "Tracer's source: it holds up to 1000 events.",
        {
            "_dd.stage": _one_of("raw"),
            "_dd.tracer_version": _NAME,
            "event_type": _one_of("span"),
            "spans": _list_of(_TRACED, minItems=1, maxItems=1000),
        },
    ),
    minItems=1,
)

_JOIN_ON = {
    "oneOf": [
        _object(
            "Documentation: a span by its ids.",
            {"span": _object("Documentation.", {"span_id": _NAME, "trace_id": _NAME})},
        ),
        _object(
            "Documentation: or by a tag that it alone has.",
            {"tag": _object("Documentation.", {"key": _NAME, "value": _NAME})},
        ),
    ]
}
_LABEL: Schema = {
    "type": "string",
    "description": "Documentation of external evaluations: a letter, then letters, digits and underscores, "
    "at most 200; whatever else there is becomes an underscore, and a dot is refused.",
    "pattern": r"^[A-Za-z][A-Za-z0-9_]*\Z",
    "maxLength": 200,
}


def _metric(kind: str, value: Schema) -> Schema:
    return _object(
        "Documentation: categorical and score. Tracer's source: boolean and json.",
        {
            "join_on": _JOIN_ON,
            "ml_app": _ML_APP,
            "timestamp_ms": {
                "type": "integer",
                "description": "Documentation: in milliseconds; a smaller number would be of another unit.",
                "minimum": _MILLISECONDS_OF_2001,
            },
            "metric_type": _one_of(kind),
            "label": _LABEL,
            f"{kind}_value": value,
        },
        assessment=_one_of("pass", "fail"),
        reasoning=_TEXT,
        tags=_TAGS,
    )


_EVALUATIONS = _object(
    "Documentation.",
    {
        "data": _object(
            "Documentation.",
            {
                "type": _one_of("evaluation_metric"),
                "attributes": _object(
                    "Documentation.",
                    {
                        "metrics": _list_of(
                            {
                                "oneOf": [
                                    _metric("categorical", _TEXT),
                                    _metric("score", _NUMBER),
                                    _metric("boolean", {"type": "boolean"}),
                                    _metric("json", _ANY_OBJECT),
                                ]
                            },
                            minItems=1,
                        )
                    },
                    tags=_TAGS,
                ),
            },
        )
    },
)
_ID: Schema = {"type": "string", "description": "Documentation: a UUID.", "pattern": _UUID}
_TAKEN = _object(
    "Documentation: what was sent, each with an id.",
    {
        "data": _object(
            "Documentation.",
            {
                "type": _one_of("evaluation_metric"),
                "id": _ID,
                "attributes": _object(
                    "Documentation.", {"metrics": _list_of(_object("Documentation.", {"id": _ID}))}
                ),
            },
        )
    },
)

INTAKES: Schema = {
    "paths": {
        "/api/intake/llm-obs/v1/trace/spans": _request(
            "Documentation: 202 and no body.", _SPANS, {"202": {"description": "Accepted"}}
        ),
        "/api/v2/llmobs": _request(
            "Tracer's source; it reads no more than the status.",
            _TRACED_SPANS,
            {"202": {"description": "Accepted"}},
        ),
        "/api/intake/llm-obs/v2/eval-metric": _request(
            "Documentation, but for the status, which is that of spans.",
            _EVALUATIONS,
            {"202": _answer(_TAKEN)},
        ),
        "/api/v1/validate": {
            "get": {
                "description": "Documentation of the API, and the specification of its client.",
                "responses": {
                    "200": _answer(_object("Documentation.", {"valid": {"type": "boolean"}})),
                    "403": _answer(_TEXT_ERRORS),
                    "429": _answer(_TEXT_ERRORS),
                },
            }
        },
    },
    "components": {
        "schemas": {"APIErrorResponse": _TEXT_ERRORS, "JSONAPIErrorResponse": _OBJECT_ERRORS},
    },
}
