"""What Cloud Scheduler does, on one machine: asks again and again for dead letters that are due."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import EvalForgeError
from shared.logs import describe, logger
from shared.messages import ResendDue
from shared.ports import Outgoing, Publisher
from shared.topology import Topic

_TICK_SECONDS = 60.0


@contextmanager
def ticking(publisher: Publisher, *, seconds: float = _TICK_SECONDS) -> Iterator[None]:
    """Publish a tick every so often, until left."""
    ending = threading.Event()

    def tick() -> None:
        while not ending.wait(seconds):
            try:
                publisher.publish([Outgoing(Topic.RESENDS, ResendDue())])
            except EvalForgeError as error:
                logger("local").warning("no tick: %s", describe(error))

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
