"""Draws the README's picture from a real run of the demo: `make pictures`."""

import io
import re
import tempfile
from pathlib import Path

from rich.console import Console

from functions.cli.report import layout, report
from functions.local.demo import run_demo
from shared import logs
from shared.settings import load_settings
from shared.wiring import wire

PICTURE = Path(__file__).parent / "images" / "demo.svg"


def main() -> None:
    """Run the demo in a fresh store and keep what it shows."""
    logs.configure("CRITICAL")
    out = Console(record=True, width=176, file=io.StringIO(), highlight=False)
    with tempfile.TemporaryDirectory() as folder:
        parts = wire(load_settings(evalforge_store=Path(folder) / "demo.db"))
        out.print("$ make demo", style="bold")
        run_demo(parts, say=out.print)
        told = report(parts, 0)
        out.print(f"the chain      {told.captures} failing traces against {told.healthy} healthy ones\n")
        out.print(layout(told.suggestions, width=out.width))
    PICTURE.parent.mkdir(exist_ok=True)
    # A picture that fetches fonts from elsewhere would tell others who reads it.
    drawn = re.sub(r"@font-face \{.*?\}", "", out.export_svg(title="EvalForge"), flags=re.DOTALL)
    PICTURE.write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
