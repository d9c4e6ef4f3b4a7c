"""The local world of emulators: ports, notes and what is missing, before anything is started."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from functions.local.datadog.asking import asking
from functions.local.emulation import emulating
from functions.local.emulator_note import (
    EmulatorHosts,
    Running,
    as_noted,
    note_of,
    refuse_a_second,
    write_note,
)
from functions.local.emulators import end_group, free_ports, kill_group, running_emulators
from functions.local.function_processes import ports_for
from shared.errors import ConfigError
from shared.settings import Backend, Settings
from shared.topology import FUNCTIONS


def settings(folder: Path) -> Settings:
    return Settings(evalforge_backend=Backend.EMULATOR, evalforge_store=folder / "deep" / "emulator.db")


def test_ports_that_are_asked_for_together_differ() -> None:
    for _ in range(20):
        assert len(set(free_ports(50))) == 50
    ports = ports_for(4321)
    assert ports["receive_alert"] == 4321
    assert len(set(ports.values())) == len(FUNCTIONS)


def test_a_note_tells_other_commands_where_everything_is(tmp_path: Path) -> None:
    told = settings(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = f"127.0.0.1:{server.getsockname()[1]}"
        running = {"sanitize": Running(f"http://{host}", os.getpid())}
        served = asking(told, f"http://{host}").model_copy(update={"google_cloud_project": "demo-noted"})
        write_note(note_of(told.evalforge_store), EmulatorHosts(host, host), served, running)
        noted = as_noted(told)
        assert (noted.project, noted.firestore_emulator_host) == ("demo-noted", host)
        assert (noted.datadog_api_url, noted.asks_datadog) == (f"http://{host}", True)
        with pytest.raises(ConfigError, match=f"process {os.getpid()}"):
            refuse_a_second(told.evalforge_store)
        ended = json.loads(note_of(told.evalforge_store).read_text()) | {"server": 2**22 + 1}
        note_of(told.evalforge_store).write_text(json.dumps(ended))
        with pytest.raises(ConfigError, match=f"kill {os.getpid()}"):
            refuse_a_second(told.evalforge_store)
    # Whoever wrote the note was killed: its addresses answer no more.
    with pytest.raises(ConfigError, match="no emulators run"):
        as_noted(told)
    refuse_a_second(told.evalforge_store)


@pytest.mark.parametrize("text", ["", "[]", "{}", "no json", json.dumps({"firestore": 1})])
def test_a_note_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    told = settings(tmp_path)
    path = note_of(told.evalforge_store)
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ConfigError, match="no emulators run"):
        as_noted(told)


def test_without_the_cloud_cli_one_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="gcloud components install"), running_emulators(tmp_path):
        pass


def test_a_cloud_cli_without_the_emulator_is_told_which_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "sdk" / "bin"
    programs.mkdir(parents=True)
    for name in ("gcloud", "java"):
        (programs / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(ConfigError, match="no cloud-firestore-emulator"), running_emulators(tmp_path):
        pass


def test_a_port_that_is_taken_is_named_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port}"), emulating(settings(tmp_path), port=port):
            pass


def test_what_outlives_a_killed_process_gets_no_time_to_finish(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    worker = (
        "import pathlib, signal, sys, time; asked = pathlib.Path(sys.argv[1]);"
        "signal.signal(signal.SIGTERM, lambda *_: asked.write_text('politely'));"
        "print('ready', flush=True); time.sleep(600)"
    )
    master = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {worker!r}, sys.argv[1]])"
    process = subprocess.Popen(
        [sys.executable, "-c", master, str(asked)], start_new_session=True, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"ready\n"
        process.kill()
        process.wait()
        kill_group(process)
        # Whoever held the pipe has let go of it.
        assert process.stdout.read() == b""
    assert not asked.exists()


def test_a_group_is_ended_when_only_the_dead_are_left_of_it() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    end_group(process)
    assert process.returncode == 0
