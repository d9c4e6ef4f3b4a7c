"""Healthy and failing runs that come in one by one, and what they come to."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from functions.local.trace_run import deliver_all
from shared.domain.patterns import FailurePattern
from shared.domain.spans import Trace
from shared.errors import TraceNotFoundError
from shared.messages import ContrastsDue, TraceFound
from shared.ports import Outgoing, TraceQuery
from shared.topology import Topic
from shared.wiring import Wiring
from tests.pipeline.end_state import end_state, open_store, suggestions_of
from tests.unit.runs import Done, cancelled, looked, run

TICK = Outgoing(Topic.CONTRASTS, ContrastsDue())
CANCEL = "Please cancel my tent order W1001, I ordered it by mistake"
RETURN = "I want to return the boots of order W5005, they are too small for me"
MOVE = "Send parcel W7007 to our office instead of home"
COUPON = "There should be a spring discount on what W9009 costs, take it off"
RUDE = "Hello, how are you doing today"


def returned(order: str, way: str, said: str = "Yes") -> Done:
    """Return what was ordered."""
    return Done("return_items", {"order": order, "refund": way}, said)


def moved(order: str, said: str = "Yes") -> Done:
    """Send a parcel elsewhere."""
    return Done("change_address", {"order": order, "to": "office"}, said)


class Recorded:
    """A source of traces as they are now; a later telling takes the place of an earlier one."""

    def __init__(self, traces: Iterable[Trace]) -> None:
        self.traces = {trace.trace_id: trace for trace in traces}

    def search(self, query: TraceQuery, *, cursor: str | None = None) -> NoReturn:
        raise AssertionError("nothing is searched here")

    def fetch(self, trace_id: str) -> Trace:
        if trace_id not in self.traces:
            raise TraceNotFoundError("there is no such trace")
        return self.traces[trace_id]


def coupon(order: str, said: str = "Yes") -> Done:
    """Take a coupon off the price."""
    return Done("apply_coupon", {"order": order, "code": "SPRING"}, said)


def failures() -> list[Trace]:
    """Fail in six ways: by an argument, without an action, too early, slowly, as told, like nobody."""
    done = coupon("W9009")
    return [
        run("f-reason", looked("W1001"), cancelled("W1001", reason="no longer"), asked=CANCEL, passed=False),
        run("f-missing", looked("W5005"), asked=RETURN, answer="I cannot.", passed=False, at=10),
        run("f-early", looked("W7007"), moved("W7007", said=""), asked=MOVE, passed=False, at=20),
        run("f-slow", looked("W9009"), done, asked=COUPON, seconds=900, passed=False, at=30),
        run("f-told", asked=RUDE, answer="Go away.", label="toxicity", passed=False, at=40),
        run("f-alone", asked="Quel temps fait-il aujourd'hui", answer="?", passed=False, at=50),
    ]


def healthy_runs() -> list[Trace]:
    """Pass with requests that are more or less like those of the failures."""
    return [
        run("h-tent", looked("W1001"), cancelled("W1001"), asked=CANCEL, at=60),
        run("h-tent-2", looked("W2002"), cancelled("W2002"), asked=CANCEL.replace("W1001", "W2002"), at=70),
        run("h-boots", looked("W5005"), returned("W5005", "card"), asked=RETURN, at=80),
        run("h-coupon", looked("W9009"), coupon("W9009"), asked=COUPON, at=90),
        run("h-move", looked("W7007"), moved("W7007"), asked=MOVE, at=100),
        run("h-move-2", looked("W8008"), moved("W8008"), asked=MOVE.replace("7007", "8008"), at=110),
        run(
            "h-staging", looked("W1001"), cancelled("W1001", reason="no longer"), asked=CANCEL, env="staging"
        ),
    ]


def store_of(folder: Path, source: Recorded, name: str = "store") -> Wiring:
    """Wire a store whose traces come from a source."""
    return replace(open_store(folder / f"{name}.db"), made_traces=lambda: source)


def found(*names: str) -> list[Outgoing]:
    return [Outgoing(Topic.FAILURES, TraceFound(trace_id=name)) for name in names]


def arrive(parts: Wiring, *names: str) -> None:
    """Let traces be found, and all be done that comes of it."""
    parts.publisher.publish(found(*names))
    deliver_all(parts)


def pattern_of(parts: Wiring, name: str) -> FailurePattern:
    known = parts.patterns.get(name)
    assert known is not None
    return known.pattern


def references_of(parts: Wiring, name: str) -> list[str] | None:
    told = pattern_of(parts, name).references
    return None if told is None else [one.trace_id for one in told]


def membership(parts: Wiring) -> dict[str, set[tuple[str, str]]]:
    """Say who is in which suggestion, by which group."""
    return {
        one.id: {(member.trace_id, member.group_id) for member in parts.suggestions.members(one.id)}
        for one in parts.suggestions.all()
    }


def came_to(parts: Wiring) -> dict[str, Any]:
    """Say all that a store came to, but for how often artifacts were made anew on the way."""
    suggestions = suggestions_of(parts)
    for told in suggestions.values():
        for ref in told["suggestion"]["artifacts"].values():
            del ref["revision"]
        for artifact in told["artifacts"].values():
            del artifact["revision"], artifact["id"]
    return {**end_state(parts), "suggestions": suggestions}
