"""What a store came to, told in a form that does not depend on the order of arrival."""

from pathlib import Path
from typing import Any, NoReturn

from pydantic import SecretStr

from functions.generate.generation import draft_all
from shared.domain.artifacts import ArtifactKind
from shared.domain.canonical import canonical_json, digest
from shared.domain.suggestions import Suggestion, SuggestionStatus
from shared.errors import TraceSourceError
from shared.ports import TraceQuery
from shared.settings import Settings
from shared.wiring import Wiring, wire_embedded

SALT = "a salt of the tests, long enough"
# What depends on history by design: the groups that a trace had belonged to before it had grown.
_HISTORY = {"former_group_ids"}


def open_store(path: Path) -> Wiring:
    """Wire the embedded backend on a store; one salt, so that stores in several folders compare."""
    return wire_embedded(Settings(evalforge_store=path, pii_salt=SecretStr(SALT)))


def is_whole(parts: Wiring) -> bool:
    """Say whether a store that is worked on elsewhere has come to rest."""
    try:
        assert_whole(parts)
    except (AssertionError, KeyError):
        return False
    return True


def end_state(parts: Wiring) -> dict[str, Any]:
    """Captures, healthy captures, patterns and groups: the same for any order of arrival."""
    return {
        "captures": {head.trace_id: head.content_hash for head in parts.captures.heads()},
        "healthy": {head.trace_id: head.content_hash for head in parts.healthy.heads()},
        "patterns": {p.trace_id: p.model_dump(mode="json", exclude=_HISTORY) for p in parts.patterns.all()},
        "groups": {group.id: group.signature for group in parts.groups.all()},
        "dead_letters": sorted(letter.id for letter in parts.dead_letters.all()),
    }


def suggestions_of(parts: Wiring) -> dict[str, Any]:
    """Suggestions whole, with members and the current artifacts: the same for the same order."""
    found: dict[str, Any] = {}
    for suggestion in parts.suggestions.all():
        refs = suggestion.artifacts
        found[suggestion.id] = {
            "suggestion": suggestion.model_dump(mode="json"),
            "members": [
                member.model_dump(mode="json") for member in parts.suggestions.members(suggestion.id)
            ],
            "artifacts": {
                kind.value: artifact.model_dump(mode="json")
                for kind in ArtifactKind
                if kind in refs and (artifact := parts.artifacts.get(suggestion.id, kind, refs[kind]))
            },
        }
    return found


def assert_artifacts(parts: Wiring, suggestion: Suggestion) -> None:
    """Hold that the artifacts a suggestion refers to are those of its canonical member."""
    assert suggestion.canonical_trace_id in {m.trace_id for m in parts.suggestions.members(suggestion.id)}
    for kind, ref in suggestion.artifacts.items():
        artifact = parts.artifacts.get(suggestion.id, kind, ref)
        assert artifact is not None
        assert artifact.digest == ref.digest
    known, capture = (
        parts.patterns.get(suggestion.canonical_trace_id),
        parts.captures.get(suggestion.canonical_trace_id),
    )
    assert known is not None
    assert capture is not None
    for content in draft_all(suggestion, known.pattern, capture):
        spelled = canonical_json(content.model_dump(mode="json"))
        assert suggestion.artifacts[ArtifactKind(content.kind)].digest == digest(spelled)


def assert_whole(parts: Wiring) -> None:
    """Hold what must be true of every drained store, however it got there."""
    captured = {head.trace_id for head in parts.captures.heads()}
    assert not captured & {head.trace_id for head in parts.healthy.heads()}
    patterns = {pattern.trace_id: pattern for pattern in parts.patterns.all()}
    assert set(patterns) == captured
    groups = {group.id: group for group in parts.groups.all()}
    counted: list[str] = []
    for suggestion in parts.suggestions.all():
        members = parts.suggestions.members(suggestion.id)
        counted += [member.trace_id for member in members]
        assert suggestion.recurrence == len(members)
        assert not suggestion.members_changed
        for member in members:
            assert patterns[member.trace_id].group_id == member.group_id
            assert groups[member.group_id].suggestion_id == suggestion.id
        if members:
            assert set(suggestion.artifacts) == set(ArtifactKind)
            assert_artifacts(parts, suggestion)
        else:
            assert suggestion.status is SuggestionStatus.WITHDRAWN
    assert sorted(counted) == sorted(captured), "every failing trace counts in exactly one suggestion"


class NoTraces:
    """A source that has nothing any more: what was there has expired."""

    def search(self, query: TraceQuery, *, cursor: str | None = None) -> NoReturn:
        raise TraceSourceError("nothing can be searched any more")

    def fetch(self, trace_id: str) -> NoReturn:
        raise TraceSourceError("nothing can be fetched any more")
