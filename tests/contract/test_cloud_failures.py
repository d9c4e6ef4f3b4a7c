"""What a cloud service answers, and what we make of it: a kind of error, and what to do about it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import pytest

from shared.cloud import failures
from shared.cloud.documents import FirestoreDocuments
from shared.cloud.probing import check_topology
from shared.cloud.publishing import PubSubPublisher
from shared.cloud.retention import PubSubRetention
from shared.errors import EvalForgeError, MisconfiguredError, RefusedError, UnavailableError
from shared.messages import AlertRaised
from shared.ports import Create, Outgoing
from shared.settings import Backend, Settings
from shared.topology import LIVING_PATTERNS, RAW_TRACES, SIMILAR_GROUPS, Topic
from shared.wiring import wire_cloud
from tests.emulator.recorded_queries import QueryRecorder

NOW: Any = None


class Refusing(grpc.GenericRpcHandler):  # type: ignore[misc]
    """A service that answers every call with one status, and counts the calls."""

    def __init__(self, code: grpc.StatusCode) -> None:
        self._code = code
        self.calls = 0

    def service(self, handler_call_details: Any) -> Any:
        def refuse(_requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
            self.calls += 1
            context.abort(self._code, "told by the service: jane.roe@leaky-nest.org")
            yield b""

        return grpc.stream_stream_rpc_method_handler(refuse)


@contextmanager
def answering(handler: grpc.GenericRpcHandler, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = grpc.server(ThreadPoolExecutor(8), handlers=[handler])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    for name in ("FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"):
        monkeypatch.setenv(name, f"127.0.0.1:{port}")
    try:
        yield
    finally:
        server.stop(grace=None).wait()


def publish() -> None:
    PubSubPublisher("p").publish([Outgoing(Topic.ALERTS, AlertRaised(incident_id="in-1"))])


def documents() -> FirestoreDocuments:
    return FirestoreDocuments("a-project", "a-database", "evalforge_")


CALLS: dict[str, Callable[[], object]] = {
    "get": lambda: documents().get(RAW_TRACES, "one"),
    "commit": lambda: documents().commit(Create(RAW_TRACES, "one", {})),
    "query": lambda: documents().query(LIVING_PATTERNS, (False,), limit=5),
    "count": lambda: documents().count(LIVING_PATTERNS, (False,)),
    "nearest": lambda: documents().nearest(SIMILAR_GROUPS, ("a", "b", "c", "d"), [1.0, 0.0], limit=1),
    "publish": publish,
    "snapshot": lambda: PubSubRetention("p", lambda: NOW).snapshot("monday"),
    "probe": lambda: check_topology("p"),
}
CODE = grpc.StatusCode


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "PATIENCE_SECONDS", 0.5)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("code", "error", "advice"),
    [
        (CODE.PERMISSION_DENIED, MisconfiguredError, "roles/"),
        (CODE.UNAUTHENTICATED, MisconfiguredError, "gcloud auth application-default login"),
        (CODE.NOT_FOUND, MisconfiguredError, "terraform apply"),
        (CODE.INVALID_ARGUMENT, RefusedError, "does not take this"),
        (CODE.UNAVAILABLE, UnavailableError, "did not answer"),
        (CODE.RESOURCE_EXHAUSTED, UnavailableError, "did not answer"),
        (CODE.ABORTED, UnavailableError, "did not answer"),
        (CODE.INTERNAL, UnavailableError, "did not answer"),
        (CODE.DEADLINE_EXCEEDED, UnavailableError, "did not answer"),
        (CODE.DATA_LOSS, UnavailableError, "failed"),
    ],
    ids=lambda value: value.name.lower() if isinstance(value, CODE) else "",
)
def test_every_status_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    code: grpc.StatusCode,
    error: type[EvalForgeError],
    advice: str,
) -> None:
    with answering(Refusing(code), monkeypatch), pytest.raises(error, match=advice) as raised:
        CALLS[call]()
    assert "leaky-nest" not in str(raised.value)
    if error is MisconfiguredError and call != "publish" and code is not CODE.UNAUTHENTICATED:
        assert "project" in str(raised.value)


@pytest.mark.parametrize("call", ["query", "count", "nearest"])
def test_a_missing_index_is_told_as_one(monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    with (
        answering(Refusing(CODE.FAILED_PRECONDITION), monkeypatch),
        pytest.raises(MisconfiguredError, match="index is missing"),
    ):
        CALLS[call]()


def test_retries_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Refusing(CODE.UNAVAILABLE)
    with answering(service, monkeypatch), pytest.raises(UnavailableError):
        CALLS["commit"]()
    assert 1 < service.calls < 20
    service = Refusing(CODE.PERMISSION_DENIED)
    with answering(service, monkeypatch), pytest.raises(MisconfiguredError):
        CALLS["commit"]()
    assert service.calls == 1, "what will not pass is not tried again"


class Flaky(QueryRecorder):
    """Stands before the emulator, and loses the first answers."""

    def __init__(self, emulator: str, lost: int) -> None:
        super().__init__(emulator)
        self._lost = lost

    def service(self, handler_call_details: Any) -> Any:
        if self._lost:
            self._lost -= 1
            return Refusing(CODE.UNAVAILABLE).service(handler_call_details)
        return super().service(handler_call_details)


@pytest.mark.needs("emulators")
def test_what_passes_within_the_patience_is_not_noticed(
    emulators: Any, emulated_project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(Flaky(emulators.firestore, lost=2), monkeypatch):
        store = FirestoreDocuments(emulated_project, "(default)", "evalforge_")
        assert store.commit(Create(RAW_TRACES, "one", {"n": 1}))
        assert store.get(RAW_TRACES, "one") is not None


@pytest.mark.parametrize("call", ["get", "publish", "snapshot"])
def test_missing_credentials_are_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    for name in ("FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", "/nonexistent")
    with pytest.raises(MisconfiguredError, match="gcloud auth application-default login"):
        CALLS[call]()


def test_nothing_emulated_ever_reaches_a_real_project() -> None:
    settings = Settings(evalforge_backend=Backend.EMULATOR)
    with pytest.raises(EvalForgeError, match="FIRESTORE_EMULATOR_HOST"):
        wire_cloud(settings)


def test_wiring_connects_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Refusing(CODE.PERMISSION_DENIED)
    with answering(service, monkeypatch):
        wire_cloud(Settings(evalforge_backend=Backend.CLOUD, google_cloud_project="p"))
    assert service.calls == 0
