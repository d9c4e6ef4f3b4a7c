"""What model calls cost: each call kept, and summed by day and application."""

from collections.abc import Iterator
from datetime import UTC, datetime

from pydantic import JsonValue

from shared.domain.canonical import digest
from shared.domain.model import Model
from shared.domain.model_calls import ModelCall
from shared.ports import Create, Document, Documents, Replace
from shared.repositories.paging import every
from shared.topology import ALL_SPEND, SPEND, SPEND_OF_DAY, Query, calls_of


class Total(Model):
    """All calls of a day and an application, their tokens, and their cost in US dollars."""

    day: str = ""
    ml_app: str = ""
    model_calls: int = 0
    troubles: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    cost_usd: float = 0.0


class Spend:
    """The record of money spent on models."""

    def __init__(self, documents: Documents) -> None:
        """Use the `spend` collection and the calls below it."""
        self._documents = documents

    def record(self, call: ModelCall) -> None:
        """Keep a call, and add it to the sum of its day and application: once, however often it is told."""
        day = _day(call.at)
        name = f"{day}-{digest(call.ml_app, length=16)}"
        kept = Create(calls_of(name), call.id, call.model_dump(mode="json"))
        while self._documents.get(calls_of(name), call.id) is None:
            found = self._documents.get(SPEND, name)
            before = _total(found) if found else Total(day=day, ml_app=call.ml_app)
            data = _with(before, call).model_dump(mode="json")
            summed = Replace(SPEND, name, data, found.version) if found else Create(SPEND, name, data)
            if self._documents.commit(kept, summed):
                return

    def of_day(self, moment: datetime) -> list[Total]:
        """Read the sums of a day, one for each application."""
        return [_total(found) for found in every(self._documents, SPEND_OF_DAY, (_day(moment),))]

    def all(self) -> list[Total]:
        """Read the sums of all days, by day and application."""
        totals = map(_total, every(self._documents, ALL_SPEND))
        return sorted(totals, key=lambda one: (one.day, one.ml_app))

    def calls(self, total: Total) -> Iterator[ModelCall]:
        """Yield the calls of a day and an application."""
        name = f"{total.day}-{digest(total.ml_app, length=16)}"
        found = every(self._documents, Query(calls_of(name)))
        return (ModelCall.model_validate(document.data) for document in found)

    def total(self) -> Total:
        """Add up what every model call has cost so far."""
        return added(self.all())


def added(totals: list[Total]) -> Total:
    """Add sums up."""
    return Total(
        model_calls=sum(one.model_calls for one in totals),
        troubles=sum(one.troubles for one in totals),
        input_tokens=sum(one.input_tokens for one in totals),
        output_tokens=sum(one.output_tokens for one in totals),
        seconds=round(sum(one.seconds for one in totals), 3),
        cost_usd=round(sum(one.cost_usd for one in totals), 6),
    )


def _with(before: Total, call: ModelCall) -> Total:
    return before.model_copy(
        update={
            "model_calls": before.model_calls + 1,
            "troubles": before.troubles + (call.trouble is not None),
            "input_tokens": before.input_tokens + call.input_tokens,
            "output_tokens": before.output_tokens + call.output_tokens,
            "seconds": round(before.seconds + call.seconds, 3),
            "cost_usd": round(before.cost_usd + call.cost_usd, 9),
        }
    )


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d")


def _total(found: Document) -> Total:
    data: dict[str, JsonValue] = found.data
    return Total.model_validate(data)
