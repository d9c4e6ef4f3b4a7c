"""How soon a function is ready, beside a server that only imports the client libraries it needs."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import httpx

from functions.local.emulators import LOOPBACK, free_port, running_emulators
from shared.errors import ConfigError
from shared.settings import Settings
from shared.topology import FUNCTIONS, Function
from tests.bench.serving import Served, serving, wait_for
from tests.conftest import ROOT
from tests.emulator.waiting_work import Work, work_for
from tests.import_sets import EMBEDDING, LOADED_BY_EVENTS, deployed, starting
from tests.pipeline.command import environment

IMPORT_ROUNDS = 5
SERVER_ROUNDS = 5

IMPORT_HEADER = f"""\
start-up, imports: a fresh interpreter until the entry point is imported and its parts are made,
  {IMPORT_ROUNDS} rounds in turn with its floor
  floor: a fresh interpreter until the client libraries are imported that the function needs, and no more:
  functions_framework, cloudevents.http, pydantic's BaseModel, google.cloud.firestore;
  google.cloud.pubsub_v1 where it publishes, numpy where it embeds
  (a function imports these two with its first event; here, before the time is taken)"""

SERVER_HEADER = f"""\
start-up, first request: `python -m functions_framework` as deployed until its first push is answered 2xx,
  {SERVER_ROUNDS} rounds in turn with its floor, on the emulators; each push is real and new to the function:
  it reads, decides, writes and publishes (for find_failures, a search of a file of one trace)
  floor: the same server with a function that imports the same client libraries and makes one call of a kind:
  it reads one document, and publishes one message where the function publishes"""


class Pair(NamedTuple):
    """Seconds of a function and of its floor, round by round."""

    ours: list[float]
    floor: list[float]

    def row(self, name: str) -> str:
        """Spell medians, and the median of the rounds' ratios."""
        ratio = statistics.median(one / least for one, least in zip(self.ours, self.floor, strict=True))
        ours, floor = statistics.median(self.ours), statistics.median(self.floor)
        return f"  {name:16} {ours:6.2f} s   floor {floor:6.2f} s   {ratio:5.2f} x floor"


def print_startup() -> None:
    """Measure and print both."""
    print(IMPORT_HEADER)
    for function in FUNCTIONS:
        print(_imports(function).row(function.name), flush=True)
    print("\n" + SERVER_HEADER)
    # Parts on the emulators tell this process's client libraries where those are.
    with tempfile.TemporaryDirectory() as named, patch.dict(os.environ):
        folder, told = Path(named), Settings()
        try:
            with running_emulators(
                folder / "emulators", firestore=told.firestore_emulator_host, pubsub=told.pubsub_emulator_host
            ) as hosts:
                for function in FUNCTIONS:
                    pair = _servers(function, work_for(function, hosts, folder), folder)
                    print(pair.row(function.name), flush=True)
        except ConfigError as error:
            print(f"  skipped: {error}")


def libraries(function: Function) -> str:
    """Spell the imports of the client libraries that a function needs."""
    lines = [
        "import functions_framework",
        "import cloudevents.http",
        "from pydantic import BaseModel",
        "import google.cloud.firestore",
    ]
    if function.publishes:
        lines.append("import google.cloud.pubsub_v1")
    if LOADED_BY_EVENTS[function.name] >= EMBEDDING:
        lines.append("import numpy")
    return "\n".join(lines) + "\n"


def _imports(function: Function) -> Pair:
    needed = libraries(function)
    pair = Pair([], [])
    for _ in range(IMPORT_ROUNDS):
        pair.ours.append(_seconds_to_import(starting(function) + needed, deployed(function)))
        pair.floor.append(_seconds_to_import(needed, deployed(function)))
    return pair


def _seconds_to_import(code: str, variables: Mapping[str, str]) -> float:
    """Time an interpreter from its start until it says that it is there; how it ends is no matter."""
    started = time.perf_counter()
    command = [sys.executable, "-c", code + "import os\nos.write(1, b'.')\n"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(**variables)) as process:
        assert process.stdout is not None
        there = process.stdout.read(1)
        elapsed = time.perf_counter() - started
    if not there:
        sys.exit(f"an interpreter ended with {process.returncode} before it had imported all")
    return elapsed


def _servers(function: Function, work: Work, folder: Path) -> Pair:
    least = folder / f"floor_{function.name}.py"
    least.write_text(_floor_source(function), encoding="utf-8")
    variables = {**work.environment, "EVALFORGE_LOG_LEVEL": "CRITICAL"}
    ours = Served(ROOT / function.source, function.name, function.threads, variables)
    floor = Served(least, "least", function.threads, variables)
    pair = Pair([], [])
    for _ in range(SERVER_ROUNDS):
        body = next(work.bodies)
        pair.ours.append(_seconds_to_answer(ours, body))
        pair.floor.append(_seconds_to_answer(floor, body))
    return pair


def _floor_source(function: Function) -> str:
    """Write the least function of the same kind."""
    decorator, parameter = ("cloud_event", "event") if function.topic else ("http", "request")
    publish = ""
    if function.publishes:
        topic = f"projects/{{project}}/topics/{function.publishes[0].id}"
        publish = f'    google.cloud.pubsub_v1.PublisherClient().publish(f"{topic}", b"{{}}").result()\n'
    return (
        f"import os\n{libraries(function)}\n\n"
        f"@functions_framework.{decorator}\n"
        f"def least({parameter}):\n"
        '    project = os.environ["GOOGLE_CLOUD_PROJECT"]\n'
        '    google.cloud.firestore.Client(project=project).collection("floor").document("none").get()\n'
        f"{publish}"
        '    return "done"\n'
    )


def _seconds_to_answer(served: Served, body: bytes) -> float:
    port = free_port()
    started = time.perf_counter()
    with serving(served, port), httpx.Client(trust_env=False, timeout=60) as client:
        wait_for(port, served.target)
        answer = client.post(
            f"http://{LOOPBACK}:{port}/", content=body, headers={"Content-Type": "application/json"}
        )
        elapsed = time.perf_counter() - started
    if not answer.is_success:
        sys.exit(f"{served.source} answered its first push {answer.status_code}")
    return elapsed
