"""The base of language models with recurrent layers: gradients of their states, and activations of their gates."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unroll.layers.diagnostics import gate_activations, gradient_flow
from unroll.layers.network import as_tensor
from unroll.layers.recurrent import Recurrent
from unroll.models.base.neural_language_model import NeuralLanguageModel
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import BOS


class RecurrentLanguageModel(NeuralLanguageModel):
    """A recurrent network as a language model. It also satisfies UnrolledModel."""

    network: Any

    @property
    def layers(self) -> Recurrent:
        """The layers that read from left to right."""
        return self.network.recurrent

    def gradient_flow(self, contexts: Ids, targets: Ids) -> NDArray[np.float64]:
        """Return the norm of d -log p(target) / d state k tokens before it, for k = 0 .. K (K + 1,)."""
        target_ids = as_tensor(targets)

        def loss(hidden: Tensor) -> Tensor:
            return self.network.softmax.negative_log_likelihood(hidden, target_ids).sum()

        return gradient_flow(self.layers, self._embed(contexts), loss)[:-1]  # without the state before <bos>

    def gate_activations(self, contexts: Ids) -> list[dict[str, NDArray[np.float32]]]:
        """Return the gates of each layer by name, (N, K, H) in [0, 1]."""
        gates = gate_activations(self.layers, self._embed(contexts))
        return [{name: values[:, 1:] for name, values in layer.items()} for layer in gates]  # without those of <bos>

    @torch.no_grad()
    def _embed(self, contexts: Ids) -> Tensor:
        """Return the embeddings (N, 1 + K, E) of contexts (N, K), with `<bos>` before each."""
        return self.network.embedding(nn.functional.pad(as_tensor(contexts), (1, 0), value=BOS))
