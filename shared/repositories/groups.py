"""Groups: all failures of one signature, and which suggestion they belong to."""

from collections.abc import Iterator
from typing import NamedTuple

from shared.domain.suggestions import Group
from shared.domain.taxonomy import FailureType
from shared.ports import Create, Documents, Replace, Vector
from shared.repositories.paging import every
from shared.topology import ALL_GROUPS, GROUPS, SIMILAR_GROUPS


class SimilarGroup(NamedTuple):
    """A group and how alike it is, 1 at most."""

    group: Group
    similarity: float


class Groups:
    """Signature groups with their vectors."""

    def __init__(self, documents: Documents) -> None:
        """Use the `groups` collection."""
        self._documents = documents

    def get(self, group_id: str) -> Group | None:
        """Read a group."""
        found = self._documents.get(GROUPS, group_id)
        return Group.model_validate(found.data) if found else None

    def create(self, group: Group, vector: Vector) -> bool:
        """Write a group if it is new, and say whether it was."""
        return self._documents.commit(Create(GROUPS, group.id, group.model_dump(mode="json"), vector))

    def renew_vector(self, group_id: str, vector: Vector, *, embedder_version: str) -> None:
        """Put a newer embedder's vector in place of an older one's; the first to do so is enough."""
        found = self._documents.get(GROUPS, group_id)
        if found and found.data["embedder_version"] != embedder_version:
            renewed = found.data | {"embedder_version": embedder_version}
            self._documents.commit(Replace(GROUPS, group_id, renewed, found.version, vector))

    def most_similar(
        self, vector: Vector, *, ml_app: str, env: str, failure_type: FailureType, embedder_version: str
    ) -> SimilarGroup | None:
        """Find the group of the same application, environment and type that is most alike."""
        equals = (ml_app, env, failure_type.value, embedder_version)
        found = self._documents.nearest(SIMILAR_GROUPS, equals, vector, limit=1)
        return (
            SimilarGroup(Group.model_validate(found[0].document.data), found[0].similarity) if found else None
        )

    def all(self) -> Iterator[Group]:
        """Yield all groups."""
        return (Group.model_validate(found.data) for found in every(self._documents, ALL_GROUPS))
