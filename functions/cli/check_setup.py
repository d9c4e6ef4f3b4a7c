"""`evalforge doctor`: settings and reachability, a line a check."""

import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, cast
from uuid import uuid4

import click

from functions.cli.command import Where, open_parts, open_settings, reporting_errors, where_options
from functions.local.host import poll_fault, queue_of
from shared.domain.incidents import POLL_ID
from shared.domain.model_calls import ModelCall
from shared.errors import EvalForgeError, ModelTroubleError, UnavailableError
from shared.repositories.spend import added
from shared.settings import Backend, Settings
from shared.wiring import Wiring

if TYPE_CHECKING:
    from shared.cloud.gemini import GeminiModel

_NO_KEYS = "neither DATADOG_API_KEY nor DATADOG_APP_KEY is set; "
_WITHOUT_KEYS = {
    Backend.EMBEDDED: _NO_KEYS + "traces come from files",
    Backend.EMULATOR: _NO_KEYS + "traces come from files",
    Backend.CLOUD: _NO_KEYS + "the functions have theirs as secrets",
}


class Verdict(StrEnum):
    """What a check came to."""

    OK = "ok"
    SKIPPED = "skipped"
    FAILED = "failed"


class Check(NamedTuple):
    """One line of the report."""

    name: str
    verdict: Verdict
    detail: str


@click.command()
@where_options
@reporting_errors
def doctor(where: Where) -> None:
    """Check settings, the store and what can be reached; exit status 1 when a check fails."""
    failed = False
    for check in _checks(where):
        click.echo(f"{check.verdict.value:8} {check.name:14} {check.detail}")
        failed |= check.verdict is Verdict.FAILED
    sys.exit(1 if failed else 0)


def _checks(where: Where) -> Iterator[Check]:
    try:
        settings = open_settings(where)
    except EvalForgeError as error:
        yield Check("settings", Verdict.FAILED, str(error))
        return
    yield Check("settings", Verdict.OK, f"backend {settings.evalforge_backend.value}")
    try:
        parts = open_parts(where)
    except EvalForgeError as error:
        yield Check("backend", Verdict.FAILED, str(error))
        return
    embedded = settings.evalforge_backend is Backend.EMBEDDED
    queue = ("queue", _queue) if embedded else ("pub/sub", _topics)
    for name, probe in (("store", _store), queue, ("dead letters", _dead_letters)):
        yield _probe(name, probe, parts)
    yield _salt(settings)
    yield _model(parts)
    yield from _datadog(parts)
    yield _probe("poll", _poll, parts)


def _probe(name: str, probe: Callable[[Wiring], str], parts: Wiring) -> Check:
    try:
        return Check(name, Verdict.OK, probe(parts))
    except EvalForgeError as error:
        return Check(name, Verdict.FAILED, str(error))


def _store(parts: Wiring) -> str:
    counted = f"{parts.captures.count()} captures, {parts.healthy.count()} healthy captures"
    settings = parts.settings
    if settings.evalforge_backend is Backend.EMBEDDED:
        return f"{settings.evalforge_store}: {counted}"
    return f"Firestore {settings.firestore_database} of {settings.project}: {counted}"


def _queue(parts: Wiring) -> str:
    left = queue_of(parts).pending_by_topic()
    told = ", ".join(f"{topic.value} {count}" for topic, count in left.items())
    return (
        f"messages left: {told}; `evalforge run` and `evalforge serve` go on with them" if told else "empty"
    )


def _topics(parts: Wiring) -> str:
    """Look for every topic and subscription that was declared."""
    from shared.cloud.probing import check_topology

    return f"{check_topology(parts.settings.project)} topics and subscriptions as declared"


def _dead_letters(parts: Wiring) -> str:
    count = parts.dead_letters.count()
    return f"{count}: see `evalforge list dead-letters`" if count else "none"


def _salt(settings: Settings) -> Check:
    if settings.evalforge_backend is Backend.CLOUD:
        return Check("pii salt", Verdict.SKIPPED, "the functions that need it have it as a secret")
    if settings.pii_salt is None:
        return Check("pii salt", Verdict.OK, "random, your own; set PII_SALT to share hashes with others")
    return Check("pii salt", Verdict.OK, "PII_SALT is set")


def _model(parts: Wiring) -> Check:
    """Ask the model, where one is asked, for a few tokens."""
    if not parts.settings.asks_model:
        return Check("model", Verdict.SKIPPED, "no model: rules alone; ASK_MODEL=true asks one")
    return _probe("model", _asked, parts)


def _asked(parts: Wiring) -> str:
    settings, model = parts.settings, cast("GeminiModel", parts.model)
    call = ModelCall(
        id=uuid4().hex, at=parts.clock(), ml_app="", purpose="doctor", model=model.name, prompt="probe"
    )
    try:
        usage = model.probe()
    except ModelTroubleError as error:
        parts.spend.record(call.took(error.usage, settings.model_price, error.trouble))
        raise
    parts.spend.record(call.took(usage, settings.model_price))
    where = settings.google_models_url or settings.vertex_ai_location
    return f"{model.name} answers at {where} ({usage.seconds:.1f} s); {_spent_today(parts)}"


def _spent_today(parts: Wiring) -> str:
    budget, spent = parts.settings.model_budget_usd, added(parts.spend.of_day(parts.clock())).cost_usd
    told = f"${spent:.2f} of ${budget:.2f} spent today (UTC)"
    return told if spent < budget else f"{told}: the rules go on alone until tomorrow"


def _datadog(parts: Wiring) -> Iterator[Check]:
    """Try what the keys must be able to do; without any there is nothing to try."""
    settings = parts.settings
    keys = {"DATADOG_API_KEY": settings.datadog_api_key, "DATADOG_APP_KEY": settings.datadog_app_key}
    missing = [name for name, key in keys.items() if key is None]
    for name, probe in (("datadog key", _key), ("span search", _search), ("monitors", _monitors)):
        # The API key is checked by itself.
        lacking = [key for key in missing if probe is not _key or key == "DATADOG_API_KEY"]
        if len(missing) == len(keys):
            yield Check(name, Verdict.SKIPPED, _WITHOUT_KEYS[settings.evalforge_backend])
        elif lacking:
            yield Check(name, Verdict.FAILED, f"{lacking[0]} is not set; Datadog is searched with both keys")
        else:
            yield _probe(name, probe, parts)


def _key(parts: Wiring) -> str:
    parts.access.check_key()
    return f"the API key is valid at {_site(parts)}"


def _search(parts: Wiring) -> str:
    parts.access.check_search()
    return f"spans can be searched at {_site(parts)}"


def _monitors(parts: Wiring) -> str:
    parts.access.check_monitors()
    return f"monitors' definitions can be read at {_site(parts)}"


def _site(parts: Wiring) -> str:
    return parts.settings.datadog_api_url or parts.settings.datadog_site


def _poll(parts: Wiring) -> str:
    """Tell up to when Datadog was searched as a whole; a laptop that was off is behind and not at fault."""
    if fault := poll_fault(parts):
        raise UnavailableError(f"the last one failed: {fault}")
    search = parts.searches.get(POLL_ID).search
    behind = search.behind(parts.clock())
    if search.searched_until is None or behind is None:
        return "never"
    lag = timedelta(seconds=round(behind.total_seconds()))
    return f"searched up to {search.searched_until:%Y-%m-%d %H:%M:%S} UTC (lag {lag})"
