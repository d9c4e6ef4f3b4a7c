"""Searches as the API describes them: a request in, a page of spans out."""

import base64
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from functions.local.datadog.knobs import Knobs
from functions.local.datadog.query import Predicate, QueryError, parse
from functions.local.datadog.spans import SpanStore

_DEFAULT_LIMIT = 10
_MOST = 5000
_SORTS = ("timestamp", "-timestamp", "start_ns", "-start_ns")
_RELATIVE = re.compile(r"now(?:-(\d+)([smhd]))?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
# Without a query, fields of the filter narrow the search; beside one they are ignored.
_FILTERS = {
    "trace_id": "@trace_id",
    "span_id": "@span_id",
    "span_kind": "@meta.span.kind",
    "span_name": "@name",
    "ml_app": "@ml_app",
}


class RequestError(ValueError):
    """A request is not what the API describes; `pointer` says where."""

    def __init__(self, message: str, pointer: str) -> None:
        super().__init__(message)
        self.pointer = pointer


class Search(NamedTuple):
    """A search, whichever of the two operations asked for it."""

    matches: Predicate
    trace_id: str | None
    since: datetime
    until: datetime
    limit: int
    skip: int
    descending: bool


def search_of_body(body: Any, now: datetime) -> Search:  # noqa: ANN401 - any JSON
    """Read the body of the search operation."""
    match body:
        case {"data": {"type": "spans", "attributes": dict() as attributes}}:
            page = attributes.get("page") or {}
            return _search(attributes.get("filter") or {}, page, attributes.get("sort"), now)
    raise RequestError("no data of type spans with attributes", "/data")


def search_of_arguments(arguments: Mapping[str, str], now: datetime) -> Search:
    """Read the arguments of the list operation."""
    told: dict[str, dict[str, Any]] = {"filter": {}, "page": {}}
    for name, value in arguments.items():
        if found := re.fullmatch(r"(filter|page)\[(\w+)\]", name):
            told[found[1]][found[2]] = value
        elif found := re.fullmatch(r"filter\[tag\]\[(\w+)\]", name):
            told["filter"].setdefault("tags", {})[found[1]] = value
    return _search(told["filter"], told["page"], arguments.get("sort"), now)


def page_of(search: Search, store: SpanStore, knobs: Knobs, host: str) -> dict[str, Any]:
    """Spell the page of spans that a search asked for."""
    since, until = search.since, search.until
    timed_out = knobs.always_times_out
    if knobs.longest_window is not None and until - since > knobs.longest_window:
        timed_out = True
        until = since + knobs.longest_window / 2
    found = store.found(search.matches, since, until, trace_id=search.trace_id)
    if search.descending:
        found.reverse()
    end = search.skip + min(search.limit, knobs.page_size)
    after = _cursor(search.skip if knobs.repeats_cursor else end) if end < len(found) else None
    data = [{"id": one["span_id"], "type": "span", "attributes": one} for one in found[search.skip : end]]
    told: dict[str, Any] = {"data": data, "links": {}}
    if after:
        told["links"] = {"next": f"{host}api/v2/llm-obs/v1/spans/events?page[cursor]={after}"}
    page: dict[str, str] | None = {"after": after} if after else {}
    told["meta"] = {
        "elapsed": 1,
        "request_id": str(uuid.uuid4()),
        "status": "timeout" if timed_out else "done",
        "page": None if knobs.page_is_null and not after else page,
    }
    return told


def _search(filters: dict[str, Any], page: dict[str, Any], sort: str | None, now: datetime) -> Search:
    if sort is not None and sort not in _SORTS:
        raise RequestError("an unknown sort", "/data/attributes/sort")
    return Search(
        matches=_matching(filters),
        trace_id=None if "query" in filters else filters.get("trace_id"),
        # The service's own defaults, which a caller had better not rely on.
        since=_moment(filters.get("from", "now-15m"), now, "from"),
        until=_moment(filters.get("to", "now"), now, "to"),
        limit=_limit(page.get("limit", _DEFAULT_LIMIT)),
        skip=_skip(page.get("cursor")),
        descending=(sort or "-timestamp").startswith("-"),
    )


def _matching(filters: dict[str, Any]) -> Predicate:
    if "query" in filters:
        try:
            return parse(str(filters["query"]))
        except QueryError as error:
            raise RequestError(str(error), "/data/attributes/filter/query") from None
    wanted = {field: filters[name] for name, field in _FILTERS.items() if name in filters}
    wanted |= filters.get("tags") or {}
    return lambda fields: all(value in fields.get(name, ()) for name, value in wanted.items())


def _moment(told: object, now: datetime, name: str) -> datetime:
    """Read a time in any of the three documented ways: ISO 8601, date math, milliseconds."""
    text = str(told)
    if found := _RELATIVE.fullmatch(text):
        return now - (timedelta(**{_UNITS[found[2]]: int(found[1])}) if found[1] else timedelta())
    try:
        if text.isdigit():
            return datetime.fromtimestamp(int(text) / 1000, tz=UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise RequestError("not a time", f"/data/attributes/filter/{name}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _limit(told: object) -> int:
    limit = int(told) if isinstance(told, int | str) and str(told).isdigit() else 0
    if not 1 <= limit <= _MOST:
        raise RequestError("a page has 1 to 5000 spans", "/data/attributes/page/limit")
    return limit


def _cursor(skip: int) -> str:
    return base64.urlsafe_b64encode(f"after:{skip}".encode()).decode()


def _skip(cursor: object) -> int:
    if cursor is None:
        return 0
    try:
        name, _, skip = base64.urlsafe_b64decode(str(cursor)).decode().partition(":")
        if name == "after":
            return int(skip)
    except ValueError:
        pass
    raise RequestError("an unknown cursor", "/data/attributes/page/cursor")
