"""What happened in a capture, laid out once for all rules."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from shared.domain.captures import Capture
from shared.domain.conversation import (
    ToolCall,
    Turn,
    answer,
    answering_span,
    leaf_texts,
    tool_calls,
    turns,
)
from shared.domain.spans import Span, Trace


@dataclass(frozen=True, eq=False)
class CaptureView:
    """A capture as rules look at it: its spans in the order they started in, its calls, what was said."""

    capture: Capture

    @cached_property
    def trace(self) -> Trace:
        """The spans with the questions that a trace answers."""
        return self.capture.trace

    @cached_property
    def root(self) -> Span:
        """The span that the others hang from."""
        return self.trace.root

    @cached_property
    def calls(self) -> list[ToolCall]:
        """The calls of tools and retrievals."""
        return tool_calls(self.trace)

    @cached_property
    def models(self) -> list[Span]:
        """The steps of models."""
        return [span for span in self.capture.spans if span.kind == "llm"]

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each span stands in the order of the run, by id."""
        return {span.span_id: place for place, span in enumerate(self.capture.spans)}

    @cached_property
    def turns(self) -> list[Turn]:
        """The conversation, each message once."""
        return turns(self.trace)

    @cached_property
    def told(self) -> str:
        """What the user and the application's own prompt said, in lower case."""
        return "\n".join(turn.content for turn in self.turns if turn.role in _TELLING).lower()

    @cached_property
    def asked(self) -> str:
        """What the user said, in lower case."""
        return "\n".join(turn.content for turn in self.turns if turn.role == "user").lower()

    @cached_property
    def answer(self) -> str:
        """The application's last word to the user."""
        return answer(self.trace)

    @cached_property
    def answering(self) -> Span | None:
        """The step in which the answer stands word for word; None where it stands in none."""
        said = self.answer
        if not said:
            return None
        steps = (answering_span(self.trace), self.root, *reversed(self.models))
        return next((span for span in steps if said in leaf_texts(span.output)), None)

    def succeeds_after(self, call: ToolCall) -> bool:
        """Say whether the same tool succeeded later."""
        return self._last_successes.get(call.name, -1) > self.places[call.span.span_id]

    @cached_property
    def _last_successes(self) -> dict[str, int]:
        return {call.name: self.places[call.span.span_id] for call in self.calls if not call.failed}

    def model_after(self, span: Span) -> Span | None:
        """Find the first step of a model that started after a step."""
        at = bisect_right(self._model_places, self.places[span.span_id])
        return self.models[at] if at < len(self.models) else None

    @cached_property
    def _model_places(self) -> list[int]:
        return [self.places[span.span_id] for span in self.models]

    def above(self, span: Span) -> Iterator[Span]:
        """Yield what a span hangs from, the nearest first; a ring of parents is walked once."""
        seen = {span.span_id}
        parent = self._by_id.get(span.parent_id or "")
        while parent is not None and parent.span_id not in seen:
            seen.add(parent.span_id)
            yield parent
            parent = self._by_id.get(parent.parent_id or "")

    @cached_property
    def _by_id(self) -> dict[str, Span]:
        return {span.span_id: span for span in self.capture.spans}


_TELLING = frozenset({"user", "system", "developer"})
