"""Causal transformer language models: Vaswani et al. (2017), Radford et al. (2019); notes "Transformers-2", Bishop and
Bishop (2023), chapter 12.

h_t = transformer(E x_1, .., E x_t), p(x_{t+1} | x_1..x_t) = softmax(W h_t + b). Every layer attends to the last n =
`context` positions of the document, so L layers see L (n - 1) tokens back. The state holds keys and values of the last
n - 1 positions of each layer. `unroll.neural.transformer` says why a text longer than the context is nothing special.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from unroll.models import storage
from unroll.neural import next_token, softmax
from unroll.neural.initial import Initial
from unroll.neural.recurrent import State
from unroll.neural.transformer import STANDARD_DEVIATION, Transformer
from unroll.params.models import TransformerParams
from unroll.partition import Data
from unroll.text.vocabulary import BOS


class Network(next_token.Network):
    """Embedding -> transformer -> softmax."""

    def __init__(self, params: TransformerParams, vocabulary_size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, params.hidden_size)
        nn.init.normal_(self.embedding.weight, 0, STANDARD_DEVIATION)
        self.transformer = Transformer(
            params.hidden_size, params.layers, params.heads, params.feedforward_size, params.context, params.dropout
        )
        tied = self.embedding.weight if params.tie_weights else None
        self.softmax = softmax.build(params.softmax, params.hidden_size, vocabulary_size, tied)

    def start(self, batch_size: int) -> State:
        return self.transformer.start(batch_size)

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        return self.transformer(self.embedding(tokens), tokens == BOS, state)


class Model(next_token.Predictor):
    def __init__(self, params: TransformerParams, vocabulary_size: int, network: Network) -> None:
        super().__init__(network, vocabulary_size)
        self.params = params

    def save(self, path: Path) -> None:
        described = {"params": self.params.model_dump(), "vocabulary_size": self.vocabulary_size}
        storage.write(path, described, next_token.weights(self.network))


def fit(params: TransformerParams, data: Data, report: Callable[..., None], initial: Initial | None = None) -> Model:
    """Train on data.train, stopping early on data.valid. Deterministic in data.seed.

    The embedding begins from `initial`, if given."""
    torch.manual_seed(data.seed)
    network = Network(params, data.vocabulary_size)
    task = next_token.Task(network, params.order, params.training.batch_size, data)
    next_token.train(task, params.training, report, initial)
    return Model(params, data.vocabulary_size, network)


def load(path: Path) -> Model:
    """The model `Model.save` wrote."""
    saved = storage.read_params(path)
    params = TransformerParams.model_validate(saved["params"])
    network = Network(params, saved["vocabulary_size"])
    next_token.restore(network, storage.read_weights(path))
    return Model(params, saved["vocabulary_size"], network)
