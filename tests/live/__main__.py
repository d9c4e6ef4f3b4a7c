"""`make eval-live`: rules, model and both on recorded runs; asks a real model, which costs money."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from shared import logs
from shared.domain.patterns import FailurePattern
from shared.errors import ConfigError
from shared.settings import Backend, Settings, load_settings
from tests.bench.airline_truth import labels_of, load_truth
from tests.bench.extraction import runs_of
from tests.conftest import AIRLINE
from tests.live.arms import Arm, arms_of
from tests.live.evaluation import ask, figures_by_arm, sample, spelled_figures

_LIMIT = 30
_DOLLARS = 1.0


def main() -> None:
    """Measure and print; exit status 2 where it cannot."""
    parser = argparse.ArgumentParser(prog="python -m tests.live", description=__doc__)
    parser.add_argument("--limit", type=int, default=_LIMIT, help="failures at most [%(default)s]")
    parser.add_argument("--dollars", type=float, default=_DOLLARS, help="money at most [%(default)s]")
    told = parser.parse_args()
    if told.limit < 1 or not told.dollars > 0:
        parser.error("--limit takes a number from 1, --dollars one above 0")
    logs.configure("CRITICAL")
    try:
        evaluate(AIRLINE, _settings(), arms_of, limit=told.limit, most_usd=told.dollars)
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


def _settings() -> Settings:
    settings = load_settings(evalforge_backend=Backend.EMBEDDED)
    if not settings.google_cloud_project:
        raise ConfigError(
            "GOOGLE_CLOUD_PROJECT is not set: the project whose Gemini is asked. Set it, and sign in with "
            "`gcloud auth application-default login`; a run ends at $1 unless --dollars says otherwise"
        )
    return settings


def evaluate(
    traces: Path,
    settings: Settings,
    made_arms: Callable[[Settings, Mapping[str, FailurePattern]], dict[str, Arm]],
    *,
    limit: int,
    most_usd: float,
) -> None:
    """Hold every arm to the truth of a sample.

    Raises:
        ConfigError: there are no recorded runs.
    """
    truth = load_truth(traces)
    if not truth:
        raise ConfigError(
            f"there are no recorded runs {traces}; EVALFORGE_SHARED names the folder that has them"
        )
    runs, labels = runs_of(traces, truth), labels_of(truth)
    labelled = {label.trace_id for label in labels}
    arms = made_arms(settings, {run.capture.trace_id: run.pattern for run in runs})
    asked = ask(
        sample((run.capture for run in runs if run.capture.trace_id in labelled), limit),
        arms,
        most_usd=most_usd,
    )
    steps = {run.capture.trace_id: run.steps for run in runs}
    for line in spelled_figures(asked, figures_by_arm(asked, labels, steps)):
        print(line)


if __name__ == "__main__":
    main()
