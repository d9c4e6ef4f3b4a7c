"""The process killed at any point and started again: nothing lost, nothing twice."""

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.pipeline.command import command_line, environment, evalforge
from tests.pipeline.end_state import assert_whole, end_state, open_store, suggestions_of


def kill_after(seconds: float, *arguments: str | Path) -> bool:
    """Start a command and kill it; False when it ended by itself before."""
    process = subprocess.Popen(
        command_line(*arguments),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


def survive(recorded: Path, folder: Path, kills: int, seed: int) -> None:
    """Kill runs at random points of the whole, each in a store that goes on from the last kill."""
    undisturbed = folder / "undisturbed" / "store.db"
    started = time.monotonic()
    assert evalforge("run", recorded, "--store", undisturbed).code == 0
    whole_run = time.monotonic() - started
    wanted, wanted_suggestions = end_state(open_store(undisturbed)), suggestions_of(open_store(undisturbed))
    chosen = random.Random(seed)
    done = round_ = 0
    while done < kills:
        round_ += 1
        assert round_ <= 10 * kills, "the runs end before they are killed; this tests nothing"
        store = folder / f"killed-{round_}" / "store.db"
        # One to three kills in a row, so that a restart is killed as well.
        for _ in range(chosen.randint(1, 3)):
            done += kill_after(chosen.uniform(0.25, 1.0) * whole_run, "run", recorded, "--store", store)
        assert evalforge("run", recorded, "--store", store).code == 0, f"seed {seed}, round {round_}"
        parts = open_store(store)
        assert_whole(parts)
        assert end_state(parts) == wanted, f"seed {seed}, round {round_}"
        assert {key: told["members"] for key, told in suggestions_of(parts).items()} == {
            key: told["members"] for key, told in wanted_suggestions.items()
        }, f"seed {seed}, round {round_}"


def test_three_kills_lose_nothing(recorded: Path, tmp_path: Path) -> None:
    survive(recorded, tmp_path, kills=3, seed=3)


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_twenty_five_kills_lose_nothing(recorded: Path, tmp_path: Path) -> None:
    survive(recorded, tmp_path, kills=25, seed=random.SystemRandom().randrange(10**6))
