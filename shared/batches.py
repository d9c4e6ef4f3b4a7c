"""Many things, some at a time."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Thing = TypeVar("Thing")


def batched(things: Iterable[Thing], size: int) -> Iterator[list[Thing]]:
    """Part things into lists of a size, the last one shorter; the standard library has it from 3.12 on."""
    left = iter(things)
    while batch := list(islice(left, size)):
        yield batch
