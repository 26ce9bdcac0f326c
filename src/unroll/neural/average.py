"""Running means of the weights (Polyak and Juditsky 1992), which are validated and kept in place of the last ones."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from unroll.params.models.training import Average as Params


class Average:
    def __init__(self, params: Params, parameters: Iterable[nn.Parameter]) -> None:
        self.params = params
        self.parameters = [parameter for parameter in parameters if parameter.requires_grad]
        self.mean: list[Tensor] = []  # empty until averaging begins
        self.count = 0  # steps in the mean
        self.losses: list[float] = []  # of validation, by epoch
        self.active = params.kind == "exponential"

    @torch.no_grad()
    def stepped(self) -> None:
        """After a step of the optimizer: take the weights into the mean."""
        if not self.active:
            return
        if not self.mean:
            self.mean = [parameter.detach().clone() for parameter in self.parameters]
        share = 1 / (self.count + 1)  # of the new weights in a plain mean
        if self.params.kind == "exponential":
            share = max(share, 1 - self.params.decay)
        for mean, parameter in zip(self.mean, self.parameters, strict=True):
            mean.lerp_(parameter, share)
        self.count += 1

    @torch.no_grad()
    def exchange(self) -> None:
        """Put the mean into the network and keep the trained weights, or the other way round."""
        for mean, parameter in zip(self.mean, self.parameters, strict=bool(self.mean)):
            kept = parameter.detach().clone()
            parameter.copy_(mean)
            mean.copy_(kept)

    def validated(self, loss: float) -> None:
        """After an epoch: non-monotonic averaging begins once the loss is no better than `interval` epochs ago."""
        if self.params.kind == "non_monotonic":
            before = self.losses[: -self.params.interval]
            self.active = self.active or (bool(before) and loss > min(before))
            self.losses.append(loss)

    def state(self) -> dict[str, Any]:
        """What `restore` needs to go on."""
        return {"mean": self.mean, "count": self.count, "losses": self.losses, "active": self.active}

    def restore(self, state: dict[str, Any]) -> None:
        self.count, self.losses, self.active = state["count"], list(state["losses"]), state["active"]
        self.mean = [mean.to(p.device) for mean, p in zip(state["mean"], self.parameters, strict=bool(state["mean"]))]
