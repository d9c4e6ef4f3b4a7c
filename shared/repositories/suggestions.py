"""Suggestions with their members and history."""

from collections.abc import Iterator
from typing import NamedTuple

from shared.domain.canonical import digest
from shared.domain.captures import CaptureHead
from shared.domain.ids import document_id
from shared.domain.suggestions import ApprovedImprovement, Event, Member, Suggestion
from shared.ports import Create, Delete, Documents, Replace, Write
from shared.repositories.paging import every
from shared.topology import (
    ALL_APPROVED,
    ALL_SUGGESTIONS,
    APPROVED,
    SUGGESTIONS,
    Query,
    events_of,
    members_of,
)


class KnownSuggestion(NamedTuple):
    """A stored suggestion and the version that guards its replacement."""

    suggestion: Suggestion
    version: str


class Suggestions:
    """Problems, each with its members; a member is a document, so none is counted twice."""

    def __init__(self, documents: Documents) -> None:
        """Use the `improvement_suggestions` collection and what lies below it."""
        self._documents = documents

    def get(self, suggestion_id: str) -> KnownSuggestion | None:
        """Read a suggestion."""
        found = self._documents.get(SUGGESTIONS, suggestion_id)
        return KnownSuggestion(Suggestion.model_validate(found.data), found.version) if found else None

    def all(self) -> Iterator[Suggestion]:
        """Yield all suggestions, the earliest seen first."""
        return (Suggestion.model_validate(found.data) for found in every(self._documents, ALL_SUGGESTIONS))

    def create(self, suggestion: Suggestion) -> bool:
        """Write a suggestion if it is new, and say whether it was."""
        return self._documents.commit(Create(SUGGESTIONS, suggestion.id, suggestion.model_dump(mode="json")))

    def replace(self, suggestion: Suggestion, known: KnownSuggestion) -> bool:
        """Write a suggestion, or return False when somebody else wrote it since it was known."""
        return self._documents.commit(_replacement(suggestion, known))

    def decide(
        self,
        suggestion: Suggestion,
        known: KnownSuggestion,
        event: Event,
        improvement: ApprovedImprovement | None,
    ) -> bool:
        """Write a review with its event and, when approved, what the next deployment carries: all or none."""
        name = f"{event.at:%Y%m%dT%H%M%S%f}-{event.kind}"
        writes: list[Write] = [
            _replacement(suggestion, known),
            Create(events_of(suggestion.id), name, event.model_dump(mode="json")),
        ]
        if improvement:
            writes.append(Create(APPROVED, suggestion.id, improvement.model_dump(mode="json")))
        return self._documents.commit(*writes)

    def add_member(self, suggestion_id: str, member: Member) -> None:
        """Count a trace in, once.

        A member whose pattern has changed is replaced and the suggestion marked
        in one write, because its number of members does not tell.
        """
        path, name = members_of(suggestion_id), document_id(member.trace_id)
        data = member.model_dump(mode="json")
        while not self._documents.commit(Create(path, name, data)):
            known = self._documents.get(path, name)
            if known is None:
                continue
            replaced = Replace(path, name, data, known.version)
            if known.data == data or self._documents.commit(replaced, *self._mark_changed(suggestion_id)):
                return

    def remove_member(self, suggestion_id: str, trace_id: str, group_id: str) -> None:
        """Take a trace out, if it was counted for this group, which is no longer its own."""
        path, name = members_of(suggestion_id), document_id(trace_id)
        while (found := self._documents.get(path, name)) and found.data.get("group_id") == group_id:
            self._documents.commit(Delete(path, name, found.version), *self._mark_changed(suggestion_id))

    def members(self, suggestion_id: str) -> list[Member]:
        """Read all members, by trace id."""
        found = every(self._documents, Query(members_of(suggestion_id)))
        return [Member.model_validate(document.data) for document in found]

    def count_members(self, suggestion_id: str) -> int:
        """Count the members without reading them."""
        return self._documents.count(Query(members_of(suggestion_id)))

    def events(self, suggestion_id: str) -> list[Event]:
        """Read the history, the earliest first."""
        found = every(self._documents, Query(events_of(suggestion_id)))
        events = (Event.model_validate(document.data) for document in found)
        return sorted(events, key=lambda event: event.at)

    def shake(self, suggestion_id: str, event: Event, *, about: CaptureHead) -> None:
        """Note that what a suggestion rests on has gone, once for the capture as it was: it is made anew."""
        path, name = events_of(suggestion_id), f"{event.kind}-{digest(about.trace_id, about.content_hash)}"
        while self._documents.get(path, name) is None:
            changed = self._mark_changed(suggestion_id)
            if not changed:
                return
            self._documents.commit(*changed, Create(path, name, event.model_dump(mode="json")))

    def approved(self) -> Iterator[ApprovedImprovement]:
        """Yield what was approved."""
        found = every(self._documents, ALL_APPROVED)
        return (ApprovedImprovement.model_validate(document.data) for document in found)

    def _mark_changed(self, suggestion_id: str) -> list[Write]:
        known = self.get(suggestion_id)
        if known is None:
            return []
        return [_replacement(known.suggestion.model_copy(update={"members_changed": True}), known)]


def _replacement(suggestion: Suggestion, known: KnownSuggestion) -> Replace:
    return Replace(SUGGESTIONS, suggestion.id, suggestion.model_dump(mode="json"), known.version)
