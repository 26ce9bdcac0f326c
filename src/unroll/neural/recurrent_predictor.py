"""Language models of recurrent layers, seen from inside: gradients of their states, and their gates."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unroll.neural import next_token
from unroll.neural.diagnostics import gate_activations, gradient_flow
from unroll.neural.recurrent import Recurrent
from unroll.partition import Ids
from unroll.text.vocabulary import BOS


class RecurrentPredictor(next_token.Predictor):
    """Satisfies LanguageModel and `unroll.evaluation.recurrence.Unrolled`."""

    def __init__(self, network: next_token.Network, layers: Recurrent, vocabulary_size: int) -> None:
        """`layers` are those of `network` that read forwards."""
        super().__init__(network, vocabulary_size)
        self.layers = layers

    def gradient_flow(self, contexts: Ids, targets: Ids) -> NDArray[np.float64]:
        wanted = next_token.as_tensor(targets)

        def loss(hidden: Tensor) -> Tensor:
            return self.network.softmax.negative_log_likelihood(hidden, wanted).sum()

        return gradient_flow(self.layers, self._embedded(contexts), loss)[:-1]  # not the state before <bos>

    def gate_activations(self, contexts: Ids) -> list[dict[str, NDArray[np.float32]]]:
        gates = gate_activations(self.layers, self._embedded(contexts))
        return [{name: values[:, 1:] for name, values in layer.items()} for layer in gates]  # not those of <bos>

    @torch.no_grad()
    def _embedded(self, contexts: Ids) -> Tensor:
        """(N, K) ids -> (N, 1 + K, D), `<bos>` first."""
        return self.network.embedding(nn.functional.pad(next_token.as_tensor(contexts), (1, 0), value=BOS))
