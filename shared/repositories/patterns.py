"""Failure patterns, one for each capture."""

from collections.abc import Iterator
from typing import NamedTuple

from shared.domain.ids import document_id
from shared.domain.patterns import FailurePattern
from shared.ports import Create, Document, Documents, Replace
from shared.repositories.bodies import drops, pack, unpack
from shared.repositories.paging import every
from shared.topology import CONTRASTED_LATEST_FIRST, FAILURE_PATTERNS, LIVING_PATTERNS


class KnownPattern(NamedTuple):
    """A stored pattern and the version that guards its replacement."""

    pattern: FailurePattern
    version: str


class Patterns:
    """What extraction said of each capture."""

    def __init__(self, documents: Documents) -> None:
        """Use the `failure_patterns` collection."""
        self._documents = documents

    def get(self, trace_id: str) -> KnownPattern | None:
        """Read a trace's pattern."""
        found = self._documents.get(FAILURE_PATTERNS, document_id(trace_id))
        return KnownPattern(self._pattern(found), found.version) if found else None

    def store(self, pattern: FailurePattern, known: KnownPattern | None) -> bool:
        """Write a pattern, or return False when somebody else wrote it since it was known."""
        name = document_id(pattern.trace_id)
        data = {
            "trace_id": pattern.trace_id,
            "group_id": pattern.group_id,
            "withdrawn": pattern.withdrawn,
            "ml_app": pattern.ml_app,
            "env": pattern.env,
            "started_at": pattern.started_at.isoformat() if pattern.started_at else "",
            "contrasted": pattern.references is not None and not pattern.withdrawn,
            **pack(self._documents, FAILURE_PATTERNS, name, pattern),
        }
        if known is None:
            return self._documents.commit(Create(FAILURE_PATTERNS, name, data))
        before = self._documents.get(FAILURE_PATTERNS, name)
        chunks = drops(FAILURE_PATTERNS, name, before.data) if before else []
        return self._documents.commit(Replace(FAILURE_PATTERNS, name, data, known.version), *chunks)

    def all(self) -> Iterator[FailurePattern]:
        """Yield the patterns of all failures; those of traces that turned out healthy are left out."""
        return (self._pattern(found) for found in every(self._documents, LIVING_PATTERNS, (False,)))

    def contrasted(self, ml_app: str, env: str) -> Iterator[FailurePattern]:
        """Yield the patterns that rest on healthy runs of an application, the latest failures first."""
        found = every(self._documents, CONTRASTED_LATEST_FIRST, (ml_app, env, True))
        return map(self._pattern, found)

    def count(self) -> int:
        """Count them."""
        return self._documents.count(LIVING_PATTERNS, (False,))

    def _pattern(self, found: Document) -> FailurePattern:
        return FailurePattern.model_validate_json(
            unpack(self._documents, FAILURE_PATTERNS, found.id, found.data)
        )
