"""Many documents at once: read, trimmed, and told of by many."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import chain

from shared.domain.canonical import digest
from shared.domain.captures import CaptureHead
from shared.domain.control_group import KEPT, Application, Candidate, Roster, control_group_rank
from shared.ports import Create, Documents
from shared.repositories.captures import HealthyCaptures
from shared.repositories.control_groups import ControlGroups, hour_of, place_of
from shared.topology import HEALTHY_TRACES, RAW_TRACES, Query, rosters_of
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


def head(name: str, *, started_at: datetime = NOW, cited_by: tuple[str, ...] = ()) -> CaptureHead:
    return CaptureHead(
        trace_id=name,
        ml_app="a",
        env="prod",
        version="1",
        started_at=started_at,
        spans=1,
        evaluated=True,
        rank=control_group_rank(name, evaluated=True),
        sanitizer_version="1",
        content_hash=name,
        cited_by=cited_by,
    )


def test_a_control_group_that_many_trim_at_once_keeps_its_lowest(documents: Documents) -> None:
    names = [f"t{number}" for number in range(60)]
    for name in names:
        cited_by = ("sg-1",) if name == "t7" else ()
        documents.commit(Create(HEALTHY_TRACES, name, head(name, cited_by=cited_by).model_dump(mode="json")))
    ranked = sorted(names, key=lambda name: control_group_rank(name, evaluated=True))
    healthy = HealthyCaptures(documents)
    last = control_group_rank(ranked[39], evaluated=True)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: healthy.trim("a", "prod", "1", last), range(8)))

    assert {head.trace_id for head in healthy.heads()} == {*ranked[:40], "t7"}
    assert healthy.lacking(["t7", "no such", ranked[0]]) == ["no such"]


def test_what_has_aged_is_found_and_dropped_unless_it_is_cited(documents: Documents) -> None:
    for number in range(25):
        started_at = NOW - timedelta(days=number)
        one = head(f"t{number}", started_at=started_at, cited_by=("sg-1",) if number == 20 else ())
        documents.commit(Create(HEALTHY_TRACES, one.trace_id, one.model_dump(mode="json")))
    healthy = HealthyCaptures(documents)

    aged = list(chain(*healthy.aged("a", "prod", NOW - timedelta(days=10))))

    assert [one.head.trace_id for one in aged if one.head] == [f"t{number}" for number in range(24, 10, -1)]
    for known in aged:
        healthy.drop(known)
    assert {one.trace_id for one in healthy.heads()} == {*(f"t{number}" for number in range(11)), "t20"}
    assert list(healthy.aged("a", "test", NOW)) == []


def test_rosters_that_many_tell_at_once_lose_nobody(documents: Documents) -> None:
    groups, bot = ControlGroups(documents), place_of(Application("a", "prod", "1"))

    def tell(number: int) -> list[str]:
        passed = [Candidate.of(f"t{number}-{one}", NOW, evaluated=True) for one in range(5)]
        newest = groups.seen("a", "prod", NOW + timedelta(hours=number))
        newcomers: list[str] = []
        for change in groups.changes(bot, lambda roster: roster.after(newest=newest, passed=passed)):
            newcomers += change.newcomers
        return newcomers

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(tell, range(8)))

    everybody = {f"t{number}-{one}" for number in range(8) for one in range(5)}
    assert {one.trace_id for one in groups.roster(bot).candidates} == everybody
    assert all({name for name in some if name.startswith(f"t{at}-")} for at, some in enumerate(told))
    assert groups.newest("a", "prod") == hour_of(NOW + timedelta(hours=7))
    assert groups.newest("a", "test") is None
    assert groups.roster(bot._replace(id="another")) == Roster()


def test_a_roster_that_nobody_is_left_on_goes(documents: Documents) -> None:
    groups, bot = ControlGroups(documents), place_of(Application("a", "prod", "1"))
    passed = [Candidate.of("t", NOW, evaluated=True)]
    list(groups.changes(bot, lambda roster: roster.after(newest=NOW, passed=passed)))

    [change] = groups.changes(bot, lambda roster: roster.after(newest=NOW + KEPT * 2))

    assert (len(change.before.candidates), change.newcomers) == (1, [])
    assert documents.query(Query(rosters_of(digest("a", "prod"))), limit=1).documents == []
    [change] = groups.changes(bot, lambda roster: roster.after(newest=NOW + KEPT * 2, failed="t"))
    assert change == (Roster(), Roster())


def test_a_change_that_nobody_acted_on_comes_again(documents: Documents) -> None:
    groups, bot = ControlGroups(documents), place_of(Application("a", "prod", "1"))
    passed = [Candidate.of("t", NOW, evaluated=True)]

    killed = next(groups.changes(bot, lambda roster: roster.after(newest=NOW, passed=passed)))
    again = list(groups.changes(bot, lambda roster: roster.after(newest=NOW, passed=passed)))

    assert killed.newcomers == ["t"]
    assert [one.newcomers for one in again] == [["t"]]
