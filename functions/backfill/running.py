"""A backfill while it runs: a few windows are ordered ahead of those that are done."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from functions.backfill.counting import Census, Counted
from functions.backfill.orders import Orders, State
from shared.domain.incidents import Incident

# Lets time pass, or does the work itself; meanwhile stock may be taken of what became of the orders.
Wait = Callable[[Callable[[], None]], None]


class Backfill:
    """The windows of one range, and how far they are."""

    def __init__(
        self,
        incidents: Iterable[Incident],
        orders: Orders,
        *,
        again: bool,
        census: Census | None = None,
        most_failing: int | None = None,
        tell: "Callable[[Backfill], None]" = lambda _: None,
    ) -> None:
        """Order nothing yet; with a census each window is counted first, until enough traces fail."""
        self._incidents = incidents
        self._orders = orders
        self._again = again
        self._census = census
        self._most = most_failing
        self._tell = tell
        self.counted: list[tuple[Incident, Counted]] = []
        self.waiting: list[Incident] = []
        self.skipped = 0
        self.done = 0
        self.failed: list[Incident] = []

    @property
    def settled(self) -> int:
        """How many windows need nothing more."""
        return self.skipped + self.worked

    @property
    def worked(self) -> int:
        """How many windows were searched, or could not be, since it runs."""
        return self.done + len(self.failed)

    @property
    def has_enough(self) -> bool:
        """Say whether the windows so far hold as many failing traces as are wanted."""
        return self._census is not None and self._most is not None and self._census.failing >= self._most

    def count(self) -> None:
        """Count windows, and order none."""
        for _ in self._counted():
            self.done += 1
            self._tell(self)

    def run(self, *, ahead: int, wait: Wait) -> None:
        """Order every window that was not searched yet, so many at a time, until all are.

        Where as many have failed and none was done, what is wrong is wrong for the others too.
        """
        wanted = self._unsearched()
        while self.done or len(self.failed) < ahead:
            for incident in islice(wanted, ahead - len(self.waiting)):
                self._orders.give(incident)
                self.waiting.append(incident)
            if not self.waiting:
                return
            wait(self._take_stock)
            self._take_stock()

    def _unsearched(self) -> Iterator[Incident]:
        for incident in self._counted():
            if self._again or not self._orders.was_searched(incident):
                yield incident
            else:
                self.skipped += 1
                self._tell(self)

    def _counted(self) -> Iterator[Incident]:
        """Yield windows; counted ones until those before hold as many failing traces as are wanted."""
        for incident in self._incidents:
            if self.has_enough:
                return
            if self._census is not None:
                self.counted.append((incident, self._census.count(incident)))
            yield incident

    def _take_stock(self) -> None:
        waiting = []
        for incident in self.waiting:
            match self._orders.state(incident):
                case State.DONE:
                    self.done += 1
                case State.FAILED:
                    self.failed.append(incident)
                case State.UNDER_WAY:
                    waiting.append(incident)
        self.waiting = waiting
        self._tell(self)
