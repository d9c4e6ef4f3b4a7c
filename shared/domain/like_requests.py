"""Finds the healthy runs whose requests are most like a failing one's, among those of its application."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from shared.domain.courses import Course, Reference, terms_of

# So many runs are asked about a failing one.
REFERENCES = 3
# How much more a rare term says than a common one: the power of its inverse frequency.
_RARITY = 1.5
# Of two requests that share less of their words, none tells what the other should have come to.
LEAST_SHARED = 0.1


class ControlGroup:
    """The healthy runs of one application and environment, their terms weighed by how rare they are."""

    def __init__(self, courses: Sequence[Course]) -> None:
        """Weigh the terms of all courses; their order does not matter."""
        self._courses = sorted(courses, key=lambda one: one.trace_id)
        having: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for at, course in enumerate(self._courses):
            for term, times in course.terms.items():
                having[term].append((at, 1 + math.log(times)))
        self._weights: dict[str, list[tuple[int, float]]] = {}
        lengths = [0.0] * len(self._courses)
        for term, told in having.items():
            rarity = self._rarity(len(told))
            self._weights[term] = [(at, often * rarity) for at, often in told]
            for at, weight in self._weights[term]:
                lengths[at] += weight**2
        self._lengths = [math.sqrt(length) for length in lengths]

    def __len__(self) -> int:
        """Say how many runs there are."""
        return len(self._courses)

    def nearest(self, terms: Mapping[str, int], most: int) -> tuple[Course, ...]:
        """List the runs of the most alike requests, the most alike first; none that shares next to nothing.

        The likeness is the cosine of the weighed terms; the request's own length is the same for all.
        """
        likeness = [0.0] * len(self._courses)
        for term, times in terms.items():
            if told := self._weights.get(term):
                weight = (1 + math.log(times)) * self._rarity(len(told))
                for at, held in told:
                    likeness[at] += weight * held
        cosines = [
            one / length if length else 0.0 for one, length in zip(likeness, self._lengths, strict=True)
        ]
        # Sums of floats depend on their order in the last digits.
        ranked = sorted(range(len(cosines)), key=lambda at: (-round(cosines[at], 6), at))
        alike = [self._courses[at] for at in ranked[:most]]
        return tuple(one for one in alike if shared_terms(terms, one.terms) >= LEAST_SHARED)

    def references(self, request: Sequence[str]) -> tuple[Reference, ...]:
        """Name the runs that a failure with this request is held against, as they are now."""
        return tuple(course.reference for course in self.nearest(terms_of(request), REFERENCES))

    def _rarity(self, having: int) -> float:
        return float((math.log((1 + len(self._courses)) / (1 + having)) + 1) ** _RARITY)


def shared_terms(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    """Say which part of the smaller request's terms the other has, 0 to 1: of these two alone."""
    smaller = min(len(one), len(other))
    return len(one.keys() & other.keys()) / smaller if smaller else 0.0
