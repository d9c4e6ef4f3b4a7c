"""`evalforge doctor`: settings and reachability, a line a check."""

import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple

import click
import httpx

from functions.cli.command import Where, open_parts, open_settings, reporting_errors, where_options
from functions.local.host import queue_of
from shared.errors import EvalForgeError
from shared.settings import Backend, Settings
from shared.wiring import Wiring

_SECONDS = 10.0


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
    yield _datadog(settings)


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


def _datadog(settings: Settings) -> Check:
    """Ask Datadog whether the API key is valid; without one there is nothing to ask."""
    if settings.datadog_api_key is None:
        return Check("datadog", Verdict.SKIPPED, "DATADOG_API_KEY is not set; traces come from files")
    url = f"https://api.{settings.datadog_site}/api/v1/validate"
    headers = {"DD-API-KEY": settings.datadog_api_key.get_secret_value()}
    try:
        answer = httpx.get(url, headers=headers, timeout=_SECONDS)
    except httpx.HTTPError as error:
        return Check("datadog", Verdict.FAILED, f"{url} did not answer: {type(error).__name__}")
    if answer.is_error:
        return Check(
            "datadog",
            Verdict.FAILED,
            f"{url} answered {answer.status_code}: check DATADOG_API_KEY and DATADOG_SITE",
        )
    return Check("datadog", Verdict.OK, f"the API key is valid at {settings.datadog_site}")
