"""Datadog LLM Observability as a trace source: searched window by window, fetched trace by trace."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import NamedTuple, Protocol

from pydantic import JsonValue

from shared.cloud import datadog_query as queries
from shared.cloud.datadog_failures import DatadogRefusedError, DatadogUnavailableError
from shared.domain.signals import SignalRules
from shared.domain.span_shapes import SpanShapeError, parse_span, trace_id_of
from shared.domain.spans import Span, Trace
from shared.errors import TraceNotFoundError, TraceSourceError
from shared.logs import describe, logger
from shared.ports import Clock, HitPage, TraceHit, TraceQuery
from shared.redaction.redactor import safe_id

JsonObject = dict[str, JsonValue]
Sleep = Callable[[float], None]

# How long Datadog keeps spans.
RETENTION = timedelta(days=30)
# A search that runs out of time, or of memory, is tried on half the time; not on less than this.
_NARROWEST = timedelta(seconds=1)
_MOST_SPANS = 20_000
_FEW = 50
# What a monitor watches may be nearly all there is; beside our own questions some of it is enough.
_MOST_WATCHED = 2000
# Suspicious spans come with what they hold, for the rules read it; of others the ids would do.
_SUSPECTS_A_PAGE = 200
_ROOTS_A_PAGE = 1000
_FETCHED_A_PAGE = 500
# A step may fail long after its trace has started.
_LONGEST_TRACE = timedelta(days=1)
_ROOTS_AT_A_TIME = 50
# Clocks of applications may be ahead of ours.
_AHEAD = timedelta(hours=1)
_SHORTEST_WAIT = 1.0


class Searches(Protocol):
    """What is needed of Datadog's client."""

    def search(self, body: JsonObject) -> JsonObject:
        """Search LLM Observability spans."""


class Pace(NamedTuple):
    """How much is asked of Datadog at once, and how long a call may wait for its rate limit."""

    window: timedelta = timedelta(hours=4)
    widest: timedelta = timedelta(days=1)
    # A trace is fetched by its id alone, whenever it was.
    retention: timedelta = RETENTION
    patience_seconds: float = 20.0


class DatadogTraces:
    """The traces of one Datadog organisation.

    A search first reads the roots of a window of time, which carry most verdicts
    and name the evaluations there are, then the spans that look failed, and puts
    both together, so that a step's error of a run that passed counts as it does
    for the rules. A trace that goes on into the next window may come up again
    there; what it is in the end is decided when it is fetched whole.
    """

    def __init__(
        self,
        client: Searches,
        rules: SignalRules,
        *,
        clock: Clock,
        sleep: Sleep,
        lookback: timedelta,
        pace: Pace | None = None,
    ) -> None:
        """Ask nothing yet; `lookback` is how far a search goes back that does not say since when."""
        self._client = client
        self._rules = rules
        self._clock = clock
        self._sleep = sleep
        self._lookback = lookback
        self._pace = pace or Pace()

    def search(self, query: TraceQuery, *, cursor: str | None = None) -> HitPage:
        """Find the traces of the next window of time, the earliest first."""
        if query.source is not None:
            raise TraceSourceError("a trace file is searched where it was given, not in Datadog")
        at = _Position.told(cursor) if cursor else self._start(query)
        asking = self._asking()
        while at.since < at.until:
            end = min(at.since + at.width, at.until)
            try:
                hits = self._hits(asking, query, at.since, end)
            except _TooMuchError:
                if end - at.since <= _NARROWEST:
                    raise DatadogUnavailableError(
                        "Datadog does not finish the search of a single second"
                    ) from None
                at = at._replace(width=max((end - at.since) / 2, _NARROWEST))
                continue
            # Where there is little, a wider window asks less often.
            widest = self._pace.window if len(hits) > _FEW else max(self._pace.window, self._pace.widest)
            after = _Position(end, at.until, min(at.width * 2, widest))
            return HitPage(hits, after.spelled() if end < at.until else None)
        return HitPage([], None)

    def fetch(self, trace_id: str) -> Trace:
        """Read all spans of a trace."""
        now = self._clock()
        body = partial(
            queries.search_body,
            since=now - self._pace.retention,
            until=now + _AHEAD,
            trace_id=trace_id,
            limit=_FETCHED_A_PAGE,
        )
        read = _Read()
        try:
            for item in self._asking().items(body):
                if read.take(item) != trace_id:
                    raise DatadogUnavailableError("Datadog answered with spans of another trace")
        except _TooMuchError:
            raise DatadogUnavailableError("Datadog did not find all spans of the trace in time") from None
        spans = read.spans.get(trace_id)
        if read.partial:
            logger("datadog").warning(
                "spans of a trace cannot be read and are left out", extra={"trace_id": trace_id}
            )
        if spans is None and read.partial:
            raise TraceSourceError("no span of the trace can be read")
        if spans is None:
            raise TraceNotFoundError("Datadog has no spans of this trace; they may have expired")
        return Trace.of(trace_id, spans)

    def _start(self, query: TraceQuery) -> "_Position":
        until = query.until or self._clock()
        since = query.since or until - self._lookback
        return _Position(_floor(since), _floor(until + timedelta(microseconds=999)), self._pace.window)

    def _asking(self) -> "_Asking":
        return _Asking(self._client, self._clock, self._sleep, self._pace.patience_seconds)

    def _hits(self, asking: "_Asking", query: TraceQuery, since: datetime, until: datetime) -> list[TraceHit]:
        """Find the traces of one window."""
        scope = queries.in_scope(ml_app=query.ml_app, env=query.env, version=query.version)
        read = _Read()

        def find(
            asked: str, earliest: datetime = since, *, suspects: bool = False, most: int | None = None
        ) -> set[str | None]:
            body = partial(
                queries.search_body,
                since=earliest,
                until=until,
                query=asked,
                limit=_SUSPECTS_A_PAGE if suspects else _ROOTS_A_PAGE,
                attachments=suspects,
            )
            found = set()
            for item in islice(asking.items(body), most):
                found.add(read.take(item))
                if read.count > _MOST_SPANS and until - since > _NARROWEST:
                    raise _TooMuchError
            return found

        find(queries.all_of(scope, queries.ROOTS))
        labels = read.labels()
        for suspicious in queries.failing_queries(self._rules, labels):
            find(queries.all_of(scope, suspicious), suspects=True)
        for passed in queries.passing_queries([*self._rules.labels, *labels]):
            find(queries.all_of(scope, passed))
        if query.watched and queries.beyond_scope(query.watched):
            self._look_as_watched(partial(find, queries.all_of(scope, query.watched), most=_MOST_WATCHED))
        wanted = find(queries.all_of(scope, query.query)) if query.query else None
        # Their traces started before the window did.
        rootless = read.rootless()
        for start in range(0, len(rootless), _ROOTS_AT_A_TIME):
            find(queries.roots_of(rootless[start : start + _ROOTS_AT_A_TIME]), since - _LONGEST_TRACE)
        hits = _told(read, self._rules)
        return hits if wanted is None else [hit for hit in hits if hit.trace_id in wanted]

    @staticmethod
    def _look_as_watched(look: Callable[[], object]) -> None:
        """Look at what a monitor watches; a query that only monitors know, or a slow one, costs no search."""
        try:
            look()
        except (DatadogRefusedError, _TooMuchError) as error:
            logger("datadog").warning("searching without the monitor's query: %s", describe(error))


class _TooMuchError(Exception):
    """A search did not come to its end; less must be asked for at once."""


class _Position(NamedTuple):
    """How far a search has come; its text is the cursor that a later process goes on from."""

    since: datetime
    until: datetime
    width: timedelta

    @classmethod
    def told(cls, cursor: str) -> "_Position":
        try:
            since, until, width = map(int, cursor.split("-"))
        except ValueError:
            raise TraceSourceError("the search goes on from a cursor that is none of its own") from None
        return cls(_moment(since), _moment(until), timedelta(milliseconds=width))

    def spelled(self) -> str:
        width = self.width // timedelta(milliseconds=1)
        return f"{_milliseconds(self.since)}-{_milliseconds(self.until)}-{width}"


class _Asking:
    """One search or fetch: pages to their end, with a common patience for Datadog's rate limit."""

    def __init__(self, client: Searches, clock: Clock, sleep: Sleep, seconds: float) -> None:
        self._client = client
        self._clock = clock
        self._sleep = sleep
        self._until = clock() + timedelta(seconds=seconds)

    def items(self, body: Callable[..., JsonObject]) -> Iterator[JsonValue]:
        """Yield the spans of all pages; `body` spells the request, given the cursor to go on from.

        Raises:
            _TooMuchError: Datadog ran out of time, so that spans are missing.
        """
        seen: set[str] = set()
        after: JsonValue = None
        while True:
            answer = self._search(body(cursor=after))
            meta = answer.get("meta")
            meta = meta if isinstance(meta, dict) else {}
            if meta.get("status") == "timeout":
                raise _TooMuchError
            if not isinstance(data := answer.get("data"), list):
                raise DatadogUnavailableError("Datadog answered a search without a list of spans")
            yield from data
            page = meta.get("page")
            after = page.get("after") if isinstance(page, dict) else None
            if not isinstance(after, str) or not after:
                return
            if after in seen:
                raise DatadogUnavailableError("Datadog gave the same cursor twice; its pages have no end")
            seen.add(after)

    def _search(self, body: JsonObject) -> JsonObject:
        while True:
            try:
                return self._client.search(body)
            except DatadogUnavailableError as error:
                if error.retry_after is None:
                    raise
                wait = max(error.retry_after, _SHORTEST_WAIT)
                if self._clock() + timedelta(seconds=wait) > self._until:
                    raise
            self._sleep(wait)


class _Read:
    """The spans that were read so far, by trace."""

    def __init__(self) -> None:
        self.spans: dict[str, list[Span]] = {}
        self.count = 0
        # Traces of which a span cannot be read: what is left of one may look healthy, and says nothing.
        self.partial: set[str | None] = set()

    def take(self, item: JsonValue) -> str | None:
        """Read one span, and say of which trace it is."""
        self.count += 1
        try:
            span = parse_span(item)
        except SpanShapeError:
            trace_id = trace_id_of(item)
            self.partial.add(trace_id)
            return trace_id
        self.spans.setdefault(span.trace_id, []).append(span)
        return span.trace_id

    def labels(self) -> set[str]:
        """Name the evaluations that were seen."""
        return {label for told in self.spans.values() for span in told for label in span.evaluations}

    def rootless(self) -> list[str]:
        """Name the traces whose root was not read."""
        return [trace_id for trace_id, told in self.spans.items() if not any(span.is_root for span in told)]


def _told(read: _Read, rules: SignalRules) -> list[TraceHit]:
    traces = [Trace.of(trace_id, spans) for trace_id, spans in read.spans.items()]
    traces.sort(key=lambda trace: (trace.spans[0].start_ns, trace.trace_id))
    # A trace id is a string that a caller chose. One that tells of a person may not rest in a message,
    # and under another name the trace could not be fetched.
    named = [trace for trace in traces if safe_id(trace.trace_id, b"") == trace.trace_id]
    if left_out := len(traces) - len(named):
        logger("datadog").warning(
            "traces are left out because their ids tell of a person", extra={"count": left_out}
        )
    if read.partial:
        logger("datadog").warning(
            "traces of which a span cannot be read are left out unless they look failed",
            extra={"count": len(read.partial)},
        )
    hits = [TraceHit.of(trace, rules) for trace in named]
    return [hit for hit in hits if hit.failing or hit.trace_id not in read.partial]


def _floor(moment: datetime) -> datetime:
    return _moment(_milliseconds(moment))


def _milliseconds(moment: datetime) -> int:
    return (moment.astimezone(UTC) - _moment(0)) // timedelta(milliseconds=1)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(0, tz=UTC) + timedelta(milliseconds=milliseconds)
