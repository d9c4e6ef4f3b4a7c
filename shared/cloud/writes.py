"""A document as Firestore's own message, written field by field.

The client library wraps each value of a document on the way, twice; for a
small document that costs more time than all else that is done to store it.
"""

from collections.abc import Mapping

from google.cloud.firestore_v1.types import Write
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import JsonValue


def creating(path: str, fields: Mapping[str, JsonValue]) -> Write:
    """Write a document that must not be there yet."""
    message = _whole(path, fields)
    message.current_document.exists = False
    return _wrapped(message)


def replacing(path: str, fields: Mapping[str, JsonValue], version: Timestamp) -> Write:
    """Write a document in place of the one that was last changed at this time."""
    message = _whole(path, fields)
    message.current_document.update_time.CopyFrom(version)
    return _wrapped(message)


def _whole(path: str, fields: Mapping[str, JsonValue]) -> Message:
    message = Write.pb()()
    message.update.name = path
    for name, value in fields.items():
        _set(message.update.fields[name], value)
    return message


def _wrapped(message: Message) -> Write:
    write: Write = Write.wrap(message)
    return write


def _set(place: Message, value: JsonValue) -> None:
    match value:
        case None:
            place.null_value = 0
        # A truth is an integer as well.
        case bool():
            place.boolean_value = value
        case int():
            place.integer_value = value
        case float():
            place.double_value = value
        case str():
            place.string_value = value
        case dict():
            place.map_value.SetInParent()
            for name, inner in value.items():
                _set(place.map_value.fields[name], inner)
        case _:
            place.array_value.SetInParent()
            for inner in value:
                _set(place.array_value.values.add(), inner)
