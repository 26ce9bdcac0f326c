"""Averages of the weights (Polyak and Juditsky 1992), which are validated and saved in place of the last weights."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from unroll.params.training import Averaging


class WeightAveraging:
    """The running average of the weights of a network."""

    def __init__(self, params: Averaging, parameters: Iterable[nn.Parameter]) -> None:
        """Set the kind of average and the weights, of which those that need no gradient are left out."""
        self.params = params
        self.parameters = [parameter for parameter in parameters if parameter.requires_grad]
        self.mean: list[Tensor] = []  # empty until averaging begins
        self.count = 0  # the number of steps in the mean
        self.losses: list[float] = []  # validation losses by epoch
        self.active = params.kind == "ema"

    @torch.no_grad()
    def update(self) -> None:
        """Add the weights to the average, after a step of the optimizer."""
        if not self.active:
            return
        if not self.mean:
            self.mean = [parameter.detach().clone() for parameter in self.parameters]
        share = 1 / (self.count + 1)  # of the new weights in a plain mean
        if self.params.kind == "ema":
            share = max(share, 1 - self.params.decay)
        for mean, parameter in zip(self.mean, self.parameters, strict=True):
            mean.lerp_(parameter, share)
        self.count += 1

    @torch.no_grad()
    def swap(self) -> None:
        """Swap the average and the weights of the network."""
        for mean, parameter in zip(self.mean, self.parameters, strict=bool(self.mean)):
            weights = parameter.detach().clone()
            parameter.copy_(mean)
            mean.copy_(weights)

    def record_validation(self, loss: float) -> None:
        """Record the validation loss of an epoch. NT-ASGD begins once it is worse than `interval` epochs ago."""
        if self.params.kind == "nt_asgd":
            before = self.losses[: -self.params.interval]
            self.active = self.active or (bool(before) and loss > min(before))
            self.losses.append(loss)

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs."""
        return {"mean": self.mean, "count": self.count, "losses": self.losses, "active": self.active}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.count, self.losses, self.active = state["count"], list(state["losses"]), state["active"]
        self.mean = [mean.to(p.device) for mean, p in zip(state["mean"], self.parameters, strict=bool(state["mean"]))]
