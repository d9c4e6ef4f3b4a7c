"""Where the command begins: Ctrl-C ends it quietly, also while it still loads."""

import sys

INTERRUPTED = 130


def main() -> None:
    """Load the command line, and run it."""
    try:
        from functions.cli.__main__ import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
