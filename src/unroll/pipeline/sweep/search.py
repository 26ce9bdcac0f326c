"""How the points of a sweep are chosen, by Optuna. Only the head process of the sweep does this.

The random numbers of a trial are a function of the seed and the number of the trial. So a sweep that was killed goes on
with the points that it would have had. The sampler `tpe` and the pruners also use the results so far, which for several
points at once depend on the order in which these end.
"""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from unroll.errors import UnrollError
from unroll.pipeline.sweep.space import (
    Choice,
    Dimension,
    Float,
    HyperbandPruner,
    MedianPruner,
    Space,
    SuccessiveHalvingPruner,
    TpeSampler,
)
from unroll.pipeline.sweep.trials import Trial

if TYPE_CHECKING:
    import optuna


class Search:
    """The study of a sweep, in memory. It is made again from the trials when a sweep goes on."""

    def __init__(self, name: str, space: Space, trials: Iterable[Trial]) -> None:
        """Make the study.

        Args:
            name: The name of the sweep.
            space: What is varied, and how.
            trials: The trials so far. Those that have not ended are the first ones that `ask` returns, again.

        Raises:
            UnrollError: Optuna is not installed.
        """
        try:
            import optuna
        except ImportError:
            raise UnrollError("a sweep needs Optuna; pip install 'unroll[search]'") from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.optuna, self.space = optuna, space
        self.distributions = {key: self._distribution(dimension) for key, dimension in space.space.items()}
        self.study = optuna.create_study(
            study_name=name,
            direction=space.metric.direction,
            pruner=self._pruner(),
            sampler=optuna.samplers.RandomSampler(seed=0),
        )
        self.asked: dict[int, optuna.Trial] = {}
        self._interrupted: list[tuple[int, dict[str, Any]]] = []
        for trial in sorted(trials, key=lambda trial: trial.number):
            self._replay(trial)

    def _replay(self, trial: Trial) -> None:
        """Repeat a trial of earlier: the pruners keep what they have compared with the trials of the study."""
        self.study.enqueue_trial({key: self._encode(key, trial.params[key]) for key in self.space.space})
        self.asked[trial.number] = self.study.ask(self.distributions)
        if trial.state == "running":
            self._interrupted.append((trial.number, trial.params))
            return
        for epoch, loss in trial.observed.items():
            self.should_prune(trial.number, epoch, loss)
        self.tell(trial)

    def ask(self) -> tuple[int, dict[str, Any]]:
        """Choose the next point.

        Returns:
            The number of the trial, counted from 1, and the value of each key of the space.
        """
        if self._interrupted:
            return self._interrupted.pop(0)
        # The sampler of a trial has a seed of its own: Optuna's would begin its sequence again when a sweep goes on.
        self.study.sampler = self._sampler(len(self.study.get_trials(deepcopy=False)))
        trial = self.study.ask(self.distributions)
        params = {key: self._decode(key, trial.params[key]) for key in self.space.space}
        self.asked[trial.number + 1] = trial
        return trial.number + 1, params

    def should_prune(self, number: int, epoch: int, loss: float) -> bool:
        """Take note of a validation loss, and return whether the training should end.

        Args:
            number: The number of the trial.
            epoch: The epoch, counted from 1.
            loss: The validation loss.
        """
        trial = self.asked[number]
        trial.report(self._signed(loss), epoch)
        return bool(trial.should_prune())

    def tell(self, trial: Trial) -> None:
        """Take note of the end of a trial."""
        state = self.optuna.trial.TrialState
        asked = self.asked.pop(trial.number)
        if trial.state == "finished":
            self.study.tell(asked, trial.value)
        else:
            self.study.tell(asked, state=state.PRUNED if trial.state == "pruned" else state.FAIL)

    def _sampler(self, number: int) -> "optuna.samplers.BaseSampler":
        wanted = self.space.sampler
        seed = int(np.random.SeedSequence([wanted.seed, number]).generate_state(1)[0])
        if isinstance(wanted, TpeSampler):
            return self.optuna.samplers.TPESampler(n_startup_trials=wanted.startup_trials, seed=seed)
        return self.optuna.samplers.RandomSampler(seed=seed)

    def _pruner(self) -> "optuna.pruners.BasePruner":
        wanted, pruners = self.space.pruner, self.optuna.pruners
        if isinstance(wanted, MedianPruner):
            return pruners.MedianPruner(
                n_startup_trials=wanted.startup_trials, n_warmup_steps=wanted.warmup_epochs + 1
            )  # counted from 0
        if isinstance(wanted, SuccessiveHalvingPruner):
            return pruners.SuccessiveHalvingPruner(
                min_resource=wanted.min_epochs, reduction_factor=wanted.reduction_factor
            )
        if isinstance(wanted, HyperbandPruner):
            return pruners.HyperbandPruner(
                min_resource=wanted.min_epochs,
                max_resource=wanted.max_epochs,
                reduction_factor=wanted.reduction_factor,
            )
        return pruners.NopPruner()

    def _distribution(self, dimension: Dimension) -> "optuna.distributions.BaseDistribution":
        kinds = self.optuna.distributions
        if isinstance(dimension, Choice):
            return kinds.CategoricalDistribution([json.dumps(value, sort_keys=True) for value in dimension.values])
        kind = kinds.FloatDistribution if isinstance(dimension, Float) else kinds.IntDistribution
        return kind(dimension.low, dimension.high, log=dimension.log, step=dimension.step)

    def _encode(self, key: str, value: Any) -> Any:
        """Return a value as Optuna has it: a choice is a text of JSON, since it may be a list or a mapping."""
        return json.dumps(value, sort_keys=True) if isinstance(self.space.space[key], Choice) else value

    def _decode(self, key: str, value: Any) -> Any:
        return json.loads(value) if isinstance(self.space.space[key], Choice) else value

    def _signed(self, loss: float) -> float:
        """Return a validation loss, which is better the smaller it is, so that it agrees with the direction."""
        return loss if self.space.metric.direction == "minimize" else -loss
