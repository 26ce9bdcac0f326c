"""The learning rate schedule: a factor of `training.learning_rate` for every batch."""

import math
from typing import Any

from unroll.params.training import Training


class Schedule:
    """`factor(batch, epoch)` is a pure function, except for `plateau`, which depends on the validation losses."""

    def __init__(self, params: Training, batches: int) -> None:
        """Set the settings and the number of batches planned for all epochs."""
        self.params, self.batches = params.schedule, batches
        self.scale, self.best, self.epochs_since_best = 1.0, math.inf, 0

    def factor(self, batch: int, epoch: int) -> float:
        """Return the factor for batch number `batch` of the training, in epoch number `epoch` (both from 0)."""
        params, share = self.params, batch / self.batches
        if params.kind == "cosine":
            return _half_cosine(0.0, 1.0, 1 - share)
        if params.kind == "onecycle":
            if share < params.warmup_fraction:
                return _half_cosine(params.initial_factor, 1.0, share / params.warmup_fraction)
            return _half_cosine(params.final_factor, 1.0, (1 - share) / (1 - params.warmup_fraction))
        if params.kind == "step":
            return params.factor ** max(0, epoch + 1 - params.constant_epochs)
        return self.scale

    def record_validation(self, loss: float) -> None:
        """Record the validation loss of an epoch, which `plateau` uses."""
        if self.params.kind != "plateau":
            return
        if loss < self.best:
            self.best, self.epochs_since_best = loss, 0
            return
        self.epochs_since_best += 1
        if self.epochs_since_best >= self.params.patience:
            self.scale, self.epochs_since_best = self.scale * self.params.factor, 0

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs."""
        return {"scale": self.scale, "best": self.best, "epochs_since_best": self.epochs_since_best}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.scale, self.best, self.epochs_since_best = state["scale"], state["best"], state["epochs_since_best"]


def _half_cosine(low: float, high: float, share: float) -> float:
    """Half a cosine from `low` (share 0) to `high` (share 1)."""
    return low + (high - low) * (1 - math.cos(math.pi * share)) / 2
