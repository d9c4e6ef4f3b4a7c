"""Artifacts, every revision of them, below their suggestion."""

from collections.abc import Iterator

from shared.domain.artifacts import Artifact, ArtifactKind, ArtifactRef
from shared.ports import Create, Documents
from shared.repositories.bodies import pack, unpack
from shared.repositories.paging import every
from shared.topology import Query, artifacts_of


class Artifacts:
    """Eval tests, guardrails and runbooks."""

    def __init__(self, documents: Documents) -> None:
        """Use the `artifacts` subcollections of suggestions."""
        self._documents = documents

    def put(self, artifact: Artifact) -> None:
        """Write a revision, if it is new.

        A revision is named by its content as well, so that two writers who both
        think that theirs is next never write over each other: the suggestion
        says which of them counts.
        """
        path = artifacts_of(artifact.suggestion_id)
        name = _name(artifact.kind, artifact.revision, artifact.digest)
        if self._documents.get(path, name) is None:
            packed = pack(self._documents, path, name, artifact)
            self._documents.commit(Create(path, name, {"kind": artifact.kind.value, **packed}))

    def get(self, suggestion_id: str, kind: ArtifactKind, ref: ArtifactRef) -> Artifact | None:
        """Read the revision that a suggestion or an approval refers to."""
        path = artifacts_of(suggestion_id)
        found = self._documents.get(path, _name(kind, ref.revision, ref.digest))
        return (
            Artifact.model_validate_json(unpack(self._documents, path, found.id, found.data))
            if found
            else None
        )

    def all(self, suggestion_id: str) -> Iterator[Artifact]:
        """Yield every revision of every kind."""
        path = artifacts_of(suggestion_id)
        found = every(self._documents, Query(path))
        return (
            Artifact.model_validate_json(unpack(self._documents, path, one.id, one.data)) for one in found
        )


def _name(kind: ArtifactKind, revision: int, content_digest: str) -> str:
    return f"{kind.value}-{revision:06d}-{content_digest[:12]}"
