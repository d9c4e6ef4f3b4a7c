"""What Cloud Scheduler does, on one machine: asks again and again for what is due."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from shared.domain.incidents import TICK_ID
from shared.errors import EvalForgeError
from shared.logs import describe, logger
from shared.messages import AlertRaised, ContrastsDue, ResendDue
from shared.ports import Outgoing, Publisher
from shared.settings import Settings
from shared.topology import FOLLOW_SCHEDULE, Topic

# Somebody waits at the terminal: dead letters are looked through oftener than where they are deployed.
_RESEND_SECONDS = 60.0
_RECONTRAST_SECONDS = 10.0
# A host that was just started may have missed a tick; what it was started for comes first.
_FIRST_SEARCH_SECONDS = 2.0


class Tick(NamedTuple):
    """A message that is published a while after the start, and then every so often."""

    outgoing: Outgoing
    first_seconds: float
    seconds: float


def ticks_of(settings: Settings) -> tuple[Tick, ...]:
    """Say what is due when: dead letters and contrasts always, polls where there are keys for Datadog."""
    resend = Tick(Outgoing(Topic.RESENDS, ResendDue()), _RESEND_SECONDS, _RESEND_SECONDS)
    search = Outgoing(Topic.ALERTS, AlertRaised(incident_id=TICK_ID))
    every = _seconds_between(FOLLOW_SCHEDULE)
    own = (resend, Tick(Outgoing(Topic.CONTRASTS, ContrastsDue()), _RECONTRAST_SECONDS, _RECONTRAST_SECONDS))
    return (*own, Tick(search, _FIRST_SEARCH_SECONDS, every)) if settings.asks_datadog else own


@contextmanager
def ticking(publisher: Publisher, ticks: Sequence[Tick]) -> Iterator[None]:
    """Publish each tick when it is due, until left."""
    ending = threading.Event()

    def keep_time(tick: Tick) -> None:
        wait = tick.first_seconds
        while not ending.wait(wait):
            wait = tick.seconds
            try:
                publisher.publish([tick.outgoing])
            except EvalForgeError as error:
                logger("local").warning("no tick: %s", describe(error))

    threads = [threading.Thread(target=keep_time, args=(tick,), daemon=True) for tick in ticks]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ending.set()
        for thread in threads:
            thread.join()


def _seconds_between(schedule: str) -> float:
    """Read a schedule of every so many minutes, the one kind that the topology has."""
    return float(schedule.removeprefix("*/").removesuffix(" * * * *")) * 60
