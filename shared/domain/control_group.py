"""Which healthy traces a failure is held against: of the last thirty days, those that rank lowest."""

from bisect import insort
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple, Self

from shared.domain.canonical import digest
from shared.domain.model import Instant, Model

SIZE = 200
# How much older than the newest trace of its application and environment a member may be.
KEPT = timedelta(days=30)
# So many members may turn out to have failed, and whoever comes next is still known.
_RESERVE = SIZE


class Application(NamedTuple):
    """What has a control group of its own; by its names as traces have them, which are not stored."""

    ml_app: str
    env: str
    version: str


class Candidate(NamedTuple):
    """A healthy trace that was found, and where it stands among the others."""

    trace_id: str
    started_at: Instant
    # Kept, since a hash for each of thousands would take longer than all else that is done with them.
    rank: str

    @classmethod
    def of(cls, trace_id: str, started_at: datetime, *, evaluated: bool) -> Self:
        """Rank a trace."""
        return cls(trace_id, started_at, control_group_rank(trace_id, evaluated=evaluated))


class Roster(Model):
    """Who may be in a control group: its members, and those who will be when newer traces age others out.

    It is the same for any order in which traces are found. As the window only
    moves on, a trace that `SIZE` newer ones rank before never has a place again
    unless one of those fails. So it is forgotten when as many again rank before
    it; of n traces about 2 * SIZE * (1 + ln(n / (2 * SIZE))) are left.
    """

    candidates: tuple[Candidate, ...] = ()

    @property
    def members(self) -> tuple[Candidate, ...]:
        """Who is in the group, the lowest rank first."""
        return tuple(sorted(self.candidates, key=lambda one: one.rank)[:SIZE])

    @property
    def last_rank(self) -> str | None:
        """The rank beyond which nobody has a place; None while there is room."""
        return self.members[-1].rank if len(self.candidates) >= SIZE else None

    def after(self, *, newest: datetime, passed: Iterable[Candidate] = (), failed: str | None = None) -> Self:
        """Take in who passed; strike out one that has failed, and who is too old beside the newest."""
        named = {one.trace_id: one for one in self.candidates}
        for one in passed:
            before = named.get(one.trace_id, one)
            # A search sees a part of a trace; what any has seen of it counts, so evaluated goes before not.
            named[one.trace_id] = Candidate(
                one.trace_id, min(one.started_at, before.started_at), min(one.rank, before.rank)
            )
        if failed is not None:
            named.pop(failed, None)
        within = (one for one in named.values() if one.started_at >= newest - KEPT)
        return type(self)(candidates=tuple(_ever_members(within)))


def _ever_members(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Leave out whom enough newer ones rank before, and a reserve; the newest first."""
    lowest: list[str] = []
    for one in sorted(candidates, key=lambda each: (-each.started_at.timestamp(), each.rank)):
        if len(lowest) < SIZE + _RESERVE or one.rank < lowest[-1]:
            insort(lowest, one.rank)
            del lowest[SIZE + _RESERVE :]
            yield one


def control_group_rank(trace_id: str, *, evaluated: bool) -> str:
    """Rank a healthy trace for the control group, where the lowest stay.

    Traces that were judged and passed come before those that nobody flagged;
    among equals a hash decides, so that the order of arrival does not matter.
    """
    return ("0" if evaluated else "1") + digest("control-group", trace_id, length=16)
