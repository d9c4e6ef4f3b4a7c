"""From control groups that have changed to the failures that other healthy runs are nearest to now."""

from collections.abc import Iterator

from shared.batches import batched
from shared.messages import CaptureStored
from shared.ports import Outgoing
from shared.repositories.contrasts import Contrasts
from shared.repositories.courses import Courses
from shared.repositories.patterns import Patterns
from shared.topology import Topic

_PAGE = 100


def recontrast_failures(
    *, contrasts: Contrasts, courses: Courses, patterns: Patterns
) -> Iterator[list[Outgoing]]:
    """Yield, a page at a time, the failures to extract again; each control group is settled at its end.

    What changes while it is gone through is noted, and gone through the next
    time; a sweep that is broken off is begun again.
    """
    for known in list(contrasts.due()):
        begun = contrasts.begin(known)
        if begun is None:
            continue
        group = courses.control_group(begun.ml_app, begun.env, begun.generation)
        for page in batched(patterns.contrasted(begun.ml_app, begun.env), _PAGE):
            yield [
                Outgoing(Topic.CAPTURES, CaptureStored(trace_id=pattern.trace_id))
                for pattern in page
                if pattern.references != group.references(pattern.reproduction.input)
            ]
        contrasts.settle(begun)
