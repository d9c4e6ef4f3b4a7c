"""How many webhooks a second receive_alert takes, beside a bare function that stores and publishes."""

import itertools
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import psutil

from functions.local.emulators import LOOPBACK, free_port, running_emulators
from shared.errors import ConfigError
from shared.settings import Settings
from shared.topology import FUNCTIONS
from tests.bench.bare_webhook import TOPIC
from tests.bench.serving import Served, serving, wait_for
from tests.conftest import ROOT
from tests.emulator.waiting_work import Work, some, work_for

CONNECTIONS = 16
ROUNDS = 7
REQUESTS = 800
WARMING = 200
LEAST_RATE_RATIO = 0.8
MOST_P99_RATIO = 1.5
WEBHOOK = next(function for function in FUNCTIONS if function.name == "receive_alert")
BARE = ROOT / "tests" / "bench" / "bare_webhook.py"

HEADER = f"""\
edge, webhooks: distinct alerts over {CONNECTIONS} connections that are kept alive, on the emulators;
  functions-framework as deployed, {WEBHOOK.threads} threads; medians of {ROUNDS} rounds of {REQUESTS}
  in turn with a bare function
  bare: the same server with a function that parses the JSON, creates one document with it, publishes one
  message and waits for that; it checks, redacts and logs nothing"""


class Round(NamedTuple):
    """One round of load on one server; latencies and CPU times are in milliseconds."""

    rate: float
    p50: float
    p99: float
    cpu: float


class Server(NamedTuple):
    """Where a function answers, the process whose children do the work, and what they say."""

    port: int
    master: psutil.Process
    log: Path

    def cpu_seconds(self) -> float:
        """Say how long its workers have worked."""
        return sum(sum(worker.cpu_times()[:2]) for worker in self.master.children())


def print_edge() -> None:
    """Measure and print all."""
    # Parts on the emulators tell this process's client libraries where those are.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as named, patch.dict(os.environ):
        folder, told = Path(named), Settings()
        try:
            with running_emulators(
                folder / "emulators", firestore=told.firestore_emulator_host, pubsub=told.pubsub_emulator_host
            ) as hosts:
                print_webhooks(work_for(WEBHOOK, hosts, folder), folder)
        except ConfigError as error:
            print(f"edge, skipped: {error}")


def print_webhooks(work: Work, folder: Path) -> None:
    """Measure and print what the webhook takes beside the bare function."""
    print(HEADER)
    ours: list[Round] = []
    bare: list[Round] = []
    with ExitStack() as stack:
        servers = [_started(stack, one, folder / f"{one.target}.log") for one in _functions(work)]
        # Emulators that were just started take seconds for their first calls; the bare one has the patience.
        for server in reversed(servers):
            _load(server, some(work.bodies, WARMING))
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(ROUNDS):
            for server, rounds in zip(servers, (ours, bare), strict=True):
                rounds.append(_load(server, some(work.bodies, REQUESTS)))
        share = (time.process_time() - cpu) / (time.perf_counter() - wall)
    print(_row("receive_alert", ours))
    print(_row("bare function", bare))
    rates = [one.rate / least.rate for one, least in zip(ours, bare, strict=True)]
    tails = [one.p99 / least.p99 for one, least in zip(ours, bare, strict=True)]
    print(_ratio("requests/s", rates, f"{LEAST_RATE_RATIO} or better"))
    print(_ratio("p99", tails, f"{MOST_P99_RATIO} or less"))
    print(f"  who sent all this used {share:.0%} of one core")


def _functions(work: Work) -> Iterator[Served]:
    """Both with the settings as deployed, with which ours writes a line of log for each webhook."""
    variables = {**work.environment, "EVALFORGE_LOG_LEVEL": "INFO", TOPIC: WEBHOOK.publishes[0].id}
    for source, target in ((ROOT / WEBHOOK.source, WEBHOOK.name), (BARE, BARE.stem)):
        yield Served(source, target, WEBHOOK.threads, variables)


def _started(stack: ExitStack, served: Served, log: Path) -> Server:
    port = free_port()
    process = stack.enter_context(serving(served, port, log=log))
    wait_for(port, served.target)
    return Server(port, psutil.Process(process.pid), log)


def _load(server: Server, bodies: list[bytes]) -> Round:
    """Send all, each connection its next one as soon as the last was answered."""
    waiting, lock = iter(bodies), threading.Lock()

    def next_body() -> bytes | None:
        with lock:
            return next(waiting, None)

    started, worked = time.perf_counter(), server.cpu_seconds()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        sending = [pool.submit(_send, server, iter(next_body, None)) for _ in range(CONNECTIONS)]
        taken = sorted(itertools.chain.from_iterable(one.result() for one in sending))
    elapsed, cpu = time.perf_counter() - started, server.cpu_seconds() - worked
    return Round(
        rate=len(taken) / elapsed,
        p50=1000 * statistics.median(taken),
        p99=1000 * statistics.quantiles(taken, n=100)[98],
        cpu=1000 * cpu / len(taken),
    )


def _send(server: Server, bodies: Iterator[bytes]) -> list[float]:
    """Send over one connection; return the seconds that each took."""
    taken = []
    connection = HTTPConnection(LOOPBACK, server.port, timeout=60)
    try:
        for body in bodies:
            began = time.perf_counter()
            connection.request("POST", "/", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            taken.append(time.perf_counter() - began)
            if answer.status != 202:
                told = server.log.read_text(encoding="utf-8").splitlines()
                errors = [line for line in told if '"ERROR"' in line] or told[-20:]
                sys.exit(
                    "\n".join([f"a webhook was answered {answer.status} by a server that says", *errors])
                )
    finally:
        connection.close()
    return taken


def _row(name: str, rounds: list[Round]) -> str:
    middle = Round(*(statistics.median(told) for told in zip(*rounds, strict=True)))
    return (
        f"  {name:14} {middle.rate:6.0f} requests/s   p50 {middle.p50:5.1f} ms   p99 {middle.p99:5.1f} ms"
        f"   {middle.cpu:5.2f} ms of CPU each"
    )


def _ratio(name: str, ratios: list[float], target: str) -> str:
    middle = statistics.median(ratios)
    return f"  ratio of {name:10} {middle:5.2f} ({min(ratios):.2f} to {max(ratios):.2f})   target {target}"
