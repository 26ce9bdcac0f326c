"""What a training logs between two validations: the mean loss, the gradient norms and the spectral radii."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from unroll.errors import UnrollError
from unroll.layers.diagnostics import largest_radii
from unroll.params.training import Clip, Training
from unroll.training.ranks.process_group import Group

RADII = 20
"""The maximum number of times that a training measures its spectral radii."""


class Measurements:
    """The losses and the gradient norms since the last summary. They stay on their device until then."""

    def __init__(self, params: Training, network: nn.Module, batches: int, group: Group) -> None:
        """Set the settings of the training, the network, the number of batches of all epochs, and the ranks."""
        self.params, self.network, self.batches, self.group = params, network, batches, group
        self.losses: list[Tensor] = []
        self.counts: list[Tensor] = []
        self.norms: list[tuple[Tensor, Tensor]] = []

    def add_loss(self, loss: Tensor, count: Tensor) -> None:
        """Add the mean loss of a batch in nats, to which those of several ranks add up, and its number of tokens."""
        self.losses.append(loss.detach())
        self.counts.append(count)

    def add_norms(self, norms: tuple[Tensor, Tensor]) -> None:
        """Add the norms of the gradients of a step before and after clipping."""
        self.norms.append(norms)

    def summarize(self, batches_done: int) -> tuple[float, dict[str, float]]:
        """Compute the means since the last summary, and begin again. This waits for a GPU.

        Args:
            batches_done: The number of batches done in all epochs.

        Returns:
            The mean training loss in nats over the batches that have tokens to predict, NaN if there are none; and the
            other values by name: mean gradient norms, if there was a step, and in at most `RADII` summaries of a
            training the spectral radii.

        Raises:
            UnrollError: A loss is not finite.
        """
        losses = self.group.add(torch.stack(self.losses)).double().cpu()
        norms = [torch.stack(column).double().mean().item() for column in zip(*self.norms, strict=True)]
        counted = torch.stack(self.counts).cpu() > 0
        self.losses, self.counts, self.norms = [], [], []
        before = batches_done - len(losses)
        if not losses.isfinite().all():
            step = before + 1 + int((~losses.isfinite()).nonzero()[0])
            raise self._not_finite("training loss", f"at step {step}")
        values = dict(zip(("gradient_norm", "gradient_norm_clipped"), norms, strict=False))
        if RADII * batches_done // self.batches > RADII * before // self.batches:
            values |= largest_radii(self.network)
        return float(losses[counted].mean()), values

    def validation_loss(self, nats: Tensor, count: Tensor, epoch: int) -> float:
        """Compute the validation loss of an epoch in nats.

        Args:
            nats: The sum over all tokens of the valid split.
            count: Their number.
            epoch: The number of the epoch, from 0.

        Raises:
            UnrollError: The loss is not finite, so it could select no weights.
        """
        loss = float(nats / count)
        if not math.isfinite(loss):
            raise self._not_finite("validation loss", f"after epoch {epoch + 1}")
        return loss

    def _not_finite(self, loss: str, when: str) -> UnrollError:
        return UnrollError(
            f"the {loss} is not finite {when}; lower training.learning_rate "
            f"(it is {self.params.learning_rate:g}){_advice_on_clipping(self.params.clip)}"
        )

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs."""
        return {"losses": self.losses, "counts": self.counts, "norms": self.norms}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.losses, self.counts, self.norms = state["losses"], state["counts"], state["norms"]


def _advice_on_clipping(clip: Clip) -> str:
    """Return the end of the error for a loss that is not finite."""
    match clip.kind:
        case "norm":
            return f" or training.clip.max_norm (it is {clip.max_norm:g})"
        case "value":
            return f" or training.clip.max_value (it is {clip.max_value:g})"
    return ""
