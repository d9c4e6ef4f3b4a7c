"""The arithmetic of every measure: shares with their intervals, calibration, percentiles."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

from shared.domain.model import Model

# The 97.5th percentile of the normal distribution: an interval of 95 %.
_Z = 1.959963984540054
_BINS = 10


class Share(Model):
    """So many of so many, with Wilson's interval of 95 %; no share of nothing."""

    hits: int
    of: int
    share: float | None
    low: float | None
    high: float | None

    @classmethod
    def counted(cls, hits: int, of: int) -> Self:
        """Say what share of all the hits are."""
        if not of:
            return cls(hits=0, of=0, share=None, low=None, high=None)
        low, high = wilson(hits, of)
        return cls(hits=hits, of=of, share=hits / of, low=low, high=high)

    @classmethod
    def among(cls, judged: Iterable[bool]) -> Self:
        """Say what share of the judged is right."""
        told = list(judged)
        return cls.counted(sum(told), len(told))


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Bound a share by Wilson's score interval of 95 %, which holds for few cases and for all or none."""
    share, spread = hits / of, _Z**2 / of
    middle = share + spread / 2
    reach = _Z * math.sqrt(share * (1 - share) / of + spread / (4 * of))
    # Rounding must not bring none of all above nothing, or all below it.
    low = 0.0 if hits == 0 else (middle - reach) / (1 + spread)
    high = 1.0 if hits == of else (middle + reach) / (1 + spread)
    return low, high


class Judged(NamedTuple):
    """How sure a statement was of itself, 0 to 1, and whether it was right."""

    confidence: float
    right: bool


def calibration_error(judged: Sequence[Judged]) -> float | None:
    """Say how far confidence is from how often it is right: ECE over ten bins of one width.

    The mean over bins of the gap between mean confidence and share of right ones,
    each bin counted as often as it has statements; None where nothing was judged.
    """
    if not judged:
        return None
    gaps = [0.0] * _BINS
    for one in judged:
        gaps[min(int(one.confidence * _BINS), _BINS - 1)] += one.confidence - one.right
    return sum(map(abs, gaps)) / len(judged)


def mean(values: Sequence[float]) -> float | None:
    """Average; None where there is nothing to average."""
    return sum(values) / len(values) if values else None


def percentile(values: Sequence[int], rank: int) -> int | None:
    """Find the least value that so many percent do not exceed (nearest rank); None where there is none."""
    if not values:
        return None
    return sorted(values)[math.ceil(rank * len(values) / 100) - 1]
