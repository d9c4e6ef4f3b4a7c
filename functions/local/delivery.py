"""Delivers the queue's messages to the functions' own entry points."""

import importlib
import threading
import time
from collections.abc import Callable

from cloudevents.http import CloudEvent

from shared.embedded.queue import SqliteQueue
from shared.errors import EvalForgeError, StoreDamagedError, UnavailableError
from shared.logs import describe, logger
from shared.pubsub_push import encode_push
from shared.topology import FUNCTIONS, Topic

EntryPoint = Callable[[CloudEvent], None]
_IDLE_SECONDS = 0.02
_PROGRESS_SECONDS = 0.05
_BROKEN_SECONDS = 1.0


def entry_points() -> dict[Topic, EntryPoint]:
    """Import the entry point of every function that a topic feeds."""
    return {
        function.topic: getattr(importlib.import_module(f"functions.{function.name}.main"), function.name)
        for function in FUNCTIONS
        if function.topic
    }


class Delivery:
    """Takes messages from the queue and pushes them to entry points."""

    def __init__(self, queue: SqliteQueue, entries: dict[Topic, EntryPoint]) -> None:
        """Free what processes that were killed had taken."""
        self._queue = queue
        self._entries = entries
        self._broken_by: Exception | None = None
        queue.release_dead_owners()

    def deliver_one(self) -> bool:
        """Deliver the next message that is due; False when there is none."""
        leased = self._queue.lease()
        if leased is None:
            return False
        try:
            self._entries[leased.topic](encode_push(leased.pushed, topic=leased.topic))
        except StoreDamagedError:
            # Nothing that is delivered into a damaged store arrives; the message stays where it is.
            raise
        except Exception as error:  # noqa: BLE001 - any error means: deliver again
            logger("local").info(
                "delivered again later: %s",
                describe(error),
                extra={"topic": leased.topic, "attempt": leased.attempt},
            )
            self._queue.reject(leased, describe(error))
        else:
            self._queue.acknowledge(leased)
        return True

    def work(self, stop: threading.Event) -> None:
        """Deliver until told to stop."""
        while not stop.is_set():
            try:
                idle = not self.deliver_one()
            except UnavailableError as error:
                # The queue's file is busy or full; without a worker its messages would lie.
                logger("local").warning("waiting for the queue: %s", describe(error))
                idle = True
            except Exception as error:  # noqa: BLE001 - a host goes on trying; a run ends, and tells it
                logger("local").exception("the queue cannot be read")
                self._broken_by = error
                stop.wait(_BROKEN_SECONDS)
                continue
            if idle:
                stop.wait(_IDLE_SECONDS)

    def drain(
        self, *, workers: int = 1, progress: Callable[[dict[Topic, int]], None] = lambda _: None
    ) -> None:
        """Deliver until nothing is left, retries included; progress is told some twenty times a second.

        Raises:
            UnavailableError: messages are left that can be neither worked on nor kept as dead letters.
            StoreDamagedError: the store can no longer be read.
        """
        self._queue.retry_dead_letters()
        self._broken_by = None
        stop = threading.Event()
        threads = [threading.Thread(target=self.work, args=(stop,), daemon=True) for _ in range(workers)]
        for thread in threads:
            thread.start()
        try:
            while left := self._queue.pending_by_topic():
                if self._broken_by:
                    raise _named(self._broken_by)
                if self._queue.is_stuck():
                    raise UnavailableError(
                        f"{sum(left.values())} messages could not be kept as dead letters and stay queued; "
                        "EVALFORGE_LOG_LEVEL=INFO shows why, and the same command goes on from here"
                    )
                progress(left)
                time.sleep(_PROGRESS_SECONDS)
            progress({})
        finally:
            stop.set()
            for thread in threads:
                thread.join()


def _named(error: Exception) -> EvalForgeError:
    if isinstance(error, EvalForgeError):
        return error
    return UnavailableError(
        f"the queue cannot be read: {describe(error)}; EVALFORGE_LOG_LEVEL=INFO shows where"
    )
