"""The learning rate over the run: a factor of `training.learning_rate` for every batch."""

import math
from typing import Any

from unroll.params.models.training import Training


class Schedule:
    """`factor(batch, epoch)` is a pure function, but for `plateau`, which looks at the validation losses."""

    def __init__(self, params: Training, batches: int) -> None:
        """`batches` is the number planned for all epochs."""
        self.params, self.batches = params.schedule, batches
        self.scale, self.best, self.waited = 1.0, math.inf, 0

    def factor(self, batch: int, epoch: int) -> float:
        """Before batch number `batch` of the run (from 0), which is of epoch `epoch` (from 0)."""
        params, share = self.params, batch / self.batches
        if params.kind == "cosine":
            return _half_cosine(0.0, 1.0, 1 - share)
        if params.kind == "onecycle":
            if share < params.rise:
                return _half_cosine(params.start, 1.0, share / params.rise)
            return _half_cosine(params.end, 1.0, (1 - share) / (1 - params.rise))
        if params.kind == "step":
            return params.factor ** max(0, epoch + 1 - params.hold)
        return self.scale

    def validated(self, loss: float) -> None:
        """Tell the validation loss of an epoch."""
        if self.params.kind != "plateau":
            return
        if loss < self.best:
            self.best, self.waited = loss, 0
            return
        self.waited += 1
        if self.waited >= self.params.patience:
            self.scale, self.waited = self.scale * self.params.factor, 0

    def state(self) -> dict[str, Any]:
        """What `restore` needs to go on."""
        return {"scale": self.scale, "best": self.best, "waited": self.waited}

    def restore(self, state: dict[str, Any]) -> None:
        self.scale, self.best, self.waited = state["scale"], state["best"], state["waited"]


def _half_cosine(low: float, high: float, share: float) -> float:
    """From `low` (share 0) to `high` (share 1)."""
    return low + (high - low) * (1 - math.cos(math.pi * share)) / 2
