"""The command's own beginning."""

import builtins
from typing import Any

import pytest

from functions.cli import starting


def test_ctrl_c_while_it_still_loads_ends_it_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = builtins.__import__

    def interrupted(name: str, *rest: Any, **told: Any) -> Any:
        if name == "functions.cli.__main__":
            raise KeyboardInterrupt
        return usual(name, *rest, **told)

    monkeypatch.setattr(builtins, "__import__", interrupted)
    with pytest.raises(SystemExit) as ended:
        starting.main()
    assert ended.value.code == 130
