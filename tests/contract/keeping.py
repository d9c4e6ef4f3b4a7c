"""Keeps healthy runs, and sweeps as far as what a sweep sees of them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from shared.domain.captures import Capture
from shared.ports import Check, Documents, Write
from shared.repositories.captures import HealthyCaptures, Stored
from shared.repositories.contrasts import Contrast, Contrasts
from shared.repositories.courses import Courses
from shared.topology import ALL_HEALTHY
from tests.unit.runs import cancelled, captured, looked, run

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
SHOP = ("shop-assistant", "prod")


class Between:
    """Lets something happen right before the next commit, once; counts the writes of a collection."""

    def __init__(self, documents: Documents, then: Callable[[], Any] = lambda: None) -> None:
        self._documents = documents
        self.then: Callable[[], Any] | None = then
        self.written: list[Write] = []

    def commit(self, *writes: Write) -> bool:
        then, self.then = self.then, None
        if then:
            then()
        done = self._documents.commit(*writes)
        self.written += [one for one in writes if done and not isinstance(one, Check)]
        return done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._documents, name)


def healthy(trace_id: str, *, order: str = "W1001", env: str = "prod") -> Capture:
    return captured(run(trace_id, looked(order), cancelled(order), env=env))


def keep(documents: Documents, trace_id: str, **fields: Any) -> Stored:
    store = HealthyCaptures(documents)
    return store.store(healthy(trace_id, **fields), store.known(trace_id), at=NOON)


def remove(documents: Documents, trace_id: str) -> bool:
    store = HealthyCaptures(documents)
    return store.remove(trace_id, store.known(trace_id))


def due(documents: Documents) -> list[Contrast]:
    return list(Contrasts(documents).due())


def sweep(documents: Documents, then: Callable[[], Any] = lambda: None) -> list[str]:
    """Go through all that is due, as far as the healthy runs that a sweep sees."""
    contrasts, seen = Contrasts(documents), list[str]()
    for known in due(documents):
        if begun := contrasts.begin(known):
            seen += named(documents, begun.generation, (begun.ml_app, begun.env))
            then()
            contrasts.settle(begun)
    return seen


def named(documents: Documents, generation: int | None = 0, home: tuple[str, str] = SHOP) -> list[str]:
    group = Courses(documents).control_group(*home, generation)
    return sorted(one.trace_id for one in group.nearest(dict.fromkeys(("cancel", "my", "tent"), 1), 99))


def contents(documents: Documents) -> set[str]:
    return {one.id for one in documents.query(ALL_HEALTHY, limit=100).documents}
