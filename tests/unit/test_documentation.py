"""What the documentation lists is all that there is."""

import re
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.topology import FUNCTIONS
from tests.conftest import ROOT

# Google's framework sets it; nobody else does.
NOBODY_SETS = {"function_target"}


def test_every_setting_is_explained_and_no_other() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    told = {name.lower() for name in re.findall(r"(?m)^# ([A-Z][A-Z_]+)=", text)}

    assert told == set(Settings.model_fields) - NOBODY_SETS


@pytest.mark.parametrize("name", ["README.md", "docs/operations.md"])
def test_every_function_is_told_of(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")

    assert [one.name for one in FUNCTIONS if not re.search(rf"(\*\*|`){one.name}\1", text)] == []


@pytest.mark.parametrize(
    "path", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("infra/*.md")])
)
def test_no_link_leads_nowhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        place, _, heading = target.partition("#")
        if "://" in place:
            continue
        led = (path.parent / place).resolve() if place else path
        assert led.exists(), target
        if heading:
            lines = led.read_text(encoding="utf-8").splitlines()
            assert heading in {_anchor(line) for line in lines if line.startswith("#")}, target


def _anchor(line: str) -> str:
    return re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
