"""Topics, functions, collections and queries, declared once; every backend and Terraform read it here."""

from enum import StrEnum
from typing import NamedTuple


class Topic(StrEnum):
    """An arrow of the flow."""

    ALERTS = "alerts"
    FAILURES = "failures"
    CAPTURES = "captures"
    PATTERNS = "patterns"
    SUGGESTIONS = "suggestions"
    ARTIFACTS = "artifacts"
    DEAD_LETTERS = "dead-letters"


class RetryPolicy(NamedTuple):
    """How a subscription delivers again: seconds between tries, and when it gives up."""

    first_wait: float
    longest_wait: float
    attempts: int


# Fifty attempts reach past seven hours, so that an hour's outage buries nothing.
PUBSUB_RETRIES = RetryPolicy(first_wait=10, longest_wait=600, attempts=50)
# On the embedded backend nothing is remote: what fails for seconds fails for good.
EMBEDDED_RETRIES = RetryPolicy(first_wait=0.05, longest_wait=1, attempts=8)


class Function(NamedTuple):
    """A deployed function; its entry point is `functions/<name>/main.py:<name>`."""

    name: str
    topic: Topic | None


FUNCTIONS = (
    Function("receive_alert", None),
    Function("find_failures", Topic.ALERTS),
    Function("sanitize", Topic.FAILURES),
    Function("extract", Topic.CAPTURES),
    Function("deduplicate", Topic.PATTERNS),
    Function("generate", Topic.SUGGESTIONS),
    Function("deliver", Topic.ARTIFACTS),
    Function("bury", Topic.DEAD_LETTERS),
)

INCIDENTS = "incidents"
RAW_TRACES = "raw_traces"
HEALTHY_TRACES = "healthy_traces"
FAILURE_PATTERNS = "failure_patterns"
GROUPS = "groups"
SUGGESTIONS = "improvement_suggestions"
APPROVED = "approved_improvements"
EXPORTS = "exports"
OUTBOX = "outbox"
DEAD_LETTERS = "dead_letters"
SPEND = "spend"


def chunks_of(collection: str, document_id: str) -> str:
    """Name the subcollection that holds the chunks of a large document."""
    return f"{collection}/{document_id}/chunks"


def members_of(suggestion_id: str) -> str:
    """Name the subcollection of a suggestion's members."""
    return f"{SUGGESTIONS}/{suggestion_id}/members"


def artifacts_of(suggestion_id: str) -> str:
    """Name the subcollection of a suggestion's artifacts, every revision."""
    return f"{SUGGESTIONS}/{suggestion_id}/artifacts"


def events_of(suggestion_id: str) -> str:
    """Name the subcollection of a suggestion's history."""
    return f"{SUGGESTIONS}/{suggestion_id}/events"


class Query(NamedTuple):
    """A declared query: equality filters, then an order that the document id makes total."""

    collection: str
    filters: tuple[str, ...] = ()
    order_by: str | None = None
    descending: bool = False


class VectorIndex(NamedTuple):
    """A declared search for nearest vectors among documents with equal filter values."""

    collection: str
    filters: tuple[str, ...]


ALL_CAPTURES = Query(RAW_TRACES, order_by="started_at")
ALL_HEALTHY = Query(HEALTHY_TRACES, order_by="started_at")
CONTROL_GROUP_BY_RANK = Query(HEALTHY_TRACES, filters=("ml_app", "env", "version"), order_by="rank")
LIVING_PATTERNS = Query(FAILURE_PATTERNS, filters=("withdrawn",))
ALL_GROUPS = Query(GROUPS)
ALL_SUGGESTIONS = Query(SUGGESTIONS, order_by="first_seen")
ALL_APPROVED = Query(APPROVED)
ALL_DEAD_LETTERS = Query(DEAD_LETTERS, order_by="at")
ALL_SPEND = Query(SPEND)
SIMILAR_GROUPS = VectorIndex(GROUPS, filters=("ml_app", "env", "failure_type", "embedder_version"))

QUERIES = (
    ALL_CAPTURES,
    ALL_HEALTHY,
    CONTROL_GROUP_BY_RANK,
    LIVING_PATTERNS,
    ALL_GROUPS,
    ALL_SUGGESTIONS,
    ALL_APPROVED,
    ALL_DEAD_LETTERS,
    ALL_SPEND,
)
VECTOR_INDEXES = (SIMILAR_GROUPS,)
CONTROL_GROUP_SIZE = 200
