"""Spans and traces as EvalForge reads them, whatever shape they came in."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Self

from pydantic import Field, JsonValue

from shared.domain.canonical import canonical_json
from shared.domain.model import Model

_VERDICTS = {
    **dict.fromkeys(("pass", "passed", "true"), "pass"),
    **dict.fromkeys(("fail", "failed", "false"), "fail"),
}


# A search gives any value as `value`; who submits one says of which type it is.
_VALUES = ("value", "score_value", "categorical_value", "boolean_value", "json_value")


class Evaluation(Model):
    """What an evaluator said of a span."""

    value: JsonValue = None
    assessment: str | None = None
    metric_type: str | None = None
    reasoning: str | None = None
    tags: tuple[str, ...] = ()

    @classmethod
    def told(cls, body: dict[str, JsonValue], tags: tuple[str, ...]) -> Self:
        """Read an evaluation; a verdict of a wrong type must not cost the span that carries it."""
        judged = body.get("assessment")
        if isinstance(judged, bool):
            judged = "pass" if judged else "fail"
        return cls(
            value=next((body[key] for key in _VALUES if body.get(key) is not None), None),
            assessment=judged if isinstance(judged, str) else None,
            metric_type=_text_of(body.get("eval_metric_type") or body.get("metric_type")),
            reasoning=_text_of(body.get("reasoning")),
            tags=tags,
        )

    @property
    def verdict(self) -> str | None:
        """The assessment, however it is spelled: `pass`, `fail` or, where it is neither, None."""
        return _VERDICTS.get((self.assessment or "").strip().lower())


class Span(Model):
    """One step of a trace; times are nanoseconds since the epoch."""

    span_id: str = Field(min_length=1)
    trace_id: str = Field(min_length=1)
    parent_id: str | None = None
    name: str = ""
    kind: str = "unknown"
    status: str = "ok"
    start_ns: int = 0
    duration_ns: int = 0
    ml_app: str = "unknown"
    input: JsonValue = None
    output: JsonValue = None
    metadata: dict[str, JsonValue] = {}
    metrics: dict[str, JsonValue] = {}
    tags: tuple[str, ...] = ()
    evaluations: dict[str, Evaluation] = {}
    extra: dict[str, JsonValue] = {}

    @property
    def is_root(self) -> bool:
        """Say whether the span stands at the top of its trace."""
        return self.parent_id is None

    def tag(self, key: str) -> str | None:
        """Return the value of the first tag `key:value`; a value may hold colons."""
        return next(
            (
                value.strip()
                for name, _, value in (tag.partition(":") for tag in self.tags)
                if name.strip() == key
            ),
            None,
        )

    def field_or_tag(self, key: str) -> str | None:
        """Return a field that stands beside the known ones, else the tag of that name."""
        field = self.extra.get(key)
        return field if isinstance(field, str) and field else self.tag(key)


class Trace(Model):
    """All spans of one trace, in the order in which they started."""

    trace_id: str
    spans: tuple[Span, ...] = Field(min_length=1)

    @classmethod
    def of(cls, trace_id: str, spans: Iterable[Span]) -> Self:
        """Build a trace from spans in any order, told once or more often.

        A span told twice is kept once with the evaluations of both: a second
        telling may carry an evaluation that came late.
        """
        tellings: dict[str, list[Span]] = {}
        for span in spans:
            tellings.setdefault(span.span_id, []).append(span)
        merged = {span_id: _merged(told) for span_id, told in tellings.items()}
        ordered = sorted(merged.values(), key=lambda span: (span.start_ns, not span.is_root, span.span_id))
        return cls(trace_id=trace_id, spans=tuple(ordered))

    @property
    def root(self) -> Span:
        """The span that the others hang from; the earliest where the root is missing."""
        return next((span for span in self.spans if span.is_root), self.spans[0])

    @property
    def ml_app(self) -> str:
        """The application's name."""
        return self.root.ml_app

    @property
    def env(self) -> str:
        """The environment, from a field or the tags; `unknown` where none says."""
        return self._told("env") or "unknown"

    @property
    def version(self) -> str:
        """The application's version, from a field or the tags; empty where none says."""
        return self._told("version") or ""

    @property
    def started_at(self) -> datetime:
        """When the trace started; the epoch where the source gave a time that is none."""
        try:
            return datetime.fromtimestamp(self.spans[0].start_ns / 1e9, tz=UTC)
        except (OverflowError, ValueError, OSError):
            return datetime.fromtimestamp(0, tz=UTC)

    def _told(self, key: str) -> str | None:
        """Read what the root says in a field or a tag, else the first span that says it."""
        return next((told for span in (self.root, *self.spans) if (told := span.field_or_tag(key))), None)


def _text_of(raw: JsonValue) -> str | None:
    return raw if raw is None or isinstance(raw, str) else canonical_json(raw)


def _merged(tellings: list[Span]) -> Span:
    """Pick the fullest telling with the evaluations of all, by spelling, so that order does not matter."""
    if len(tellings) == 1:
        return tellings[0]
    evaluations: dict[str, Evaluation] = {}
    for told in sorted((one for span in tellings for one in span.evaluations.items()), key=_evaluation_order):
        evaluations[told[0]] = told[1]
    bare = [span.model_copy(update={"evaluations": {}}) for span in tellings]
    return max(bare, key=_fullness).model_copy(update={"evaluations": dict(sorted(evaluations.items()))})


def _evaluation_order(told: tuple[str, Evaluation]) -> tuple[str, bool, str]:
    """Put a failing verdict last, where it stays: of two verdicts of one label it is the one to look into."""
    label, evaluation = told
    return label, evaluation.verdict == "fail", canonical_json(evaluation.model_dump(mode="json"))


def _fullness(span: Span) -> tuple[int, str]:
    spelled = canonical_json(span.model_dump(mode="json"))
    return len(spelled), spelled
