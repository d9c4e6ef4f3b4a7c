"""Terraform itself takes the deployment: its format, its types, its own tests."""

import os
import pwd
import subprocess
from pathlib import Path

import pytest

from tests.conftest import SHARED
from tests.infra.declarations import INFRA

CHECK = SHARED / "tools" / "terraform" / "check"


@pytest.mark.needs("terraform")
def test_terraform_takes_the_deployment() -> None:
    if not CHECK.exists():
        pytest.skip("the offline check is not beside the project; name its folder in EVALFORGE_SHARED")

    # What the check installs for itself is kept where it is for this machine's user, not once for each test.
    cache = Path(pwd.getpwuid(os.getuid()).pw_dir) / ".cache"
    ended = subprocess.run(
        ["bash", str(CHECK), str(INFRA)],
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        timeout=240,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "tests passed" in ended.stdout
