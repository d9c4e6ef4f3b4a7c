"""Queries in Datadog's search syntax: which spans look failed, in which scope, and when."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pydantic import JsonValue

from shared.domain.signals import SignalRules
from shared.domain.span_shapes import OWN_EVALUATION_TAG

# No limit is published; what is longer is asked in parts.
LONGEST_QUERY = 6000
_LONGEST_LABEL = 200
EVERYTHING = "*"
ROOTS = "@parent_id:undefined"

# The labels of Datadog's managed evaluations and templates, and names that many teams choose.
USUAL_LABELS = (
    *("hallucination", "faithfulness", "groundedness", "prompt_injection", "jailbreak"),
    *("toxicity", "toxicity_score", "input_toxicity", "output_toxicity", "failure_to_answer", "refusal"),
    *("language_mismatch", "topic_relevancy", "instruction_following", "tool_selection"),
    *("tool_argument_correctness", "goal_completeness", "sensitive_data", "pii", "citation"),
    *("context_relevance", "json_validity", "guardrail", "guardrails", "guardrail_failed"),
    *("guardrails_failed", "quality_score", "llm_obs_quality_score", "custom_quality_score"),
)
# Values that say "bad" without an assessment; the rules for signals read the same ones.
_PRESENCE = (
    "true",
    "1",
    "yes",
    "found",
    "fail",
    "failed",
    "hallucination found",
    "detected",
    "unsafe",
    "toxic",
)
_FOUND = {
    "hallucination": (*_PRESENCE, "contradiction", "unsupported claim"),
    "prompt_injection": (
        *_PRESENCE,
        *("simple instruction", "code injection", "context switching", "jailbreak"),
    ),
}
_TOXICITY = ("toxicity", "toxicity_score", "input_toxicity", "output_toxicity")
_QUALITY = ("quality_score", "llm_obs_quality_score", "custom_quality_score")
_QUALITY_FACTS = ("quality_score", "llm_obs.quality_score")
_STATUS_CODES = ("http.status_code", "http_status_code", "status_code", "http.response.status_code")
_FAILED_LABELS = ("guardrail_failed", "guardrails_failed")
_NOUNS = ("guardrail", "guardrails")
_FAILED_WORDS = ("fail", "failed")
# Which path Datadog gives metadata in a query is not documented; both are asked.
_FIELDS = ("@", "@meta.metadata.", "@metadata.", "@metrics.")

_PLAIN = re.compile(r"(?!(?:AND|OR|NOT)$)\w[\w./-]*")
_SPECIAL = re.compile(r"([^\w./-])")
_MONITOR = re.compile(
    r'\s*llm-observability\("(?P<query>(?:[^"\\]|\\.)*)"\).*?\.last\("(?P<count>\d{1,6})(?P<unit>[mhdw])"\)',
    re.DOTALL,
)
# What stands in one of several alternatives, or in quotes, does not hold for all.
_BRANCHES = re.compile(r'\b(?:OR|NOT)\b|[()"]|(?:^|\s)[-!](?:\s|$)')
_SCOPED = re.compile(r'(?:^|(?<=\s))@?(ml_app|env|version):([\w./-]+|"[^"*?\\]+")(?=\s|$)')
_EVERYWHERE = re.compile(r"(?:^|(?<=\s))(?:\*|AND|@?event_type:span)(?=\s|$)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class MonitorQuery(NamedTuple):
    """What a monitor searches for, and how far back each time."""

    query: str
    window: timedelta


def monitor_query(definition: str) -> MonitorQuery | None:
    """Read the query and the window out of a monitor's definition; None where it is of another kind."""
    found = _MONITOR.match(definition)
    if found is None:
        return None
    query = re.sub(r'\\(["\\])', r"\1", found["query"]).strip()
    return MonitorQuery(query or EVERYTHING, timedelta(**{_UNITS[found["unit"]]: int(found["count"])}))


def in_scope(*, ml_app: str | None = None, env: str | None = None, version: str | None = None) -> str:
    """Narrow to an application, an environment and a version, as far as they are told."""
    told = (("@ml_app", ml_app), ("env", env), ("version", version))
    return all_of(*(f"{field}:{_quoted(value)}" for field, value in told if value is not None))


def scope_in(query: str) -> dict[str, str]:
    """Read the application, environment and version that a query asks for of every span, one each."""
    if _BRANCHES.search(beyond_scope(query)):
        return {}
    told: dict[str, list[str]] = {}
    for field, value in _SCOPED.findall(query):
        told.setdefault(field, []).append(value.strip('"'))
    return {field: values[0] for field, values in told.items() if len(values) == 1}


def beyond_scope(query: str) -> str:
    """Leave out of a query what only says where to look; what stays says what to look for."""
    return " ".join(_EVERYWHERE.sub(" ", _SCOPED.sub(" ", query)).split())


def all_of(*queries: str) -> str:
    """Join queries that must all hold; what another person wrote is kept in brackets."""
    said = [query.strip() for query in queries if query.strip() not in ("", EVERYTHING)]
    if len(said) < 2:  # noqa: PLR2004 - nothing to join
        return said[0] if said else EVERYTHING
    return " AND ".join(f"({query})" if " " in query else query for query in said)


def failing_queries(rules: SignalRules, labels: Iterable[str] = ()) -> list[str]:
    """Ask for spans that look failed: by status, evaluations, quality, guardrails or HTTP status.

    Evaluations have names of the team's own: those that the settings map are
    asked for beside the usual ones, and `labels`, which were seen on spans.
    """
    clauses = [
        "@status:error",
        *(clause for label in labels_of([*rules.labels, *labels]) for clause in _judged(label)),
        *_valued(rules),
        *_facts(rules),
    ]
    return list(_in_parts(list(dict.fromkeys(clauses)), LONGEST_QUERY))


def passing_queries(labels: Iterable[str] = ()) -> list[str]:
    """Ask for spans that were evaluated and passed: what failures are held against."""
    clauses = [f"@evaluation.{_escaped(label)}.assessment:pass" for label in labels_of(labels)]
    return list(_in_parts(clauses, LONGEST_QUERY))


def roots_of(trace_ids: Iterable[str]) -> str:
    """Ask for the roots of some traces."""
    return all_of(ROOTS, f"@trace_id:{_one_of(trace_ids)}")


def labels_of(labels: Iterable[str]) -> list[str]:
    """Name the evaluations to ask for: the usual ones and others, each once.

    One label that no query can spell would cost all the others their search.
    """
    askable = (label for label in sorted(labels) if label.isprintable() and len(label) <= _LONGEST_LABEL)
    return list(dict.fromkeys([*USUAL_LABELS, *askable]))


def search_body(
    *,
    since: datetime,
    until: datetime,
    query: str | None = None,
    trace_id: str | None = None,
    limit: int,
    cursor: str | None = None,
    attachments: bool = True,
) -> dict[str, JsonValue]:
    """Spell a search; its times are always told, for Datadog's own window is the last 15 minutes.

    Beside a query Datadog ignores a trace id, so that one of the two is told.
    """
    what = {"trace_id": trace_id} if trace_id is not None else {"query": query or EVERYTHING}
    page: dict[str, JsonValue] = {"limit": limit} | ({"cursor": cursor} if cursor else {})
    attributes: dict[str, JsonValue] = {
        "filter": {"from": absolute(since), "to": absolute(until), **what},
        "page": page,
        "sort": "timestamp",
        "options": {"include_attachments": attachments},
    }
    return {"data": {"type": "spans", "attributes": attributes}}


def absolute(moment: datetime) -> str:
    """Spell a moment in UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _judged(label: str) -> Iterator[str]:
    """Ask for an evaluation that failed, in the current and the deprecated syntax.

    The deprecated syntax cannot tell who submitted it: what EvalForge did is
    then left out where the span is read.
    """
    name = _escaped(label)
    yield from _unless_own(name, "assessment:fail")
    yield f"@evaluation_assessments.{name}:fail"
    yield f"@evaluation_assessments.custom.{name}:fail"


def _valued(rules: SignalRules) -> Iterator[str]:
    """Ask for evaluations whose value says "bad" without an assessment."""
    told: list[tuple[str, str]] = [(label, _one_of(words)) for label, words in _FOUND.items()]
    told += [(label, f">={rules.toxicity_threshold:g}") for label in _TOXICITY]
    told += [(label, _one_of(_PRESENCE)) for label in _TOXICITY]
    told += [(label, f"<{rules.quality_threshold:g}") for label in _QUALITY]
    told += [(label, _one_of(_FAILED_WORDS)) for label in _NOUNS]
    told += [(label, _one_of(_PRESENCE)) for label in _FAILED_LABELS]
    for label, value in told:
        yield from _unless_own(label, f"value:{value}")
        yield f"@evaluations.{label}:{value}"
        yield f"@evaluations.custom.{label}:{value}"


def _unless_own(name: str, told: str) -> Iterator[str]:
    yield f'(@evaluation.{name}.{told} AND -@evaluation.{name}.tags:"{OWN_EVALUATION_TAG}")'


def _facts(rules: SignalRules) -> Iterator[str]:
    """Ask for what tags, metadata and metrics say; a tag is a text, and knows no greater or less."""
    for key in _STATUS_CODES:
        yield f"{key}:(4* OR 5*)"
        yield from (f"{field}{key}:>=400" for field in _FIELDS)
    for key in _QUALITY_FACTS:
        yield from (f"{field}{key}:<{rules.quality_threshold:g}" for field in _FIELDS)
    words = {**_FOUND, **dict.fromkeys(_TOXICITY, _PRESENCE), **dict(_guardrail_words())}
    for key, values in words.items():
        yield from (f"{field}{key}:{_one_of(values)}" for field in ("", *_FIELDS[:3]))
    for key in _TOXICITY:
        yield from (f"{field}{key}:>={rules.toxicity_threshold:g}" for field in _FIELDS)


def _guardrail_words() -> Iterator[tuple[str, tuple[str, ...]]]:
    for noun in _NOUNS:
        yield noun, _FAILED_WORDS
        for between in "._":
            yield from ((f"{noun}{between}{part}", ("true", "1")) for part in ("failed", "failures"))
            yield from ((f"{noun}{between}{part}", _FAILED_WORDS) for part in ("status", "result", "outcome"))


def _in_parts(clauses: list[str], longest: int) -> Iterator[str]:
    part: list[str] = []
    length = 0
    for clause in clauses:
        if part and length + len(clause) > longest:
            yield " OR ".join(part)
            part, length = [], 0
        part.append(clause)
        length += len(clause) + len(" OR ")
    yield " OR ".join(part)


def _one_of(values: Iterable[str]) -> str:
    return f"({' OR '.join(map(_quoted, values))})"


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    spelled = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{spelled}"'


def _escaped(name: str) -> str:
    """Spell a name that somebody chose as a part of a path."""
    return _SPECIAL.sub(r"\\\1", name)
