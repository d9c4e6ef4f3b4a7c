"""Documents as they go to Firestore: what the client library would write, field by field."""

from google.cloud.firestore_v1 import _helpers
from google.cloud.firestore_v1.types import Precondition, Write
from google.cloud.firestore_v1.vector import Vector
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from shared.cloud.fields import to_fields
from shared.cloud.writes import creating, replacing
from tests.unit.build import json_values

PATH = "projects/p/databases/(default)/documents/groups/g1"


def spelled(write: Write) -> bytes:
    """Spell a message so that equal ones are equal, whatever is no number in them."""
    told: bytes = Write.pb(write).SerializeToString(deterministic=True)
    return told


@given(st.dictionaries(st.text(max_size=12), json_values, max_size=6))
def test_a_document_is_written_as_the_library_writes_it(data: dict[str, JsonValue]) -> None:
    fields = to_fields(data)
    (created,) = _helpers.pbs_for_create(PATH, fields)
    assert spelled(creating(PATH, fields)) == spelled(created)
    (replaced,) = _helpers.pbs_for_set_no_merge(PATH, fields)
    version = Timestamp(seconds=1_800_000_000, nanos=123)
    replaced.current_document = Precondition(update_time=version)
    assert spelled(replacing(PATH, fields, version)) == spelled(replaced)


def test_a_vector_is_one_to_the_library() -> None:
    (created,) = _helpers.pbs_for_create(PATH, {"v": Vector([0.5, 1.0])})
    ours = creating(PATH, {"v": {"__type__": "__vector__", "value": [0.5, 1.0]}})
    assert spelled(ours) == spelled(created)
