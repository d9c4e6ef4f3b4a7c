"""Whether work grows in step with its input: two sizes in one run, never a time on the clock."""

import time
from collections.abc import Callable

# Below this the clock measures itself.
_FLOOR_S = 0.002
_ROUNDS = 3


def growth(work: Callable[[int], object], small: int, large: int) -> float:
    """Say how many times as long the large input takes; of each the fastest, in this thread's own time."""
    return _fastest(work, large) / max(_fastest(work, small), _FLOOR_S)


def _fastest(work: Callable[[int], object], size: int) -> float:
    taken = []
    for _ in range(_ROUNDS):
        started = time.thread_time()
        work(size)
        taken.append(time.thread_time() - started)
    return min(taken)
