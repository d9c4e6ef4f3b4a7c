"""What several tests of whole stages start from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.datadog import a_datadog
from tests.pipeline.datadog_edge import Edge


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    with a_datadog() as (stand_in, _):
        yield Edge(tmp_path, stand_in)
