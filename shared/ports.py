"""What the stages need from the outside, as protocols; each backend implements them once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol, Self

from pydantic import JsonValue

from shared.domain.model import Model
from shared.domain.model_calls import Usage
from shared.domain.signals import SignalRules, look_of, signals_of, was_evaluated
from shared.domain.spans import Trace
from shared.messages import Message
from shared.topology import Query, Topic, VectorIndex

Vector = Sequence[float]
Clock = Callable[[], datetime]


class Document(NamedTuple):
    """A stored document; `version` is opaque and changes with every write."""

    id: str
    data: dict[str, JsonValue]
    version: str


class Page(NamedTuple):
    """Some documents of a query in its order, and where to go on; no cursor means the end."""

    documents: list[Document]
    cursor: str | None


class Neighbour(NamedTuple):
    """A document and its similarity to what was asked for, 1 at most: the cosine, as vectors are units."""

    document: Document
    similarity: float


class Create(NamedTuple):
    """Write a document that must not exist yet."""

    collection: str
    id: str
    data: Mapping[str, JsonValue]
    vector: Vector | None = None


class Replace(NamedTuple):
    """Write a document, whole and with its vector, that must still have this version."""

    collection: str
    id: str
    data: Mapping[str, JsonValue]
    version: str
    vector: Vector | None = None


class Delete(NamedTuple):
    """Remove a document, if it is there; with a version, it must be there and still have it."""

    collection: str
    id: str
    version: str | None = None


class Check(NamedTuple):
    """Write nothing here, but only do the rest if the document still has this version."""

    collection: str
    id: str
    version: str


Write = Create | Replace | Delete | Check


class Documents(Protocol):
    """A small document store: get, atomic writes with preconditions, declared queries, nearest.

    Each raises UnavailableError where the store does not answer for now, and
    MisconfiguredError where settings or what was deployed are wrong.
    """

    def get(self, collection: str, document_id: str) -> Document | None:
        """Read one document."""

    def get_many(
        self, collection: str, document_ids: Iterable[str], fields: Sequence[str]
    ) -> dict[str, Document]:
        """Read these fields of many documents; one that is not there is left out, as is a field."""

    def commit(self, *writes: Write) -> bool:
        """Do all writes, or none and return False when any precondition does not hold.

        A document is written once at most, under an id that Firestore takes;
        anything else raises RefusedError.
        Where an answer was lost on its way and the commit was tried again, False
        may also mean that the first try had succeeded.
        """

    def query(
        self, query: Query, equals: Sequence[JsonValue] = (), *, limit: int, cursor: str | None = None
    ) -> Page:
        """Read a page of a declared query; `equals` gives its filters' values in their order."""

    def count(self, query: Query, equals: Sequence[JsonValue] = ()) -> int:
        """Count what a declared query would find, without reading it."""

    def nearest(
        self, index: VectorIndex, equals: Sequence[JsonValue], vector: Vector, *, limit: int
    ) -> list[Neighbour]:
        """Find the documents whose vectors have the greatest dot products with this one, in that order."""


class Outgoing(NamedTuple):
    """A message and the topic it goes to."""

    topic: Topic
    message: Message


class Publisher(Protocol):
    """Puts messages on topics; what it returned from will be delivered at least once."""

    def publish(self, outgoing: Iterable[Outgoing], *, trace_context: str = "") -> int:
        """Publish all, and say how many; raises UnavailableError when it cannot."""


class Retention(Protocol):
    """Delivers what was published before again, as far back as it is retained."""

    def snapshot(self, name: str) -> None:
        """Remember this moment under a new name; raises NameTakenError."""

    def rewind(self, topic: Topic, to: datetime | str) -> datetime | None:
        """Deliver again what was published to a topic since a time or a named snapshot.

        Returns the time since which the caller must publish again from what is
        stored, where messages are not retained so long; None where they are.
        Raises NotFoundError for an unknown snapshot.
        """


class TraceQuery(Model):
    """Which traces to search; `source` narrows to one registered trace file.

    `query` narrows to traces of which Datadog finds a span by it. What a monitor
    watches for, `watched`, narrows nothing: its spans are looked at beside the
    others that look failed.
    """

    since: datetime | None = None
    until: datetime | None = None
    ml_app: str | None = None
    env: str | None = None
    version: str | None = None
    query: str | None = None
    watched: str | None = None
    source: str | None = None


class TraceHit(NamedTuple):
    """A trace that a search found, and how it looks before it was fetched whole."""

    trace_id: str
    ml_app: str
    env: str
    version: str
    started_at: datetime
    failing: bool
    evaluated: bool
    look: str

    @classmethod
    def of(cls, trace: Trace, rules: SignalRules) -> Self:
        """Say how a trace looks by what a search has of it."""
        signals, evaluated = signals_of(trace, rules), was_evaluated(trace)
        return cls(
            trace_id=trace.trace_id,
            ml_app=trace.ml_app,
            env=trace.env,
            version=trace.version,
            started_at=trace.started_at,
            failing=bool(signals),
            evaluated=evaluated,
            look=look_of(signals, evaluated=evaluated),
        )


class HitPage(NamedTuple):
    """Some hits and where to go on; no cursor means the end."""

    hits: list[TraceHit]
    cursor: str | None


class TraceSource(Protocol):
    """Where traces are searched and fetched: Datadog, or trace files."""

    def search(self, query: TraceQuery, *, cursor: str | None = None) -> HitPage:
        """Find traces, failing and healthy ones, ids only."""

    def fetch(self, trace_id: str) -> Trace:
        """Read a trace whole; raises TraceNotFoundError or TraceSourceError."""


class Watched(NamedTuple):
    """What a monitor watches for: its query, how far back each time, and which traces by that query."""

    query: str
    window: timedelta
    ml_app: str | None = None
    env: str | None = None
    version: str | None = None


class Monitors(Protocol):
    """Where monitors' definitions are read."""

    def watched(self, monitor_id: str) -> Watched | None:
        """Say what a monitor watches for; None where it cannot be read, or is of another kind."""


class Access(Protocol):
    """What the keys for Datadog may do; each raises an error of ours that says which one lacks what."""

    def check_key(self) -> None:
        """Find out whether the API key is valid."""

    def check_search(self) -> None:
        """Find out whether spans may be searched."""

    def check_monitors(self) -> None:
        """Find out whether monitors may be read."""


class Embedder(Protocol):
    """Turns texts into unit vectors; `version` is part of every vector's key.

    `same_problem` is the cosine from which two texts tell of one problem: each
    embedder has its own scale.
    """

    version: str
    same_problem: float

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Embed texts in their order."""


class ModelRequest(NamedTuple):
    """One question to a text model: what it is to do, what it is shown, and the JSON schema of its answer."""

    instruction: str
    content: str
    schema: Mapping[str, JsonValue]
    most_output_tokens: int


class ModelAnswer(NamedTuple):
    """The text of an answer, JSON if the model did as it was told, and what the call took."""

    text: str
    usage: Usage


class TextModel(Protocol):
    """A model that answers in JSON; `name` is what its service calls it."""

    name: str

    def answer(self, request: ModelRequest) -> ModelAnswer:
        """Ask once; raises ModelTroubleError where no answer came of it."""


class Notifier(Protocol):
    """Tells people outside; raises UnavailableError when it could not."""

    def notify(self, text: str) -> None:
        """Send one notice."""
