"""From an operator's order to messages that are delivered again."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from shared.messages import CaptureStored, Message, PatternStored, SuggestionChanged, TraceFound
from shared.ports import Outgoing
from shared.topology import Topic
from shared.wiring import Wiring


class ReplayStage(StrEnum):
    """A stage whose work can be done again."""

    SANITIZE = "sanitize"
    EXTRACT = "extract"
    DEDUPLICATE = "deduplicate"
    GENERATE = "generate"

    @property
    def topic(self) -> Topic:
        """The topic that feeds it."""
        return _TOPICS[self]


_TOPICS = {
    ReplayStage.SANITIZE: Topic.FAILURES,
    ReplayStage.EXTRACT: Topic.CAPTURES,
    ReplayStage.DEDUPLICATE: Topic.PATTERNS,
    ReplayStage.GENERATE: Topic.SUGGESTIONS,
}


class Replayed(NamedTuple):
    """What a replay came to: how many messages were published, or that the broker was set back."""

    published: int
    rewound: bool = False
    unknown: tuple[str, ...] = ()


def replay_only(stage: ReplayStage, ids: Iterable[str], parts: Wiring) -> Replayed:
    """Do a stage's work on these again: traces, or suggestions for `generate`; unknown ones are named."""
    wanted = tuple(dict.fromkeys(ids))
    known = tuple(one for one in wanted if _is_known(stage, one, parts))
    unknown = tuple(one for one in wanted if one not in known)
    return Replayed(_publish(stage, known, parts), unknown=unknown)


def replay_since(stage: ReplayStage, to: datetime | str, parts: Wiring) -> Replayed:
    """Do a stage's work again on what came to it since a time or a snapshot.

    Where messages are retained so long, they are delivered again as they were;
    elsewhere what was stored since then is published again.
    """
    since = parts.retention.rewind(stage.topic, to)
    if since is None:
        return Replayed(0, rewound=True)
    return Replayed(_publish(stage, _stored_since(stage, since, parts), parts))


def _publish(stage: ReplayStage, ids: Iterable[str], parts: Wiring) -> int:
    return parts.publisher.publish(Outgoing(stage.topic, _message(stage, one)) for one in ids)


def _message(stage: ReplayStage, named: str) -> Message:
    match stage:
        case ReplayStage.SANITIZE:
            return TraceFound(trace_id=named, stored=True)
        case ReplayStage.EXTRACT:
            return CaptureStored(trace_id=named)
        case ReplayStage.DEDUPLICATE:
            return PatternStored(trace_id=named)
        case ReplayStage.GENERATE:
            return SuggestionChanged(suggestion_id=named)


def _is_known(stage: ReplayStage, named: str, parts: Wiring) -> bool:
    match stage:
        case ReplayStage.SANITIZE:
            return parts.captures.known(named).exists or parts.healthy.known(named).exists
        case ReplayStage.EXTRACT:
            return parts.captures.known(named).exists
        case ReplayStage.DEDUPLICATE:
            return parts.patterns.get(named) is not None
        case ReplayStage.GENERATE:
            return parts.suggestions.get(named) is not None


def _stored_since(stage: ReplayStage, since: datetime, parts: Wiring) -> Iterator[str]:
    traces = parts.captures.stored_since(since)
    match stage:
        case ReplayStage.SANITIZE:
            yield from traces
            yield from parts.healthy.stored_since(since)
        case ReplayStage.EXTRACT:
            yield from traces
        case ReplayStage.DEDUPLICATE:
            yield from (one for one in traces if parts.patterns.get(one))
        case ReplayStage.GENERATE:
            yield from dict.fromkeys(_suggestions_of(traces, parts))


def _suggestions_of(traces: Iterable[str], parts: Wiring) -> Iterator[str]:
    for trace in traces:
        known = parts.patterns.get(trace)
        group = parts.groups.get(known.pattern.group_id) if known else None
        if group:
            yield group.suggestion_id
