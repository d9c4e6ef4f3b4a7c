"""From a pattern to the suggestion that it counts into."""

from datetime import datetime

from shared.domain.ids import suggestion_id
from shared.domain.patterns import FailurePattern
from shared.domain.suggestions import Group, founded_by, member_of
from shared.errors import ConflictError, NotFoundError
from shared.messages import PatternStored, SuggestionChanged
from shared.ports import Embedder, Outgoing
from shared.repositories.captures import Captures
from shared.repositories.groups import Groups
from shared.repositories.patterns import KnownPattern, Patterns
from shared.repositories.suggestions import Suggestions
from shared.topology import Topic

_LONGEST_TEXT = 4000


def deduplicate_pattern(
    message: PatternStored,
    *,
    patterns: Patterns,
    captures: Captures,
    groups: Groups,
    suggestions: Suggestions,
    embedder: Embedder,
    threshold: float,
) -> list[Outgoing]:
    """Count a trace into its suggestion once, and out of those that it belonged to before.

    The pattern is read again at the end: if it was replaced meanwhile, the work
    is done for the new one as well, so that no trace stays in two places.
    """
    touched: dict[str, None] = {}
    known = _pattern(patterns, message.trace_id)
    while True:
        pattern = known.pattern
        left = pattern.former_group_ids
        if pattern.withdrawn:
            left = (*left, pattern.group_id)
        else:
            member = member_of(pattern, _started_at(captures, pattern))
            group = groups.get(pattern.group_id) or _found(
                pattern, groups=groups, embedder=embedder, threshold=threshold
            )
            if group.embedder_version != embedder.version:
                # Where it belongs was decided; only how later groups find it is brought up to date.
                vector = embedder.embed([text_to_embed(pattern)])[0]
                groups.renew_vector(group.id, vector, embedder_version=embedder.version)
            suggestions.create(
                founded_by(member, suggestion_id=group.suggestion_id, ml_app=group.ml_app, env=group.env)
            )
            suggestions.add_member(group.suggestion_id, member)
            touched[group.suggestion_id] = None
        for former in filter(None, map(groups.get, left)):
            suggestions.remove_member(former.suggestion_id, pattern.trace_id, former.id)
            touched[former.suggestion_id] = None
        latest = _pattern(patterns, message.trace_id)
        if latest.version == known.version:
            break
        known = latest
    return [Outgoing(Topic.SUGGESTIONS, SuggestionChanged(suggestion_id=name)) for name in touched]


def text_to_embed(pattern: FailurePattern) -> str:
    """Say in one text what two failures of one problem would share: what was asked, and what went wrong."""
    asked = " ".join(pattern.reproduction.input)
    return f"{pattern.gist}\n{asked}"[:_LONGEST_TEXT]


def _found(pattern: FailurePattern, *, groups: Groups, embedder: Embedder, threshold: float) -> Group:
    """Found the group of a new signature, in the suggestion of a group that is alike or in its own."""
    vector = embedder.embed([text_to_embed(pattern)])[0]
    alike = groups.most_similar(
        vector,
        ml_app=pattern.ml_app,
        env=pattern.env,
        failure_type=pattern.signature.failure_type,
        embedder_version=embedder.version,
    )
    joins = alike if alike and alike.similarity >= threshold else None
    group = Group(
        id=pattern.group_id,
        ml_app=pattern.ml_app,
        env=pattern.env,
        failure_type=pattern.signature.failure_type,
        signature=pattern.signature.parts,
        suggestion_id=joins.group.suggestion_id if joins else suggestion_id(pattern.group_id),
        similarity=round(joins.similarity, 4) if joins else None,
        embedder_version=embedder.version,
    )
    if groups.create(group, vector):
        return group
    # Another delivery founded it first, and its choice holds.
    return groups.get(group.id) or group


def _pattern(patterns: Patterns, trace_id: str) -> KnownPattern:
    known = patterns.get(trace_id)
    if known is None:
        raise NotFoundError("there is no pattern of this trace; replay `extract` for it")
    return known


def _started_at(captures: Captures, pattern: FailurePattern) -> datetime:
    head = captures.head(pattern.trace_id)
    if head is None:
        # It turned out healthy since; `extract` is told as well, and withdraws the pattern.
        raise ConflictError("the capture of this trace has gone meanwhile")
    return head.started_at
