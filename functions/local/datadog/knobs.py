"""What can be made to go wrong at the stand-in."""

import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple


class Refusal(NamedTuple):
    """An answer that is no answer: its body a list of texts, of `objects` as JSON:API has, or `raw` bytes."""

    status: int
    text: str = "told by the stand-in"
    reset: str | None = None
    objects: bool = False
    raw: bytes = b""


@dataclass
class Knobs:
    """How the stand-in behaves; may be turned while it serves."""

    # A page has so many spans at most, however many were asked for.
    page_size: int = 5000
    # A search over more time than this gives what it has by then, and says so.
    longest_window: timedelta | None = None
    # Every search, or the search of one trace, runs out of time.
    always_times_out: bool = False
    slow_seconds: float = 0.0
    # What the application key may do.
    permissions: frozenset[str] = frozenset({"llm_observability_read", "monitors_read"})
    # The cursor of a page is that of the page before.
    repeats_cursor: bool = False
    # The documented example of an answer without a further page has null there.
    page_is_null: bool = False
    _refusals: deque[Refusal] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def refuse(self, refusal: Refusal, *, times: int = 1) -> None:
        """Answer the next requests with this."""
        with self._lock:
            self._refusals.extend([refusal] * times)

    def next_refusal(self) -> Refusal | None:
        """Take the refusal that is due, if any is."""
        with self._lock:
            return self._refusals.popleft() if self._refusals else None
