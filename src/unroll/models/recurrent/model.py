"""Recurrent language models (Mikolov et al. 2010): simple recurrent networks, GRU, LSTM, minGRU and minLSTM.

    h_t = cell(E x_t, h_{t-1}),  p(x_{t+1} | x_1..x_t) = softmax(W h_t + b)

They are trained on subsequences by truncated backpropagation through time, and scored document by document from a zero
state, whatever the batching of the training was.
"""

from typing import Any

from torch import Tensor

from unroll.layers import softmax
from unroll.layers.activation_regularization import regularized_loss
from unroll.layers.dropout import embed
from unroll.layers.network import LanguageModelNetwork, uniform_embedding
from unroll.layers.recurrent import Recurrent, State, detach
from unroll.models.base.neural_language_model import RecurrentLanguageModel
from unroll.models.recurrent.params import RecurrentParams
from unroll.text.streams import Data
from unroll.training.task import LanguageModelTask


class Network(LanguageModelNetwork):
    """Embedding -> recurrent layers -> softmax."""

    def __init__(self, params: RecurrentParams, vocabulary_size: int) -> None:
        """Build the network with initial weights drawn from torch's global generator."""
        super().__init__()
        self.embedding = uniform_embedding(vocabulary_size, params.embedding_size)
        self.recurrent = Recurrent(
            params.cell, params.embedding_size, params.hidden_size, params.layers, params.dropout, params.residual
        )
        self.embedding_dropout = params.dropout.embedding
        tied = self.embedding.weight if params.tie_weights else None
        self.softmax = softmax.build(params.softmax, self.recurrent.hidden_size, vocabulary_size, tied)

    def start(self, batch_size: int) -> State:
        """Return the zero state of `batch_size` rows."""
        return self.recurrent.start(batch_size)

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read tokens (B, T); return hidden vectors (B, T, H) and the state after the last token."""
        raw, after = self.unroll(tokens, state)
        return self.recurrent.output_dropout(raw).transpose(0, 1), after

    def unroll(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read tokens (B, T); return the outputs (T, B, H) before output dropout, and the state after them."""
        rate = self.embedding_dropout if self.training else 0.0
        return self.recurrent.unroll(embed(self.embedding, tokens.t(), rate), state)


class Task(LanguageModelTask):
    """Next-token prediction with activation regularization."""

    network: Network

    def __init__(self, network: Network, params: RecurrentParams, data: Data) -> None:
        """Set the network, its settings and the data."""
        super().__init__(network, params.batching, params.training.batch_size, data)
        self.regularization = params.activation_regularization

    def loss(self, batch: tuple[Tensor, Tensor], state: State | None) -> tuple[Tensor, Tensor, State | None]:
        """Compute the summed loss in nats, the number of counted tokens, and the state for the next batch."""
        tokens, targets = batch  # (B, T), (B, T)
        raw, after = self.network.unroll(tokens, state or self.network.start(len(tokens)))
        nats, count = regularized_loss(self.network.recurrent, self.network.softmax, raw, targets, self.regularization)
        return nats, count, detach(after) if self.carry else None


class Model(RecurrentLanguageModel):
    """A recurrent language model."""

    settings = RecurrentParams
    network_type = Network

    @classmethod
    def task(cls, network: Any, params: Any, data: Data) -> LanguageModelTask:
        """Return next-token prediction with activation regularization."""
        return Task(network, params, data)


fit, load = Model.fit, Model.load
