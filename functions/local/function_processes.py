"""The functions as they are deployed: each a process of functions-framework from its own main.py."""

import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from functions.local.emulator_note import Running
from functions.local.emulators import LOOPBACK, end_group, free_ports, kill_group
from shared.errors import UnavailableError
from shared.logs import describe, logger
from shared.topology import FUNCTIONS, Function

ROOT = Path(__file__).resolve().parents[2]
_STARTING_SECONDS = 60
_POLL_SECONDS = 0.1
_AGAIN_SECONDS = 0.5


class FunctionProcesses:
    """A process for each function, started again when it ends."""

    def __init__(
        self,
        environment: Mapping[str, str],
        ports: Mapping[str, int],
        folder: Path,
        changed: Callable[[], None],
    ) -> None:
        """Start nothing yet; `changed` is called whenever a process was started again."""
        self._environment = environment
        self._folder = folder
        self._ports = ports
        self._changed = changed
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ending = threading.Event()
        self._watch = threading.Thread(target=self._keep_running, daemon=True)

    def start(self) -> None:
        """Start all, and wait until each takes connections."""
        for function in FUNCTIONS:
            self._start(function)
        for function in FUNCTIONS:
            self._wait(function)
        self._watch.start()

    def end(self) -> None:
        """End all."""
        self._ending.set()
        if self._watch.is_alive():
            self._watch.join()
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            end_group(process)

    def running(self) -> dict[str, Running]:
        """Say where each function answers."""
        return {
            name: Running(f"http://{LOOPBACK}:{self._ports[name]}", process.pid)
            for name, process in self._processes.items()
        }

    def _start(self, function: Function) -> None:
        runtime = self._folder / function.name
        runtime.mkdir(mode=0o700, exist_ok=True)
        self._processes[function.name] = subprocess.Popen(  # noqa: S603 - our own functions
            [sys.executable, "-m", "functions_framework", "--host", LOOPBACK],
            env={
                **self._environment,
                "PYTHONPATH": str(ROOT),
                "FUNCTION_TARGET": function.name,
                "FUNCTION_SOURCE": str(ROOT / function.source),
                "THREADS": str(function.threads),
                "PORT": str(self._ports[function.name]),
                # gunicorn puts a socket there, and each server needs one of its own.
                "XDG_RUNTIME_DIR": str(runtime),
            },
            start_new_session=True,
        )

    def _wait(self, function: Function) -> None:
        process, deadline = self._processes[function.name], time.monotonic() + _STARTING_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex((LOOPBACK, self._ports[function.name])) == 0:
                    return
            time.sleep(_POLL_SECONDS)
        raise UnavailableError(f"the function {function.name} did not come up; its own lines above say why")

    def _keep_running(self) -> None:
        while not self._ending.wait(_POLL_SECONDS):
            for function in FUNCTIONS:
                process = self._processes[function.name]
                if process.poll() is not None:
                    # A worker that outlives its killed master would hold the port. It gets no time to
                    # finish: what it works on is delivered again, and the others wait to be started.
                    kill_group(process)
                    self._start_again(function)

    def _start_again(self, function: Function) -> None:
        logger("local").warning("%s ended and is started again", function.name)
        try:
            self._start(function)
            self._changed()
        except OSError as error:
            logger("local").error("%s cannot be started: %s", function.name, describe(error))
        # One that ends as soon as it starts does not keep the machine busy.
        self._ending.wait(_AGAIN_SECONDS)


@contextmanager
def function_processes(
    environment: Mapping[str, str], ports: Mapping[str, int], changed: Callable[[], None]
) -> Iterator[FunctionProcesses]:
    """Run every function until left.

    Raises:
        UnavailableError: one of them did not come up.
    """
    with tempfile.TemporaryDirectory(prefix="evalforge-", ignore_cleanup_errors=True) as folder:
        processes = FunctionProcesses(environment, ports, Path(folder), changed)
        try:
            processes.start()
            yield processes
        finally:
            processes.end()


def ports_for(webhook_port: int) -> dict[str, int]:
    """Give every function a port; the webhook's is asked for, or any where that is 0."""
    names = [function.name for function in FUNCTIONS]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    return ports | ({"receive_alert": webhook_port} if webhook_port else {})
