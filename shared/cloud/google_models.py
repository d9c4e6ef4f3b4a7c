"""Google Cloud's model endpoint: where it is, who asks there, and how long an answer may take.

The client library's own retries and continuations are off: one deadline holds for all that a call
does, looking up the host and the credentials included.
"""

import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import google.auth
import httpx
from google import genai
from google.auth.credentials import Credentials
from google.genai import types
from google.oauth2.credentials import Credentials as TokenCredentials

from shared.cloud.google_model_failures import Asked, deadline, trouble_of
from shared.domain.model_calls import Trouble
from shared.errors import ConfigError, ModelTroubleError
from shared.ports import Clock

Answer = TypeVar("Answer")
Send = Callable[[genai.Client], Answer]

# What a stand-in on loopback is told in place of a token.
ANONYMOUS = "anonymous"
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_LOCATION = re.compile(r"[a-z][a-z0-9-]{0,40}")
_PROJECT = re.compile(r"[a-z0-9][a-z0-9.:-]{0,80}")
_MODEL = re.compile(r"[a-z0-9][a-z0-9@_-]*(\.[a-z0-9@_-]+)*")
_MULTI_REGIONS = frozenset({"us", "eu"})
_PASSING = frozenset({Trouble.RATE_LIMITED, Trouble.UNAVAILABLE})
_OPENED = frozenset({"connection.connect_tcp.complete", "connection.start_tls.complete"})


class Pace(NamedTuple):
    """How long a call may take, in seconds: `limit` in all, in `usual` most are done.

    It is tried once more where it may help, after `longest_wait` at most, and only where as
    long as usual is left.
    """

    limit: float = 30.0
    usual: float = 10.0
    longest_wait: float = 2.0
    first_wait: float = 0.5


PACE = Pace()


class Timed(NamedTuple):
    """What came back, and after how many seconds."""

    answer: Any
    seconds: float


def now() -> datetime:
    """Read this machine's clock."""
    return datetime.now(tz=UTC)


class GoogleModels:
    """The endpoint of one project and location; connects to nothing until it is asked.

    `base_url` is the address of a stand-in on loopback, which is asked without credentials.
    """

    def __init__(
        self,
        asked: Asked,
        project: str,
        location: str,
        *,
        base_url: str | None = None,
        pace: Pace = PACE,
        clock: Clock = now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Check the address; raises ConfigError."""
        for name, value, form in (
            ("GOOGLE_CLOUD_PROJECT", project, _PROJECT),
            ("VERTEX_AI_LOCATION", location, _LOCATION),
            (asked.setting, asked.model, _MODEL),
        ):
            if not form.fullmatch(value):
                raise ConfigError(f"{name} is missing or wrong; models are asked for by it")
        self._asked = asked
        self._project = project
        self._location = location
        self._base_url = address_of(location) if base_url is None else _loopback(base_url)
        self._pace = pace
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._anonymous = base_url is not None
        self._credentials: Credentials | None = None
        self._tls: ssl.SSLContext | None = None

    def ask(self, send: Send[Answer]) -> Timed:
        """Let `send` ask with a client of the library, within the deadline; raises ModelTroubleError."""
        started = time.monotonic()
        try:
            answer = self._ask(send, started + self._pace.limit)
        except ModelTroubleError as error:
            error.usage = error.usage._replace(seconds=time.monotonic() - started)
            raise
        return Timed(answer, time.monotonic() - started)

    def _ask(self, send: Send[Answer], ends: float) -> Answer:
        try:
            return self._try(send, ends)
        except ModelTroubleError as error:
            wait = self._pace.first_wait if error.retry_after is None else error.retry_after
            left = ends - time.monotonic() - wait
            if error.trouble not in _PASSING or wait > self._pace.longest_wait or left < self._pace.usual:
                raise
        self._sleep(wait)
        return self._try(send, ends)

    def _try(self, send: Send[Answer], ends: float) -> Answer:
        left = ends - time.monotonic()
        line = _Line()
        answered: Future[Answer] = Future()

        def work() -> None:
            try:
                answered.set_result(self._send(send, line, left))
            except BaseException as error:  # noqa: BLE001 - it is raised where the answer is waited for
                answered.set_exception(error)

        # Looking up a host or a token has no deadline of its own, so it is another thread that may hang.
        threading.Thread(target=work, name="model-call", daemon=True).start()
        try:
            return answered.result(timeout=max(left, 0))
        except TimeoutError:
            raise deadline(self._asked, self._pace.limit) from None
        except Exception as error:  # noqa: BLE001 - the library's errors repeat what was sent and answered
            raise trouble_of(error, line.response, self._asked, self._pace.limit, self._clock) from None
        finally:
            line.hang_up()

    def _send(self, send: Send[Answer], line: "_Line", left: float) -> Answer:
        tls = self._tls_context()
        with httpx.Client(
            verify=tls,
            timeout=left,
            follow_redirects=False,
            trust_env=not self._anonymous,
            event_hooks={"request": [line.watch], "response": [line.note]},
        ) as http:
            options = types.HttpOptions(
                base_url=self._base_url,
                httpx_client=http,
                timeout=max(1, int(left * 1000)),
                # The library makes an asynchronous client too, and would read certificates for it each time.
                async_client_args={"verify": tls, "ssl": tls},
            )
            client = genai.Client(
                vertexai=True,
                project=self._project,
                location=self._location,
                credentials=self._account(),
                http_options=options,
            )
            return send(client)

    def _account(self) -> Credentials:
        with self._lock:
            if self._credentials is None:
                self._credentials = _anonymous() if self._anonymous else _application_default()
            return self._credentials

    def _tls_context(self) -> ssl.SSLContext:
        with self._lock:
            if self._tls is None:
                self._tls = httpx.create_ssl_context()
            return self._tls


class _Line:
    """The connections of one try, so that another thread can end them, and the answer they began with."""

    def __init__(self) -> None:
        self.response: httpx.Response | None = None
        self._lock = threading.Lock()
        self._streams: list[Any] = []
        self._ended = False

    def watch(self, request: httpx.Request) -> None:
        request.extensions["trace"] = self._trace

    def note(self, response: httpx.Response) -> None:
        self.response = response

    def hang_up(self) -> None:
        """End what is still being sent or read; the thread that does so then fails by itself."""
        with self._lock:
            self._ended = True
            for stream in self._streams:
                # Closing instead would free the number of the socket while TLS still reads from it.
                with suppress(OSError):
                    socket.socket.shutdown(stream.get_extra_info("socket"), socket.SHUT_RDWR)

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event not in _OPENED:
            return
        with self._lock:
            if self._ended:
                raise httpx.ConnectTimeout("the call has ended")
            self._streams.append(info["return_value"])


def address_of(location: str) -> str:
    """Name Google's own address for a location; the library would take another from the environment."""
    if location == "global":
        return "https://aiplatform.googleapis.com/"
    if location in _MULTI_REGIONS:
        return f"https://aiplatform.{location}.rep.googleapis.com/"
    return f"https://{location}-aiplatform.googleapis.com/"


def _loopback(base_url: str) -> str:
    parts = urlsplit(base_url)
    try:
        loopback = ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        loopback = False
    if parts.scheme != "http" or not loopback or parts.username is not None:
        raise ConfigError(
            "the address of a stand-in for Google's models must be a loopback one by its number, such as "
            "http://127.0.0.1:8080; without an address Google's own is asked"
        )
    return base_url


def _anonymous() -> Credentials:
    return TokenCredentials(token=ANONYMOUS)


def _application_default() -> Credentials:
    credentials, _ = google.auth.default(scopes=[_SCOPE])
    return credentials
