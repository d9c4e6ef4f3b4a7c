"""How many examples a property is tried with: the same ones each time, or many new ones in a campaign."""

import os

from hypothesis import HealthCheck, settings

# `make test-full` sets it. A landing must not hang on the luck of the draw; a campaign lives on it.
_TIMES = int(os.environ.get("EVALFORGE_EXAMPLES_TIMES", "1"))


def examples(count: int) -> settings:
    """Try `count` examples that are the same in every run; in a campaign many times that, drawn anew."""
    return settings(
        max_examples=count * _TIMES,
        derandomize=_TIMES == 1,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
