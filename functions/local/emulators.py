"""Google's own Firestore and Pub/Sub emulators: found, started on loopback, ended."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import psutil

from functions.local.emulator_note import EmulatorHosts
from shared.errors import ConfigError, UnavailableError

LOOPBACK = "127.0.0.1"
_FIRESTORE = "platform/cloud-firestore-emulator/cloud_firestore_emulator"
_PUBSUB = "platform/pubsub-emulator/bin/cloud-pubsub-emulator"
_STARTING_SECONDS = 60
_ENDING_SECONDS = 10
_POLL_SECONDS = 0.1


@contextmanager
def running_emulators(
    folder: Path, *, firestore: str | None = None, pubsub: str | None = None
) -> Iterator[EmulatorHosts]:
    """Start the emulators that are not running yet, and end those that were started.

    Raises:
        ConfigError: the emulators or Java are not installed.
        UnavailableError: an emulator did not come up; its log in the folder says why.
    """
    with ExitStack() as stack:
        if firestore is None:
            firestore = stack.enter_context(
                _running(folder, "firestore", [str(_program(_FIRESTORE)), "start"])
            )
        if pubsub is None:
            pubsub = stack.enter_context(_running(folder, "pubsub", [str(_program(_PUBSUB))]))
        yield EmulatorHosts(firestore, pubsub)


def free_port() -> int:
    """Ask for a loopback port that nobody uses."""
    return free_ports(1)[0]


def free_ports(number: int) -> list[int]:
    """Ask at once for different loopback ports that nobody uses: one that is let go can come again."""
    with ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server((LOOPBACK, 0))) for _ in range(number)]
        return [int(server.getsockname()[1]) for server in servers]


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process with all that it has started: politely, then not."""
    if not _ended(process, signal.SIGTERM):
        kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End at once what is left of a process and of all that it has started."""
    _ended(process, signal.SIGKILL)


def _ended(process: subprocess.Popen[bytes], number: int) -> bool:
    """Send a signal to a whole group, and say whether nobody of it is left after a while."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return True
    deadline = time.monotonic() + _ENDING_SECONDS
    while somebody := _is_anybody(process):
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL_SECONDS / 2)
    if not somebody:
        # A process whose first thread has ended counts as dead while its others still end.
        with suppress(subprocess.TimeoutExpired):
            process.wait(_ENDING_SECONDS)
    return not somebody


def _is_anybody(process: subprocess.Popen[bytes]) -> bool:
    """Say whether one of a group still runs; the dead that nobody has asked after do not."""
    process.poll()
    for one in psutil.process_iter():
        with suppress(ProcessLookupError, psutil.Error):
            if os.getpgid(one.pid) == process.pid and one.status() != psutil.STATUS_ZOMBIE:
                return True
    return False


def _program(path: str) -> Path:
    gcloud, java = shutil.which("gcloud"), shutil.which("java")
    if gcloud is None or java is None:
        raise ConfigError(
            "the emulators need the Google Cloud CLI and Java; install both, then "
            "`gcloud components install cloud-firestore-emulator pubsub-emulator`, "
            "or name running ones in FIRESTORE_EMULATOR_HOST and PUBSUB_EMULATOR_HOST"
        )
    for root in Path(gcloud).resolve().parents:
        if (program := root / path).exists():
            return program
    name = path.split("/")[1]
    raise ConfigError(f"the Google Cloud CLI has no {name}; `gcloud components install {name}` adds it")


@contextmanager
def _running(folder: Path, name: str, program: Sequence[str]) -> Iterator[str]:
    folder.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), folder / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - a program of the Google Cloud CLI
            [*program, f"--host={LOOPBACK}", f"--port={port}"],
            stdout=out,
            stderr=subprocess.STDOUT,
            # Ctrl-C ends this command, which then ends the emulators after the functions that need them.
            start_new_session=True,
        )
        try:
            _wait_until_up(name, port, process, log)
            yield f"{LOOPBACK}:{port}"
        finally:
            end_group(process)


def _wait_until_up(name: str, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _STARTING_SECONDS
    with httpx.Client(trust_env=False, timeout=1) as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if client.get(f"http://{LOOPBACK}:{port}/").is_success:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(_POLL_SECONDS)
    raise UnavailableError(f"the {name} emulator did not come up; {log} says why")
