"""Early stopping: the weights of the best epoch are kept."""

import copy
import math

from torch import Tensor, nn


class EarlyStopping:
    """The lowest validation loss, its weights, and the number of epochs since."""

    def __init__(self) -> None:
        """Begin without a validation."""
        self.loss, self.epochs_since_best = math.inf, 0
        self.weights: dict[str, Tensor] = {}

    def update(self, loss: float, network: nn.Module) -> None:
        """Record the validation loss of an epoch, and copy the weights of `network` if it is the lowest."""
        self.epochs_since_best += 1
        if loss < self.loss:
            self.loss, self.epochs_since_best, self.weights = loss, 0, copy.deepcopy(network.state_dict())
