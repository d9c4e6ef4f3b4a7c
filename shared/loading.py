"""Loads client libraries late and fast."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Import without collecting garbage, then leave what is there out of later collections.

    What imports make stays for good; going through it again and again is a
    tenth of the time until a function has answered its first request.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collects:
            gc.enable()
