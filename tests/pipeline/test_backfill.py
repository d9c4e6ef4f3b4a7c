"""`evalforge backfill`: a range of the past comes to what a run of the same traces comes to."""

import json
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.backfill.orders import Orders, Wanted, incident_of
from functions.backfill.running import Backfill
from functions.backfill.windows import cut
from functions.cli.patience import Patient
from functions.local.datadog.knobs import Refusal
from functions.local.datadog.server import Exchange, StandIn
from functions.local.trace_run import register_files
from shared.cloud.datadog_failures import DatadogUnavailableError
from shared.domain.searches import Search
from shared.embedded.database import Database
from shared.ports import HitPage, TraceQuery
from shared.wiring import Wiring
from tests.conftest import SAMPLES
from tests.pipeline.command import Ended, command_line, environment, evalforge
from tests.pipeline.datadog import a_datadog, keys_of
from tests.pipeline.end_state import assert_whole, end_state, open_store

# The hours of the samples' day.
DAY = ("--from", "2026-11-18T09:00Z", "--to", "2026-11-18T16:00Z")
WINDOWS = 7
HOURLY = (*DAY, "--window", "1h")


class Datadog:
    """A Datadog with the samples, and the commands that ask it."""

    def __init__(self, stand_in: StandIn, exchanges: list[Exchange], folder: Path) -> None:
        self.stand_in = stand_in
        self.exchanges = exchanges
        self.folder = folder

    @property
    def variables(self) -> dict[str, str]:
        return keys_of(self.stand_in)

    def backfill(self, *arguments: str | Path, store: str = "s.db") -> Ended:
        return evalforge("backfill", *arguments, "--store", store, cwd=self.folder, **self.variables)

    def told(self, *arguments: str | Path, store: str = "s.db") -> Any:
        ended = self.backfill(*arguments, "--json", store=store)
        assert ended.code == 0, ended.err
        return ended.json

    def state(self, store: str = "s.db") -> dict[str, Any]:
        parts = open_store(self.folder / store)
        assert_whole(parts)
        return end_state(parts)


@pytest.fixture
def datadog(tmp_path: Path) -> Iterator[Datadog]:
    with a_datadog() as (stand_in, exchanges):
        stand_in.store.add_file(SAMPLES)
        yield Datadog(stand_in, exchanges, tmp_path)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run of the samples comes to."""
    store = tmp_path_factory.mktemp("ran") / "s.db"
    assert evalforge("run", SAMPLES, "--store", store, HOME=str(tmp_path_factory.getbasetemp())).code == 0
    return end_state(open_store(store))


def messages(store: Path) -> int:
    with Database(store).reading() as connection:
        return int(connection.execute("SELECT count(*) FROM messages").fetchone()[0])


def stored(store: Path) -> dict[str, int]:
    with Database(store).reading() as connection:
        rows = connection.execute("SELECT collection, count(*) FROM documents GROUP BY collection")
        return dict(rows.fetchall())


def test_it_comes_to_what_a_run_comes_to_and_a_second_time_does_nothing(
    datadog: Datadog, ran: dict[str, Any]
) -> None:
    first = datadog.told(*HOURLY)
    assert (first["windows"], first["searched"], first["skipped"], first["left"]) == (WINDOWS, WINDOWS, 0, 0)
    assert datadog.state() == ran
    asked, rows = len(datadog.exchanges), stored(datadog.folder / "s.db")

    second = datadog.backfill(*HOURLY)
    assert second.code == 0, second.err
    assert second.out.startswith(f"nothing left to do: {WINDOWS} windows searched before; --again searches")
    assert len(datadog.exchanges) == asked

    assert datadog.told(*HOURLY, "--again")["searched"] == WINDOWS
    assert len(datadog.exchanges) > asked
    assert (datadog.state(), stored(datadog.folder / "s.db")) == (ran, rows)


def test_stopped_and_gone_on_with_it_comes_to_the_same(datadog: Datadog, ran: dict[str, Any]) -> None:
    quarterly = (*DAY, "--window", "15m")
    datadog.stand_in.knobs.slow_seconds = 0.02
    with subprocess.Popen(
        command_line("backfill", *quarterly, "--store", "s.db", "--json"),
        cwd=datadog.folder,
        env=environment(**datadog.variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background of a script has them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - takes no lock
    ) as process:
        try:
            deadline = time.monotonic() + 60
            while len(datadog.exchanges) < 50:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130, err
    stopped = json.loads(out)
    assert stopped["interrupted"]
    assert 0 < stopped["searched"] < stopped["windows"] == 28
    assert stopped["searched"] + stopped["left"] == 28
    assert messages(datadog.folder / "s.db") > 0
    datadog.stand_in.knobs.slow_seconds = 0

    spelled = next(line for line in err.splitlines() if " backfill " in line)
    arguments = shlex.split(spelled.partition(" backfill ")[2])
    gone_on = evalforge("backfill", *arguments, "--json", cwd=datadog.folder, **datadog.variables)
    assert gone_on.code == 0, gone_on.err
    assert "of an earlier command first" in gone_on.err
    assert gone_on.json["skipped"] >= stopped["searched"]
    assert gone_on.json["skipped"] + gone_on.json["searched"] == 28
    assert datadog.state() == ran
    assert datadog.told(*quarterly)["skipped"] == 28


def test_a_dry_run_counts_and_orders_nothing(datadog: Datadog, ran: dict[str, Any]) -> None:
    told = datadog.told(*HOURLY, "--dry-run")
    assert (told["failing"], told["healthy"]) == (len(ran["captures"]), len(ran["healthy"])) == (11, 13)
    assert (told["searched"], told["left"], told["dry_run"]) == (WINDOWS, 0, True)
    # Traces that started in each hour, the latest hour first.
    assert [one["failing"] + one["healthy"] for one in told["counted"]] == [1, 4, 3, 3, 4, 4, 5]
    assert [one["since"][11:13] for one in told["counted"]] == ["15", "14", "13", "12", "11", "10", "09"]
    assert (messages(datadog.folder / "s.db"), stored(datadog.folder / "s.db")) == (0, {})

    spelled = datadog.backfill(*HOURLY, "--dry-run", "--query", "@status:error").out.splitlines()
    assert spelled[0] == "2026-11-18 15:00 to 2026-11-18 16:00       0 failing       0 healthy"
    assert spelled[-1].startswith("7 windows: ")
    assert spelled[-1].endswith(" traces; nothing was ordered")
    assert not spelled[-1].startswith("7 windows: 11 ")
    assert (messages(datadog.folder / "s.db"), stored(datadog.folder / "s.db")) == (0, {})


def test_backfills_whose_ranges_overlap_share_windows(datadog: Datadog, ran: dict[str, Any]) -> None:
    early = datadog.told("--from", "2026-11-18T08:30Z", "--to", "2026-11-18T12:30Z", "--window", "1h")
    assert (early["windows"], early["searched"]) == (5, 5)
    late = datadog.told("--from", "2026-11-18T10:00Z", "--to", "2026-11-18T16:00Z", "--window", "1h")
    # 10 to 12 was searched; the half hour from 12 on was another window.
    assert (late["windows"], late["searched"], late["skipped"]) == (6, 4, 2)
    assert datadog.state() == ran


def test_other_traces_of_the_same_time_are_another_order(datadog: Datadog, ran: dict[str, Any]) -> None:
    assert datadog.told(*HOURLY, "--ml-app", "another")["searched"] == WINDOWS
    assert datadog.told(*HOURLY, "--env", "staging")["searched"] == WINDOWS
    assert stored(datadog.folder / "s.db").keys() == {"incidents", "searches"}
    narrowed = datadog.told(*HOURLY, "--ml-app", "shop-assistant", "--env", "prod")
    assert (narrowed["searched"], narrowed["skipped"]) == (WINDOWS, 0)
    assert datadog.state() == ran


def test_a_query_narrows_what_is_captured(datadog: Datadog, ran: dict[str, Any]) -> None:
    trace = sorted(ran["captures"])[3]
    assert datadog.told(*HOURLY, "--query", f"@trace_id:{trace}")["searched"] == WINDOWS
    assert open_store(datadog.folder / "s.db").captures.count() == 1
    assert open_store(datadog.folder / "s.db").captures.known(trace).exists


def test_no_more_is_ordered_once_enough_traces_fail(datadog: Datadog) -> None:
    counted = datadog.told(*HOURLY, "--dry-run")["counted"]
    told = datadog.told(*HOURLY, "--max", "4")
    # As many windows, from the newest on, as it takes to hold four failing traces.
    held = [sum(one["failing"] for one in counted[: number + 1]) for number in range(WINDOWS)]
    wanted = next(number + 1 for number, failing in enumerate(held) if failing >= 4)
    assert 1 < wanted < WINDOWS
    assert (told["searched"], told["left"]) == (wanted, WINDOWS - wanted)
    assert told["failing"] == held[wanted - 1] == open_store(datadog.folder / "s.db").captures.count()
    again = datadog.backfill(*HOURLY, "--max", "4")
    assert again.out.startswith(f"nothing left to do: {wanted} windows")
    assert f"{WINDOWS - wanted} older windows left out: the newer ones hold {held[wanted - 1]}" in again.out
    assert datadog.told(*HOURLY, "--dry-run", "--max", "4")["searched"] == wanted


def test_what_could_not_be_searched_is_told_and_goes_on_once_it_can(
    datadog: Datadog, ran: dict[str, Any]
) -> None:
    datadog.stand_in.knobs.refuse(Refusal(400, objects=True), times=2)
    ended = datadog.backfill(*HOURLY, "--json")
    assert ended.code == 1
    assert (ended.json["searched"], ended.json["failed"], ended.json["left"]) == (WINDOWS - 2, 2, 0)
    assert "error: 2026-11-18 15:00 to 2026-11-18 16:00 and 1 more window: Datadog does not take" in ended.err
    assert open_store(datadog.folder / "s.db").dead_letters.count() == 2
    again = datadog.told(*HOURLY)
    assert (again["searched"], again["skipped"], again["failed"]) == (2, WINDOWS - 2, 0)
    assert datadog.state() == ran


def test_where_nothing_can_be_searched_no_more_is_tried(datadog: Datadog) -> None:
    datadog.stand_in.knobs.permissions = frozenset()
    ended = datadog.backfill(*DAY, "--window", "10m", "--json")
    assert ended.code == 1
    assert (ended.json["failed"], ended.json["left"]) == (20, 22)
    assert ended.err.count("llm_observability_read") == 1
    datadog.stand_in.knobs.permissions = frozenset({"llm_observability_read"})
    assert datadog.told(*DAY, "--window", "10m")["searched"] == 42
    assert open_store(datadog.folder / "s.db").dead_letters.count() == 0


def test_traces_of_any_age_are_found_where_a_stand_in_has_them(datadog: Datadog, tmp_path: Path) -> None:
    old = tmp_path / "old.jsonl"
    lines = [json.loads(line) for line in SAMPLES.read_text().splitlines()]
    for line in lines:
        line["attributes"]["start_ns"] -= int(timedelta(days=700).total_seconds()) * 10**9
    old.write_text("\n".join(map(json.dumps, lines)))
    with a_datadog() as (stand_in, _):
        stand_in.store.add_file(old)
        day = datetime(2026, 11, 18, tzinfo=UTC) - timedelta(days=700)
        to = day + timedelta(days=1)
        ended = evalforge(
            *("backfill", "--from", day.isoformat(), "--to", to.isoformat(), "--store", tmp_path / "old.db"),
            cwd=tmp_path,
            **keys_of(stand_in),
        )
    assert ended.code == 0, ended.err
    assert "Datadog keeps spans" not in ended.err
    assert "the store now: 11 failing traces, 13 healthy, dead letters: 0" in ended.out


def test_without_keys_trace_files_are_searched_by_time(tmp_path: Path, ran: dict[str, Any]) -> None:
    store = tmp_path / "s.db"
    register_files([SAMPLES], open_store(store))
    refused = evalforge("backfill", *HOURLY, "--query", "@status:error", "--store", store)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("error: --query: it is in Datadog's words, which trace files do not know")
    assert (messages(store), stored(store)) == (0, {})

    until_noon = ("--to", "2026-11-18T12:00Z", "--window", "1h")
    morning = evalforge("backfill", *DAY[:2], *until_noon, "--store", store, "--json")
    assert (morning.code, morning.json["searched"]) == (0, 3), morning.err
    parts = open_store(store)
    assert parts.captures.count() + parts.healthy.count() == 13
    assert evalforge("backfill", *HOURLY, "--store", store).code == 0
    assert end_state(open_store(store)) == ran


def test_where_there_is_nothing_to_search_no_window_counts_as_searched(datadog: Datadog) -> None:
    for more in ((), ("--dry-run",)):
        ended = evalforge("backfill", *HOURLY, *more, "--store", "s.db", cwd=datadog.folder)
        assert (ended.code, ended.err.split(":")[:2]) == (2, ["error", " there is nothing to search"])
    assert datadog.told(*HOURLY)["searched"] == WINDOWS


def test_a_dry_run_that_was_stopped_says_of_how_many_windows_it_tells(datadog: Datadog) -> None:
    datadog.stand_in.knobs.refuse(Refusal(503), times=100)
    ended = datadog.backfill(*HOURLY, "--dry-run")
    assert ended.code == 1
    assert "stopped after 0 of 7 windows: 0 failing and 0 healthy traces" in ended.out


def test_what_makes_no_sense_is_refused_and_nothing_is_kept(datadog: Datadog) -> None:
    for arguments, told in (
        (
            ["--from", "2026-11-18", "--to", "2026-11-18"],
            "--from (2026-11-18 00:00) must be before --to (2026-11-18 00:00 UTC)",
        ),
        (["--to", "2026-11-18"], "--from"),
        (["--from", "2026-11-18", "--to", "2999-01-01"], "has not come yet"),
        (["--from", "yesterday"], "no time"),
        ([*DAY, "--window", "0h"], "no length of time"),
        ([*DAY, "--query", "@user.email:joe@example.com"], "--query tells of a person"),
        ([*DAY, "--ml-app", "bot of joe@example.com"], "--ml-app tells of a person"),
        ([*DAY, "--query", "(("], "does not take the search"),
    ):
        ended = datadog.backfill(*arguments)
        assert (ended.code, ended.out) == (2, ""), arguments
        assert told in ended.err
        assert "joe@" not in ended.err
    assert stored(datadog.folder / "s.db") == {}


def test_no_more_windows_are_ordered_than_a_few_ahead_of_those_that_are_done(parts: Wiring) -> None:
    since = datetime(2026, 11, 18, tzinfo=UTC)
    windows = list(cut(since, since + timedelta(hours=10), timedelta(hours=1)))
    orders = Orders(parts.incidents, parts.searches, parts.dead_letters, parts.publisher, resend=print)
    work = Backfill([incident_of(one, Wanted()) for one in windows], orders, again=False)
    ordered: list[list[str]] = []

    def one_is_done(take_stock: Callable[[], None]) -> None:
        ordered.append([one.id for one in work.waiting])
        done = parts.searches.get(work.waiting[0].id)
        parts.searches.save(Search(id=done.search.id, searched_until=since), done)

    work.run(ahead=3, wait=one_is_done)

    assert (work.done, work.failed) == (10, [])
    assert [len(ids) for ids in ordered] == [3] * 8 + [2, 1]
    assert messages(parts.settings.evalforge_store) == len({one for ids in ordered for one in ids}) == 10


def test_a_datadog_that_breaks_down_ends_it_with_what_was_counted(datadog: Datadog) -> None:
    datadog.stand_in.knobs.refuse(Refusal(503), times=1)
    ended = datadog.backfill(*HOURLY, "--dry-run", "--json")
    assert ended.code == 1
    assert (ended.json["searched"], ended.json["left"], ended.json["interrupted"]) == (0, WINDOWS, True)
    assert "Datadog answered the search of LLM Observability spans with 503" in ended.err
    datadog.stand_in.knobs.refuse(Refusal(503), times=1)
    ended = datadog.backfill(*HOURLY, "--max", "4")
    assert ended.code == 1
    assert "the same command goes on from here" in ended.err
    assert datadog.backfill(*HOURLY, "--max", "4").code == 0


def test_counting_waits_as_long_as_datadog_asks() -> None:
    class Limited:
        asked = 0

        def search(self, query: TraceQuery, *, cursor: str | None = None) -> HitPage:
            self.asked += 1
            if self.asked < 3:
                raise DatadogUnavailableError("too much", 47.0 * (2 - self.asked))
            return HitPage([], None)

    slept: list[float] = []
    told: list[str] = []
    found = Patient(Limited(), tell=told.append, sleep=slept.append).search(TraceQuery())
    assert (found, slept) == (HitPage([], None), [47.0, 1.0])
    assert told[0] == "Datadog asks to wait for 47 s"


def test_how_far_it_is_is_told_a_line_at_most_every_second(datadog: Datadog) -> None:
    datadog.stand_in.knobs.slow_seconds = 0.02
    started = time.monotonic()
    ended = datadog.backfill(*DAY, "--window", "30m")
    lines = ended.err.splitlines()
    assert ended.code == 0
    assert 0 < len(lines) <= time.monotonic() - started
    assert all(" of 14 windows, " in line and "windows/s, " in line for line in lines)


def test_a_dry_run_on_the_cloud_needs_keys_of_its_own(tmp_path: Path) -> None:
    ended = evalforge(
        *("backfill", *DAY, "--dry-run", "--backend", "cloud"), cwd=tmp_path, GOOGLE_CLOUD_PROJECT="p"
    )
    assert ended.code == 2
    assert "set DATADOG_API_KEY and DATADOG_APP_KEY" in ended.err
    assert list(tmp_path.iterdir()) == []
