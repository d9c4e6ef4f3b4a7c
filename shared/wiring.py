"""Picks a backend and hands out its parts: the only module that knows them all."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from shared import logs
from shared.errors import ConfigError
from shared.loading import loading
from shared.local_salt import local_salt
from shared.ports import (
    Access,
    Clock,
    Embedder,
    Monitors,
    Notifier,
    Publisher,
    Retention,
    TextModel,
    TraceSource,
)
from shared.redaction.pseudonyms import key_of
from shared.repositories.courses import Courses
from shared.repositories.records import Records
from shared.settings import Backend, FunctionSettings, Settings, load_settings
from shared.topology import FUNCTIONS

if TYPE_CHECKING:
    from shared.cloud.datadog import Datadog
    from shared.embedded.trace_files import TraceFiles
    from shared.redaction.kinds import Detector
    from shared.redaction.policy import Redaction


@dataclass(frozen=True)
class Wiring(Records):
    """The parts that the stages are handed."""

    settings: Settings
    publisher: Publisher
    made_retention: Callable[[], Retention]
    made_traces: Callable[[], TraceSource]
    made_monitors: Callable[[], Monitors | None]
    made_access: Callable[[], Access]
    made_embedder: Callable[[], Embedder]
    made_model: Callable[[], TextModel | None]
    notifier: Notifier | None
    clock: Clock
    pii_salt: bytes | None

    @property
    def traces(self) -> TraceSource:
        """Where traces are searched and fetched."""
        return self.made_traces()

    @property
    def monitors(self) -> Monitors | None:
        """Where monitors' definitions are read, if anywhere."""
        return self.made_monitors()

    @property
    def access(self) -> Access:
        """What the keys for Datadog may do; raises ConfigError where there is no API key."""
        return self.made_access()

    @property
    def retention(self) -> Retention:
        """What delivers again what was published before."""
        return self.made_retention()

    @property
    def embedder(self) -> Embedder:
        """What turns texts into vectors."""
        return self.made_embedder()

    @property
    def model(self) -> TextModel | None:
        """The model that is asked for narratives, if any is."""
        return self.made_model()

    @property
    def salt(self) -> bytes:
        """The key of the hashes that stand for people; raises ConfigError where this process has none."""
        if self.pii_salt is None:
            raise ConfigError("PII_SALT is not set; set it to the deployment's salt")
        return self.pii_salt

    @property
    def redaction(self) -> "Redaction":
        """How traces are redacted here."""
        # Its rules take time to load, and most functions need none of them.
        from shared.redaction.policy import Redaction

        return Redaction(
            salt=self.salt,
            salt_version=self.settings.pii_salt_version,
            further=_further_detectors(self.settings.pii_detector),
            free_text=self.settings.free_text_policy,
        )


_LONGEST_PATIENCE = 20.0
_lock = threading.Lock()
_current: Wiring | None = None


def current() -> Wiring:
    """Return this process's parts; made from the settings at the first call."""
    global _current  # noqa: PLW0603 - one process has one wiring, made late because functions fork after import
    with _lock:
        if _current is None:
            with loading():
                settings = load_settings(FunctionSettings)
                logs.configure(settings.evalforge_log_level, function=settings.function_target)
                _current = wire(settings)
        return _current


@contextmanager
def use(parts: Wiring) -> Iterator[Wiring]:
    """Make these the process's parts for a while: the local host brings its own."""
    global _current  # noqa: PLW0603 - see current()
    with _lock:
        before, _current = _current, parts
    try:
        yield parts
    finally:
        with _lock:
            _current = before


def wire(settings: Settings) -> Wiring:
    """Make the parts of the backend that the settings name."""
    if settings.evalforge_backend is Backend.EMBEDDED:
        return wire_embedded(settings)
    return wire_cloud(settings)


def wire_cloud(settings: Settings, *, clock: Clock | None = None) -> Wiring:
    """Make the parts on Firestore and Pub/Sub, or on their emulators; nothing connects before it is used."""
    from shared.cloud.documents import FirestoreDocuments
    from shared.cloud.publishing import PubSubPublisher

    settings.tell_client_libraries()
    clock = clock or _now
    datadog = _once(lambda: _datadog(settings, clock))
    documents = FirestoreDocuments(
        settings.project,
        settings.firestore_database,
        settings.firestore_collection_prefix,
        patience_seconds=_patience(settings.function_target),
    )
    return Wiring(
        settings=settings,
        documents=documents,
        courses=Courses(documents),
        publisher=PubSubPublisher(settings.project, patience_seconds=_patience(settings.function_target)),
        made_retention=_once(lambda: _pubsub_retention(settings, clock)),
        made_traces=_once(lambda: _cloud_traces(settings, datadog)),
        made_monitors=lambda: _monitors(settings, datadog),
        made_access=_once(lambda: _access(settings, clock)),
        made_embedder=_once(_local_embedder),
        made_model=_once(lambda: _model(settings)),
        notifier=_notifier(settings),
        clock=clock,
        pii_salt=_salt(settings),
    )


def wire_embedded(settings: Settings, *, clock: Clock | None = None) -> Wiring:
    """Make the parts of the embedded backend on the store that the settings name."""
    from shared.embedded.database import Database
    from shared.embedded.documents import SqliteDocuments
    from shared.embedded.queue import SqliteQueue
    from shared.embedded.retention import SqliteRetention
    from shared.embedded.trace_files import TraceFiles

    database = Database(settings.evalforge_store)
    salt = local_salt(settings)
    clock = clock or _now
    retention = SqliteRetention(database, clock)
    datadog = _once(lambda: _datadog(settings, clock))
    files = TraceFiles(database, settings.signal_rules, salt)
    documents = SqliteDocuments(database)
    return Wiring(
        settings=settings,
        documents=documents,
        courses=Courses(documents),
        publisher=SqliteQueue(database),
        made_retention=lambda: retention,
        made_traces=_once(lambda: _local_traces(settings, files, datadog)),
        made_monitors=lambda: _monitors(settings, datadog),
        made_access=_once(lambda: _access(settings, clock)),
        made_embedder=_once(_local_embedder),
        made_model=_once(lambda: _model(settings)),
        notifier=_notifier(settings),
        clock=clock,
        pii_salt=salt,
    )


def _patience(function: str | None) -> float | None:
    """Leave a function the time to answer after a call and its publishing have failed; None is the usual."""
    timeout = next((one.timeout_seconds for one in FUNCTIONS if one.name == function), None)
    return None if timeout is None else min(_LONGEST_PATIENCE, timeout / 4)


Part = TypeVar("Part")


def _once(make: Callable[[], Part]) -> Callable[[], Part]:
    """Make a part when it is first asked for, and no second time; functions serve in threads."""
    lock = threading.Lock()
    made: list[Part] = []

    def get() -> Part:
        with lock:
            if not made:
                made.append(make())
            return made[0]

    return get


def _datadog(settings: Settings, clock: Clock) -> "Datadog":
    from shared.cloud.datadog import datadog_of

    return datadog_of(settings, clock, patience_seconds=_patience(settings.function_target))


def _access(settings: Settings, clock: Clock) -> Access:
    from shared.cloud.datadog import access_of

    return access_of(settings, clock)


def _monitors(settings: Settings, datadog: Callable[[], "Datadog"]) -> Monitors | None:
    return datadog().monitors if settings.asks_datadog else None


def _cloud_traces(settings: Settings, datadog: Callable[[], "Datadog"]) -> TraceSource:
    """Search Datadog; on the emulators trace files too."""
    if settings.evalforge_backend is Backend.CLOUD:
        return datadog().traces
    from shared.embedded.database import Database
    from shared.embedded.trace_files import TraceFiles

    database = Database(settings.evalforge_store)
    files = TraceFiles(database, settings.signal_rules, local_salt(settings))
    return _local_traces(settings, files, datadog)


def _local_traces(settings: Settings, files: "TraceFiles", datadog: Callable[[], "Datadog"]) -> TraceSource:
    """Read trace files, and where there are keys for Datadog, search there for what is in none of them."""
    from shared.embedded.local_traces import LocalTraces

    return LocalTraces(files, datadog().traces if settings.asks_datadog else None)


def _pubsub_retention(settings: Settings, clock: Clock) -> Retention:
    from shared.cloud.retention import PubSubRetention

    return PubSubRetention(settings.project, clock)


def _model(settings: Settings) -> TextModel | None:
    if not settings.asks_model:
        return None
    from shared.cloud.gemini import GeminiModel

    url = settings.google_models_url
    return GeminiModel(settings.project, settings.vertex_ai_location, settings.gemini_model, base_url=url)


def _local_embedder() -> Embedder:
    from shared.embedded.embedder import HashingEmbedder

    return HashingEmbedder()


def _salt(settings: Settings) -> bytes | None:
    if settings.evalforge_backend is not Backend.CLOUD:
        return local_salt(settings)
    if settings.pii_salt is None:
        return None
    return key_of(settings.pii_salt.get_secret_value().encode(), settings.pii_salt_version)


@cache
def _further_detectors(named: str | None) -> "tuple[Detector, ...]":
    """Make the team's own detector from `module:factory`, where the settings name one."""
    if named is None:
        return ()
    module, _, factory = named.partition(":")
    try:
        make = getattr(import_module(module), factory)
    except (ImportError, AttributeError):
        raise ConfigError(
            f"PII_DETECTOR: there is no {named}; it names a module and a function in it"
        ) from None
    return (make(),)


def _notifier(settings: Settings) -> Notifier | None:
    if settings.slack_webhook_url is None:
        return None
    from shared.slack import SlackWebhook

    return SlackWebhook(settings.slack_webhook_url.get_secret_value())


def _now() -> datetime:
    return datetime.now(tz=UTC)
