"""A broker that cannot be reached: one that takes connections and is silent, and one that is not there."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from signal import SIGCONT, SIGSTOP
from typing import Any

import psutil

from functions.local.emulators import LOOPBACK

_PIECE_BYTES = 64 * 1024
_CALL_SECONDS = 10


@contextmanager
def stopped(host: str) -> Iterator[None]:
    """Hold the emulator at this address still; ending it would lose all that it holds."""
    port = host.partition(":")[2]
    held = [
        one for one in psutil.process_iter(["cmdline"]) if f"--port={port}" in (one.info["cmdline"] or [])
    ]
    assert held
    for process in held:
        process.send_signal(SIGSTOP)
    try:
        yield
    finally:
        for process in held:
            process.send_signal(SIGCONT)


class Gate:
    """An address before an emulator's; shut, it breaks every connection and refuses new ones."""

    def __init__(self, behind: str) -> None:
        """Open on a port that stays the same."""
        host, _, port = behind.rpartition(":")
        self._behind = (host, int(port))
        self._port = 0
        self._ends: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._run(self._open())

    @property
    def address(self) -> str:
        """Where to call in the emulator's place."""
        return f"{LOOPBACK}:{self._port}"

    @contextmanager
    def shut(self) -> Iterator[None]:
        """Be nobody there, until left."""
        self._run(self._close())
        try:
            yield
        finally:
            self._run(self._open())

    def end(self) -> None:
        """Shut for good."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(_CALL_SECONDS)

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, LOOPBACK, self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        while self._ends:
            for end in self._ends:
                end.transport.abort()
            await asyncio.sleep(0)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = {writer}
        self._ends |= ends
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._behind)
            ends.add(far_writer)
            self._ends |= ends
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        except OSError:
            pass
        finally:
            for end in ends:
                end.close()
                with suppress(OSError):
                    await end.wait_closed()
            self._ends -= ends


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(_PIECE_BYTES):
        writer.write(piece)
        await writer.drain()
    # One side has ended: so does the other, whose own pump ends with it.
    writer.close()


@contextmanager
def gate_before(host: str) -> Iterator[Gate]:
    """Stand before the emulator at this address."""
    gate = Gate(host)
    try:
        yield gate
    finally:
        gate.end()
