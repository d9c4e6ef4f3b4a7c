"""What model calls cost, by day and application."""

from typing import NamedTuple

from shared.ports import Documents
from shared.repositories.paging import every
from shared.topology import ALL_SPEND


class Total(NamedTuple):
    """All calls and their cost in US dollars."""

    model_calls: int
    cost_usd: float


class Spend:
    """The record of money spent on models."""

    def __init__(self, documents: Documents) -> None:
        """Use the `spend` collection."""
        self._documents = documents

    def total(self) -> Total:
        """Add up what every model call has cost so far."""
        found = [one.data for one in every(self._documents, ALL_SPEND)]
        calls = sum(int(str(data.get("model_calls", 0))) for data in found)
        return Total(calls, round(sum(float(str(data.get("cost_usd", 0))) for data in found), 6))
