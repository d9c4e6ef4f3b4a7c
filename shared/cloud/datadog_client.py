"""Datadog's API as plain JSON: the one module that knows its client library.

The library calls searching spans unstable, and renamed its class at 2.60.
"""

import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from pydantic import JsonValue

from shared.cloud.datadog_failures import Call, DatadogUnavailableError, refusal, unanswered
from shared.loading import loading

if TYPE_CHECKING:
    from datadog_api_client import ApiClient

JsonObject = dict[str, JsonValue]

CONNECT_SECONDS = 5.0
# From one piece of an answer to the next; a page of spans may take Datadog a while.
READ_SECONDS = 30.0
SEARCH = Call("the search of LLM Observability spans", "llm_observability_read")
MONITOR = Call("a monitor's definition", "monitors_read")
VALIDATE_MONITOR = Call("the check of a monitor's definition", "monitors_read")
VALIDATE = Call("the check of the API key")


class DatadogClient:
    """Asks Datadog; the library is loaded when it is first asked.

    Nothing is tried again here: how long to wait is for the caller to say, and
    the long retries are those of message delivery.
    """

    def __init__(self, *, api_key: str, app_key: str, site: str, host: str | None = None) -> None:
        """`host` is the address of a stand-in; none means the site's own."""
        self._keys = {"apiKeyAuth": api_key, "appKeyAuth": app_key}
        self._host = host or f"https://api.{site}"
        self._lock = threading.Lock()
        self._made: ApiClient | None = None

    def search(self, body: JsonObject) -> JsonObject:
        """Search LLM Observability spans; `body` is the request as the API describes it."""

        def ask(client: "ApiClient") -> object:
            return _spans_api()(client).search_llm_obs_spans(body=body)

        return self._ask(SEARCH, ask)

    def monitor(self, monitor_id: int) -> JsonObject:
        """Read a monitor's definition; raises NotFoundError where there is none."""

        def ask(client: "ApiClient") -> object:
            from datadog_api_client.v1.api.monitors_api import MonitorsApi

            return MonitorsApi(client).get_monitor(monitor_id)

        return self._ask(MONITOR, ask)

    def validate_monitor(self, definition: JsonObject) -> None:
        """Ask whether Datadog would take a monitor; raises DatadogRefusedError where it would not."""

        def ask(client: "ApiClient") -> object:
            from datadog_api_client.v1.api.monitors_api import MonitorsApi

            return MonitorsApi(client).validate_monitor(body=cast("Any", definition))

        self._ask(VALIDATE_MONITOR, ask)

    def validate(self) -> None:
        """Ask whether the API key is valid; raises DatadogRefusedError where it is not."""

        def ask(client: "ApiClient") -> object:
            from datadog_api_client.v1.api.authentication_api import AuthenticationApi

            return AuthenticationApi(client).validate()

        if self._ask(VALIDATE, ask).get("valid") is not True:
            raise refusal(VALIDATE, 401, {"errors": ["api key"]}, {})

    def _client(self) -> "ApiClient":
        with self._lock:
            if self._made is None:
                with loading():
                    self._made = _client(self._host, self._keys)
            return self._made

    def _ask(self, call: Call, ask: "Callable[[ApiClient], object]") -> JsonObject:
        client = self._client()
        from datadog_api_client.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        try:
            body = cast("Any", ask(client)).data
        except ApiException as error:
            # Its text repeats headers and body.
            raise refusal(call, int(error.status or 0), error.body, error.headers or {}) from None
        except (HTTPError, OSError, UnicodeDecodeError) as error:
            # The library also fails on a refusal whose body is no text.
            raise unanswered(call, getattr(error, "reason", None) or error, self._host) from None
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            raise DatadogUnavailableError(f"Datadog answered {call.name} with what is no JSON object")
        return told


def _client(host: str, keys: dict[str, str]) -> "ApiClient":
    from datadog_api_client import ApiClient, Configuration
    from urllib3 import Retry

    configuration = Configuration(
        host=host,
        api_key=keys,
        # Models of the library refuse answers that lack a field; spans are read by our own code.
        preload_content=False,
        check_input_type=False,
        request_timeout=(CONNECT_SECONDS, READ_SECONDS),
        enable_retry=False,
        # Without a policy urllib3 has its own, which tries again, and takes the keys along a redirect.
        retry_policy=Retry(total=0, redirect=0, raise_on_redirect=False),
    )
    # An operation that is on no list is neither refused nor warned of; catching warnings around
    # the call instead would mix up the filters of other threads.
    vars(configuration)["unstable_operations"] = {}
    return ApiClient(configuration)


def _spans_api() -> Any:  # noqa: ANN401 - a class of one of two names
    try:
        from datadog_api_client.v2.api.agent_observability_api import AgentObservabilityApi
    except ModuleNotFoundError:
        from datadog_api_client.v2.api import llm_observability_api  # type: ignore[attr-defined]

        return llm_observability_api.LLMObservabilityApi
    return AgentObservabilityApi
