"""A test whose tools are missing is skipped with the reason, and fails where CI runs."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

SUITE = """
import pytest

@pytest.mark.needs("terraform")
def test_with_a_tool() -> None:
    pass

def test_without() -> None:
    pass
"""


def outcome(folder: Path, *, path: str, ci: str) -> str:
    """Run a small suite under our own conftest, with these programs to be found."""
    (folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (folder / "test_small.py").write_text(SUITE)
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-rsf", "-p", "no:cacheprovider", str(folder)],
        capture_output=True,
        text=True,
        env={"PATH": path, "PYTHONPATH": str(ROOT), "CI": ci},
        cwd=folder,
        timeout=60,
        check=False,
    )
    return ended.stdout


@pytest.fixture
def with_terraform(tmp_path: Path) -> str:
    program = tmp_path / "bin" / "terraform"
    program.parent.mkdir()
    program.touch(mode=0o755)
    return str(program.parent)


def test_a_missing_tool_skips_with_its_reason(tmp_path: Path) -> None:
    told = outcome(tmp_path, path="", ci="")
    assert "1 passed, 1 skipped" in told
    assert "needs terraform: terraform not found" in told


def test_a_missing_tool_fails_in_ci(tmp_path: Path) -> None:
    told = outcome(tmp_path, path="", ci="true")
    assert "1 passed" in told
    assert "1 error" in told
    assert "CI must not skip it" in told


def test_a_tool_that_is_found_is_used(tmp_path: Path, with_terraform: str) -> None:
    assert "2 passed" in outcome(tmp_path, path=with_terraform, ci="true")
