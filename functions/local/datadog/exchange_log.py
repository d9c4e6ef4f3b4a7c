"""What was asked of the stand-in and what it answered, in a file."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

from functions.local.datadog.server import Exchange
from shared.errors import ConfigError


def appending_to(path: Path) -> Callable[[Exchange], None]:
    """Let each exchange be a line of JSON at the end of a file, which is made for its owner alone.

    Raises:
        ConfigError: the file cannot be written.
    """
    lock = threading.Lock()

    def write(text: str) -> None:
        # Opened for each: nothing is left to flush or to close, whenever the last answer is given.
        with lock:
            path.touch(mode=0o600)
            path.chmod(0o600)
            with path.open("a", encoding="utf-8") as file:
                file.write(text)

    try:
        write("")
    except OSError as error:
        raise ConfigError(f"--datadog-log {path} cannot be written: {error.strerror}") from None
    return lambda exchange: write(json.dumps(exchange._asdict()) + "\n")
