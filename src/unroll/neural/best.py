"""Early stopping: the weights of the best epoch."""

import copy
import math

from torch import Tensor, nn


class Best:
    """The lowest validation loss, the weights it was measured with, and the epochs since."""

    def __init__(self) -> None:
        self.loss, self.waited = math.inf, 0
        self.weights: dict[str, Tensor] = {}

    def validated(self, loss: float, network: nn.Module) -> None:
        self.waited += 1
        if loss < self.loss:
            self.loss, self.waited, self.weights = loss, 0, copy.deepcopy(network.state_dict())
