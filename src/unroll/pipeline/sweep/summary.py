"""What a sweep has found, as rows for a table."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from unroll.pipeline.sweep.space import Space
from unroll.pipeline.sweep.trials import Trial


@dataclass(frozen=True)
class Summary:
    """The trials of a sweep in the order of their values."""

    trials: list[Trial]
    """The finished ones, the best one first; then the pruned and the failed ones by number."""

    @property
    def best(self) -> Trial | None:
        """The best trial; None if none is finished."""
        return self.trials[0] if self.trials and self.trials[0].state == "finished" else None

    def counts(self) -> dict[str, int]:
        """Return the number of trials by state."""
        return {state: sum(trial.state == state for trial in self.trials) for state in ("finished", "pruned", "failed")}

    def rows(self) -> list[dict[str, Any]]:
        """Return a row of plain values for each trial."""
        return [
            {
                "experiment": trial.experiment,
                "state": trial.state,
                "best": trial is self.best,
                "value": trial.value,
                "params": trial.params,
                "seconds": trial.seconds,
                "reason": trial.reason,
            }
            for trial in self.trials
        ]


def summarize(space: Space, trials: Iterable[Trial]) -> Summary:
    """Order the trials of a sweep.

    Args:
        space: The sweep.
        trials: Its trials.

    Returns:
        The summary. The earlier one of two equal trials comes first.
    """
    sign = 1 if space.metric.direction == "minimize" else -1

    def rank(trial: Trial) -> tuple[bool, float, int]:
        finished = trial.value is not None
        return not finished, sign * (trial.value or 0.0) if finished else 0.0, trial.number

    return Summary(sorted(trials, key=rank))
