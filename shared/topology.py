"""Topics, functions, collections, queries and indexes, declared once: all backends and Terraform follow."""

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
    RESENDS = "resends"
    CONTRASTS = "contrasts"

    @property
    def id(self) -> str:
        """Its name among all topics of a Google Cloud project."""
        return f"evalforge-{self.value}"


class RetryPolicy(NamedTuple):
    """How a subscription delivers again: seconds between tries, and when it gives up."""

    first_wait: float
    longest_wait: float
    attempts: int


# Fifty attempts reach past seven hours, so that an hour's outage buries nothing.
PUBSUB_RETRIES = RetryPolicy(first_wait=10, longest_wait=600, attempts=50)
# The emulator tries every second where it is given no waits; under waits of ours it forgets some
# messages (100 published to an address that answered 3 seconds later: 7 to 51 never came, 3 times of 10).
EMULATOR_RETRIES = RetryPolicy(first_wait=1, longest_wait=1, attempts=30)
# On the embedded backend nothing is remote: what fails for seconds fails for good.
EMBEDDED_RETRIES = RetryPolicy(first_wait=0.05, longest_wait=1, attempts=8)
# A message can be delivered again for so long after it was published.
RETENTION_DAYS = 7
# How often dead letters are looked through for those that are to be sent again by themselves.
RESEND_SCHEDULE = "*/10 * * * *"
# How often failures are held anew against healthy runs, where these have changed.
RECONTRAST_SCHEDULE = "*/10 * * * *"
# How often open incidents are searched again, and Datadog as a whole.
FOLLOW_SCHEDULE = "*/15 * * * *"


class Function(NamedTuple):
    """A deployed function; its entry point is `functions/<name>/main.py:<name>`.

    A function with a topic is pushed that topic's messages; one without is
    called over HTTP from outside. Its settings and secrets are environment
    variables, beside those that every function has.
    """

    name: str
    topic: Topic | None
    publishes: tuple[Topic, ...] = ()
    settings: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    memory_mib: int = 512
    timeout_seconds: int = 120
    concurrency: int = 8
    most_instances: int = 10
    # Whether its account may ask Google Cloud's models.
    asks_models: bool = False

    @property
    def id(self) -> str:
        """Its name, and its subscription's, among all of a Google Cloud project."""
        return "evalforge-" + self.name.replace("_", "-")

    @property
    def source(self) -> str:
        """Where its entry point stands, from the root of the source archive."""
        return f"functions/{self.name}/main.py"

    @property
    def threads(self) -> int:
        """How many threads its server has: as many as the requests that it is sent at once, and two at least.

        With one thread functions-framework's server is another, which holds up all others after every
        answer until the client has hung up: the Pub/Sub emulator does not, and is given two seconds.
        """
        return max(2, self.concurrency)


# What every function's environment holds; the rest is its own.
ENVIRONMENT = (
    "EVALFORGE_BACKEND",
    "EVALFORGE_LOG_LEVEL",
    "FIRESTORE_COLLECTION_PREFIX",
    "FIRESTORE_DATABASE",
    "GOOGLE_CLOUD_PROJECT",
    "PYTHONPATH",
    # functions-framework's number of threads.
    "THREADS",
)
_SEARCHING = (
    "DATADOG_SITE",
    "EVALUATION_LABELS",
    "PII_SALT_VERSION",
    "QUALITY_THRESHOLD",
    "TOXICITY_THRESHOLD",
)
_DATADOG = ("DATADOG_API_KEY", "DATADOG_APP_KEY", "PII_SALT")

FUNCTIONS = (
    Function(
        "receive_alert",
        None,
        publishes=(Topic.ALERTS,),
        settings=("TRACE_LOOKBACK_HOURS",),
        secrets=("DATADOG_WEBHOOK_TOKEN",),
        # Datadog gives a webhook up after 15 seconds.
        timeout_seconds=15,
        concurrency=40,
    ),
    Function(
        "find_failures",
        Topic.ALERTS,
        # Where a search is long, and for every open incident, it asks itself to go on.
        publishes=(Topic.ALERTS, Topic.FAILURES),
        settings=(*_SEARCHING, "EVALUATION_DELAY_MINUTES", "POLL_DATADOG", "TRACE_LOOKBACK_HOURS"),
        secrets=_DATADOG,
        timeout_seconds=540,
        concurrency=1,
    ),
    Function(
        "sanitize",
        Topic.FAILURES,
        publishes=(Topic.CAPTURES, Topic.SUGGESTIONS),
        settings=(*_SEARCHING, "EVALUATION_DELAY_MINUTES", "FREE_TEXT", "FREE_TEXT_BY_APP", "PII_DETECTOR"),
        secrets=_DATADOG,
        memory_mib=1024,
        timeout_seconds=300,
        concurrency=4,
    ),
    Function(
        "extract",
        Topic.CAPTURES,
        publishes=(Topic.PATTERNS,),
        settings=(
            "ASK_MODEL",
            "GEMINI_MODEL",
            "MODEL_BUDGET_USD",
            "MODEL_BUDGET_USD_BY_APP",
            "MODEL_PRICES",
            "VERTEX_AI_LOCATION",
        ),
        # Each request may wait 40 seconds for another's call, then make its own of 30.
        timeout_seconds=120,
        asks_models=True,
    ),
    Function(
        "deduplicate", Topic.PATTERNS, publishes=(Topic.SUGGESTIONS,), settings=("SIMILARITY_THRESHOLD",)
    ),
    Function("generate", Topic.SUGGESTIONS, publishes=(Topic.ARTIFACTS,), timeout_seconds=300, concurrency=4),
    Function("deliver", Topic.ARTIFACTS, secrets=("SLACK_WEBHOOK_URL",)),
    Function("bury", Topic.DEAD_LETTERS),
    Function(
        "resend",
        Topic.RESENDS,
        publishes=(
            Topic.ALERTS,
            Topic.FAILURES,
            Topic.CAPTURES,
            Topic.PATTERNS,
            Topic.SUGGESTIONS,
            Topic.ARTIFACTS,
        ),
        most_instances=1,
    ),
    Function(
        "recontrast", Topic.CONTRASTS, publishes=(Topic.CAPTURES,), timeout_seconds=540, most_instances=1
    ),
)
# What a function works without; every other secret must be given.
OPTIONAL_SECRETS = frozenset({"SLACK_WEBHOOK_URL"})


def function_of(topic: Topic) -> Function:
    """Return the function that a topic's messages are pushed to."""
    return next(function for function in FUNCTIONS if function.topic is topic)


INCIDENTS = "incidents"
SEARCHES = "searches"
CONTROL_GROUPS = "control_groups"
RAW_TRACES = "raw_traces"
HEALTHY_TRACES = "healthy_traces"
COURSES = "courses"
CONTRASTS = "contrasts"
FAILURE_PATTERNS = "failure_patterns"
GROUPS = "groups"
SUGGESTIONS = "improvement_suggestions"
APPROVED = "approved_improvements"
EXPORTS = "exports"
OUTBOX = "outbox"
DEAD_LETTERS = "dead_letters"
SPEND = "spend"
NARRATIVES = "narratives"


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


def calls_of(spend: str) -> str:
    """Name the subcollection of the model calls of an application's day."""
    return f"{SPEND}/{spend}/calls"


def rosters_of(application: str) -> str:
    """Name the subcollection of the rosters of an application's versions."""
    return f"{CONTROL_GROUPS}/{application}/rosters"


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


# The one length of all vectors: an index has one.
VECTOR_DIMENSIONS = 768
VECTOR_FIELD = "evalforge_vector"


ALL_CAPTURES = Query(RAW_TRACES, order_by="started_at")
ALL_HEALTHY = Query(HEALTHY_TRACES, order_by="started_at")
CONTROL_GROUP_LAST_FIRST = Query(
    HEALTHY_TRACES, filters=("ml_app", "env", "version"), order_by="rank", descending=True
)
CONTROL_GROUP_BY_AGE = Query(HEALTHY_TRACES, filters=("ml_app", "env"), order_by="started_at")
INCIDENTS_BY_STATE = Query(INCIDENTS, filters=("state",), order_by="until", descending=True)
COURSES_LATEST_FIRST = Query(COURSES, filters=("ml_app", "env"), order_by="started_at", descending=True)
CONTRASTS_BY_STATE = Query(CONTRASTS, filters=("state",))
CONTRASTED_LATEST_FIRST = Query(
    FAILURE_PATTERNS, filters=("ml_app", "env", "contrasted"), order_by="started_at", descending=True
)
LIVING_PATTERNS = Query(FAILURE_PATTERNS, filters=("withdrawn",))
ALL_GROUPS = Query(GROUPS)
ALL_SUGGESTIONS = Query(SUGGESTIONS, order_by="first_seen")
ALL_APPROVED = Query(APPROVED)
CAPTURES_LATEST_FIRST = Query(RAW_TRACES, order_by="stored_at", descending=True)
HEALTHY_LATEST_FIRST = Query(HEALTHY_TRACES, order_by="stored_at", descending=True)
DEAD_LETTERS_BY_STATE = Query(DEAD_LETTERS, filters=("state",), order_by="at")
DUE_DEAD_LETTERS = Query(DEAD_LETTERS, filters=("state",), order_by="due_at")
ALL_NOTICES = Query(OUTBOX)
ALL_SPEND = Query(SPEND)
SPEND_OF_DAY = Query(SPEND, filters=("day",))
SIMILAR_GROUPS = VectorIndex(GROUPS, filters=("ml_app", "env", "failure_type", "embedder_version"))

QUERIES = (
    ALL_CAPTURES,
    ALL_HEALTHY,
    CONTROL_GROUP_LAST_FIRST,
    CONTROL_GROUP_BY_AGE,
    INCIDENTS_BY_STATE,
    COURSES_LATEST_FIRST,
    CONTRASTS_BY_STATE,
    CONTRASTED_LATEST_FIRST,
    LIVING_PATTERNS,
    ALL_GROUPS,
    ALL_SUGGESTIONS,
    ALL_APPROVED,
    CAPTURES_LATEST_FIRST,
    HEALTHY_LATEST_FIRST,
    DEAD_LETTERS_BY_STATE,
    DUE_DEAD_LETTERS,
    ALL_NOTICES,
    ALL_SPEND,
    SPEND_OF_DAY,
)
VECTOR_INDEXES = (SIMILAR_GROUPS,)
# Collections of every level by their last name; no field of theirs is indexed but as a query needs it.
COLLECTION_GROUPS = (
    INCIDENTS,
    SEARCHES,
    CONTROL_GROUPS,
    RAW_TRACES,
    HEALTHY_TRACES,
    COURSES,
    CONTRASTS,
    FAILURE_PATTERNS,
    GROUPS,
    SUGGESTIONS,
    APPROVED,
    EXPORTS,
    OUTBOX,
    DEAD_LETTERS,
    SPEND,
    NARRATIVES,
    "artifacts",
    "calls",
    "chunks",
    "events",
    "members",
    "rosters",
)


class Index(NamedTuple):
    """An index by fields in their order, each with its direction; the document id comes last by itself.

    With dimensions, it is a vector index whose vectors stand behind the fields.
    """

    collection: str
    fields: tuple[tuple[str, str], ...]
    dimensions: int | None = None


def index_of(query: Query) -> Index | None:
    """Name the index that a query needs; one that asks for a collection by document id needs none."""
    direction = "DESCENDING" if query.descending else "ASCENDING"
    fields = tuple((name, "ASCENDING") for name in query.filters)
    if query.order_by:
        fields += ((query.order_by, direction),)
    return Index(query.collection, fields) if fields else None


def indexes() -> frozenset[Index]:
    """Return every index that the declared queries need: those of one field, of several, and of vectors."""
    plain = {index for query in QUERIES if (index := index_of(query))}
    vectors = {
        Index(one.collection, tuple((name, "ASCENDING") for name in one.filters), VECTOR_DIMENSIONS)
        for one in VECTOR_INDEXES
    }
    return frozenset(plain | vectors)
