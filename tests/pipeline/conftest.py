"""What several tests of whole stages start from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.local.datadog.server import StandIn, serving
from tests.contract.openapi import described, faults_of
from tests.pipeline.datadog_edge import Edge


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    stand_in = StandIn()
    with serving(stand_in):
        yield (edge := Edge(tmp_path, stand_in))
    if described():
        assert [fault for exchange in edge.exchanges for fault in faults_of(exchange)] == []
