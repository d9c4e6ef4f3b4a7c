"""`evalforge doctor`: what it says of the keys for Datadog, by asking."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from functions.local.datadog.knobs import Refusal
from shared.domain.incidents import POLL_ID
from shared.domain.searches import Search
from tests.pipeline.command import evalforge
from tests.pipeline.datadog import a_datadog, keys_of
from tests.pipeline.end_state import open_store

CHECKS = ("datadog key", "span search", "monitors")


class Told(dict[str, tuple[str, str]]):
    """What the doctor said of each check: its verdict and its words."""

    def verdicts(self) -> list[str]:
        return [self[name][0] for name in CHECKS]


def doctor(store: Path, *, code: int, **variables: str) -> Told:
    ended = evalforge("doctor", "--store", store, cwd=None, **variables)
    assert (ended.code, ended.err) == (code, "")
    assert not [name for name in variables if name.endswith("KEY") and (variables[name] or "\0") in ended.out]
    lines = ended.out.splitlines()
    return Told({line[9:23].strip(): (line[:8].strip(), line[24:]) for line in lines})


def test_keys_that_may_do_all_are_well(tmp_path: Path) -> None:
    with a_datadog() as (stand_in, exchanges):
        told = doctor(tmp_path / "s.db", code=0, **keys_of(stand_in))
    assert told.verdicts() == ["ok", "ok", "ok"]
    assert all(stand_in.url in told[name][1] for name in CHECKS)
    assert [(one.path.rpartition("/")[2], one.status) for one in exchanges] == [
        ("validate", 200),
        ("search", 200),
        ("1", 404),
    ]
    asked = exchanges[1].asked["data"]["attributes"]
    assert asked["page"] == {"limit": 1}
    since, until = (datetime.fromisoformat(asked["filter"][side]) for side in ("from", "to"))
    assert until - since == timedelta(minutes=15)


@pytest.mark.parametrize(
    ("check", "permission"), [("span search", "llm_observability_read"), ("monitors", "monitors_read")]
)
def test_a_permission_that_is_missing_is_named(check: str, permission: str, tmp_path: Path) -> None:
    with a_datadog() as (stand_in, _):
        stand_in.knobs.permissions -= {permission}
        told = doctor(tmp_path / "s.db", code=1, **keys_of(stand_in))
    assert told.verdicts() == ["failed" if name == check else "ok" for name in CHECKS]
    assert f"DATADOG_APP_KEY the permission {permission}," in told[check][1]


def test_a_wrong_key_is_named(tmp_path: Path) -> None:
    with a_datadog() as (stand_in, _):
        wrong = doctor(tmp_path / "s.db", code=1, **keys_of(stand_in) | {"DATADOG_API_KEY": "wr0ng"})
        other = doctor(tmp_path / "s.db", code=1, **keys_of(stand_in) | {"DATADOG_APP_KEY": "wr0ng"})
    assert wrong.verdicts() == ["failed", "failed", "failed"]
    assert "does not take DATADOG_API_KEY (403" in wrong["datadog key"][1]
    assert other.verdicts() == ["ok", "failed", "failed"]
    assert "DATADOG_APP_KEY" in other["span search"][1]


@pytest.mark.parametrize(
    ("missing", "verdicts"),
    [("DATADOG_APP_KEY", ["ok", "failed", "failed"]), ("DATADOG_API_KEY", ["failed", "failed", "failed"])],
)
def test_a_key_that_is_not_set_beside_the_other_is_named(
    missing: str, verdicts: list[str], tmp_path: Path
) -> None:
    with a_datadog() as (stand_in, _):
        told = doctor(tmp_path / "s.db", code=1, **keys_of(stand_in) | {missing: ""})
    assert told.verdicts() == verdicts
    assert all(f"{missing} is not set" in words for verdict, words in told.values() if verdict == "failed")


def test_a_site_that_does_not_answer_is_named(tmp_path: Path) -> None:
    nobody = {"DATADOG_API_URL": "http://127.0.0.1:9", "DATADOG_API_KEY": "key-1", "DATADOG_APP_KEY": "key-2"}
    told = doctor(tmp_path / "s.db", code=1, **nobody)
    assert told.verdicts() == ["failed", "failed", "failed"]
    assert all(told[name][1].startswith("http://127.0.0.1:9 did not answer ") for name in CHECKS)


def test_a_datadog_that_is_ill_fails_no_permission(tmp_path: Path) -> None:
    with a_datadog() as (stand_in, _):
        stand_in.knobs.refuse(Refusal(503), times=3)
        told = doctor(tmp_path / "s.db", code=1, **keys_of(stand_in))
    assert told.verdicts() == ["failed", "failed", "failed"]
    assert not any("permission" in told[name][1] for name in CHECKS)


def test_the_poll_is_told_with_its_lag(tmp_path: Path) -> None:
    assert doctor(tmp_path / "s.db", code=0)["poll"] == ("ok", "never")
    searches = open_store(tmp_path / "s.db").searches
    until = datetime.now(tz=UTC) - timedelta(hours=2, minutes=5)
    searches.save(Search(id=POLL_ID, searched_until=until), searches.get(POLL_ID))
    told = doctor(tmp_path / "s.db", code=0)["poll"][1]
    assert told.startswith(f"searched up to {until:%Y-%m-%d %H:%M:%S} UTC (lag 2:05:")
