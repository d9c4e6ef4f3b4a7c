"""A function served as deployed: a process of functions-framework, on loopback."""

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from functions.local.emulators import LOOPBACK, end_group
from tests.pipeline.command import environment

_READY_SECONDS = 60
_POLL_SECONDS = 0.002


class Served(NamedTuple):
    """A function: where its source stands, its name there, how many threads serve it, and with what."""

    source: Path
    target: str
    threads: int
    variables: Mapping[str, str]


@contextmanager
def serving(served: Served, port: int, *, log: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Serve as the emulation serves, and as Cloud Run does; a file takes what it says, if one is named."""
    variables = {
        **served.variables,
        "FUNCTION_TARGET": served.target,
        "FUNCTION_SOURCE": str(served.source),
        "THREADS": str(served.threads),
        "PORT": str(port),
    }
    with ExitStack() as stack:
        out = stack.enter_context(log.open("wb")) if log else None
        runtime = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        process = subprocess.Popen(
            [sys.executable, "-m", "functions_framework", "--host", LOOPBACK],
            env=environment(**variables, XDG_RUNTIME_DIR=runtime),
            start_new_session=True,
            stdout=out,
            stderr=out,
        )
        try:
            yield process
        finally:
            end_group(process)


def wait_for(port: int, target: str) -> None:
    """Wait until it takes connections."""
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((LOOPBACK, port)) == 0:
                return
        time.sleep(_POLL_SECONDS)
    sys.exit(f"the server of {target} did not come up")
