"""Notes which control groups have changed since failures were held against them."""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from pydantic import JsonValue

from shared.domain.canonical import digest
from shared.ports import Check, Create, Document, Documents, Replace, Write
from shared.repositories.paging import every
from shared.topology import CONTRASTS, CONTRASTS_BY_STATE


class State(StrEnum):
    """Whether failures are held against the healthy runs that there are."""

    SETTLED = "settled"
    CHANGED = "changed"
    SWEEPING = "sweeping"


class Contrast(NamedTuple):
    """An application and environment; `generation` counts how often its failures were gone through.

    No change was noted since the sweep of generation `since` has begun, where one is going on.
    """

    ml_app: str
    env: str
    state: State
    generation: int
    since: int
    version: str


class Contrasts:
    """One note for each application and environment, written once between two sweeps however much comes."""

    def __init__(self, documents: Documents) -> None:
        """Use the `contrasts` collection."""
        self._documents = documents

    def changed(self, ml_app: str, env: str) -> Write:
        """Give the write that notes a change, for the commit that makes it; a check where one is noted.

        Unchecked, a sweep could begin and end between this and the commit, and miss the change.
        """
        found = self._documents.get(CONTRASTS, digest(ml_app, env))
        if found is None:
            return Create(CONTRASTS, digest(ml_app, env), _data(ml_app, env, State.CHANGED, 0, 0))
        known = _contrast(found)
        if known.state is State.CHANGED:
            return Check(CONTRASTS, found.id, known.version)
        return _moved(known, State.CHANGED)

    def generation(self, ml_app: str, env: str) -> int | None:
        """Say which generation of a control group this is; None where there was never a healthy run."""
        found = self._documents.get(CONTRASTS, digest(ml_app, env))
        return _contrast(found).generation if found else None

    def due(self) -> Iterator[Contrast]:
        """Yield those that have changed, and those whose sweep was broken off."""
        for state in (State.SWEEPING, State.CHANGED):
            yield from map(_contrast, every(self._documents, CONTRASTS_BY_STATE, (state.value,)))

    def begin(self, known: Contrast) -> Contrast | None:
        """Begin a sweep, whose generation is a new one; None where somebody else has changed it meanwhile."""
        begun = known._replace(generation=known.generation + 1)
        if known.state is not State.SWEEPING:
            begun = begun._replace(since=begun.generation)
        if not self._documents.commit(_moved(begun, State.SWEEPING)):
            return None
        found = self._documents.get(CONTRASTS, digest(known.ml_app, known.env))
        return _contrast(found) if found else None

    def settle(self, begun: Contrast) -> None:
        """End a sweep; what has changed since it began stays noted.

        One that was begun again beside it ends with it: nothing had changed for
        that one to see, and sweeps longer than the time between two ticks would
        never come to an end.
        """
        while found := self._documents.get(CONTRASTS, digest(begun.ml_app, begun.env)):
            now = _contrast(found)
            if now.state is not State.SWEEPING or now.since > begun.generation:
                return
            if self._documents.commit(_moved(now, State.SETTLED)):
                return


def _moved(known: Contrast, state: State) -> Replace:
    data = _data(known.ml_app, known.env, state, known.generation, known.since)
    return Replace(CONTRASTS, digest(known.ml_app, known.env), data, known.version)


def _data(ml_app: str, env: str, state: State, generation: int, since: int) -> dict[str, JsonValue]:
    return {"ml_app": ml_app, "env": env, "state": state.value, "generation": generation, "since": since}


def _contrast(found: Document) -> Contrast:
    data = found.data
    state, generation = State(str(data["state"])), int(str(data["generation"]))
    since = int(str(data.get("since", generation)))
    return Contrast(str(data["ml_app"]), str(data["env"]), state, generation, since, found.version)
