"""The ways to extract that are held beside each other: by rules, by a model, by both."""

from collections.abc import Callable, Mapping

from shared.domain.captures import Capture
from shared.domain.patterns import FailurePattern
from shared.settings import Settings

Arm = Callable[[Capture], FailurePattern]


def arms_of(settings: Settings, by_rules: Mapping[str, FailurePattern]) -> dict[str, Arm]:
    """Name every arm; `by_rules` has what the rules say of each trace once the queues have drained."""

    def rules(capture: Capture) -> FailurePattern:
        return by_rules[capture.trace_id]

    return {"rules": rules, **asking_arms(settings, rules)}


def asking_arms(settings: Settings, rules: Arm) -> dict[str, Arm]:
    """Name the arms that ask a model, `model` alone and `both`; none where extraction asks no model.

    An arm says in its pattern's extractor what a call cost and took, and raises
    ModelTroubleError where no answer came of it.
    """
    return {}
