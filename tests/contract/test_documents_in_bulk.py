"""The documents port where many documents are concerned: read at once, counted from a place, trimmed."""

from concurrent.futures import ThreadPoolExecutor

from shared.domain.captures import CaptureHead, control_group_rank
from shared.ports import Create, Documents
from shared.repositories.captures import HealthyCaptures
from shared.topology import CONTROL_GROUP_LAST_FIRST, HEALTHY_TRACES, RAW_TRACES
from tests.contract.conftest import NOW


def test_many_are_read_at_once_with_the_fields_that_are_asked_for(documents: Documents) -> None:
    for number in range(230):
        documents.commit(Create(RAW_TRACES, f"t{number}", {"a": number, "b": [number], "c": "left out"}))
    names = [f"t{number}" for number in range(0, 500, 2)]

    found = documents.get_many(RAW_TRACES, [*names, "t0", "no/id", ""], ["a", "b", "missing"])

    assert {name: one.data for name, one in found.items()} == {
        f"t{number}": {"a": number, "b": [number]} for number in range(0, 230, 2)
    }
    whole = documents.get(RAW_TRACES, "t2")
    assert whole is not None
    assert (found["t2"].id, found["t2"].version) == ("t2", whole.version)
    assert documents.get_many(RAW_TRACES, [], ["a"]) == {}


def test_what_comes_after_a_cursor_is_counted(documents: Documents) -> None:
    key = {"ml_app": "a", "env": "prod", "version": "1"}
    for number in range(9):
        documents.commit(Create(HEALTHY_TRACES, f"t{number}", {**key, "rank": str(number % 4)}))
    counts, cursor = [], None
    while True:
        equals = tuple(key.values())
        counts.append(documents.count(CONTROL_GROUP_LAST_FIRST, equals, cursor=cursor))
        cursor = documents.query(CONTROL_GROUP_LAST_FIRST, equals, limit=1, cursor=cursor).cursor
        if cursor is None:
            break

    assert counts == [9, 8, 7, 6, 5, 4, 3, 2, 1]


def test_a_control_group_that_many_trim_at_once_keeps_its_lowest(documents: Documents) -> None:
    names = [f"t{number}" for number in range(60)]
    for name in names:
        head = CaptureHead(
            trace_id=name,
            ml_app="a",
            env="prod",
            version="1",
            started_at=NOW,
            spans=1,
            evaluated=True,
            rank=control_group_rank(name, evaluated=True),
            sanitizer_version="1",
            content_hash=name,
            cited_by=("sg-1",) if name == "t7" else (),
        )
        documents.commit(Create(HEALTHY_TRACES, name, head.model_dump(mode="json")))
    ranked = sorted(names, key=lambda name: control_group_rank(name, evaluated=True))
    healthy = HealthyCaptures(documents)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: healthy.trim("a", "prod", "1", 40), range(8)))

    assert {head.trace_id for head in healthy.heads()} == {*ranked[:40], "t7"}
    assert healthy.last_rank("a", "prod", "1", 40) == control_group_rank(ranked[39], evaluated=True)
    assert healthy.last_rank("a", "prod", "1", 50) is None
