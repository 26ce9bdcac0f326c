"""Recurrent language models: simple networks (Elman 1990), GRU, LSTM, minGRU and minLSTM.

h_t = cell(E x_t, h_{t-1}), p(x_{t+1} | x_1..x_t) = softmax(W h_t + b); Mikolov et al. (2010); notes "RNN language
model" and "Recurrent Neural Networks" (Qin), section 3. Trained on subsequences by truncated backpropagation through
time; scored document by document from a zero state, whatever the training order was.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unroll.models import storage
from unroll.neural import next_token, softmax
from unroll.neural.activation_penalty import penalised
from unroll.neural.embedding_dropout import embed
from unroll.neural.initial import Initial
from unroll.neural.recurrent import Recurrent, State, detach
from unroll.neural.recurrent_predictor import RecurrentPredictor
from unroll.params.models import RecurrentParams
from unroll.partition import Data


class Network(next_token.Network):
    """Embedding -> recurrent layers -> softmax."""

    def __init__(self, params: RecurrentParams, vocabulary_size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, params.embedding_size)
        nn.init.uniform_(self.embedding.weight, -(params.embedding_size**-0.5), params.embedding_size**-0.5)
        self.recurrent = Recurrent(
            params.cell, params.embedding_size, params.sizes, params.layers, params.dropout, params.residual
        )
        self.embedding_dropout = params.dropout.embedding
        tied = self.embedding.weight if params.tie_weights else None
        self.softmax = softmax.build(params.softmax, params.sizes[-1], vocabulary_size, tied)

    def start(self, batch_size: int) -> State:
        return self.recurrent.start(batch_size)

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        raw, after = self.unroll(tokens, state)
        return self.recurrent.after(raw).transpose(0, 1), after

    def unroll(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, T) ids -> outputs (T, B, H) of the last layer, before its dropout, and the state after the last."""
        rate = self.embedding_dropout if self.training else 0.0
        return self.recurrent.unroll(embed(self.embedding, tokens.t(), rate), state)


class Task(next_token.Task):
    """With the activation penalty."""

    network: Network

    def __init__(self, network: Network, params: RecurrentParams, data: Data) -> None:
        super().__init__(network, params.order, params.training.batch_size, data)
        self.penalty = params.activation_penalty

    def loss(self, batch: tuple[Tensor, Tensor], state: State | None) -> tuple[Tensor, Tensor, State | None]:
        tokens, targets = batch  # (B, T), (B, T)
        raw, after = self.network.unroll(tokens, state or self.network.start(len(tokens)))
        nats, count = penalised(self.network.recurrent, self.network.softmax, raw, targets, self.penalty)
        return nats, count, detach(after) if self.carry else None


class Model(RecurrentPredictor):
    def __init__(self, params: RecurrentParams, vocabulary_size: int, network: Network) -> None:
        super().__init__(network, network.recurrent, vocabulary_size)
        self.params = params

    def save(self, path: Path) -> None:
        described = {"params": self.params.model_dump(), "vocabulary_size": self.vocabulary_size}
        storage.write(path, described, next_token.weights(self.network))


def fit(params: RecurrentParams, data: Data, report: Callable[..., None], initial: Initial | None = None) -> Model:
    """Train on data.train, stopping early on data.valid. Deterministic in data.seed.

    The embedding begins from `initial`, if given."""
    torch.manual_seed(data.seed)
    network = Network(params, data.vocabulary_size)
    next_token.train(Task(network, params, data), params.training, report, initial)
    return Model(params, data.vocabulary_size, network)


def load(path: Path) -> Model:
    """The model `Model.save` wrote."""
    saved: dict[str, Any] = storage.read_params(path)
    params = RecurrentParams.model_validate(saved["params"])
    network = Network(params, saved["vocabulary_size"])
    next_token.restore(network, storage.read_weights(path))
    return Model(params, saved["vocabulary_size"], network)
