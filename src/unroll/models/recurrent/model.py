"""Recurrent language models (Mikolov et al. 2010): simple recurrent networks, GRU, LSTM, minGRU and minLSTM.

    h_t = cell(E x_t, h_{t-1}),  p(x_{t+1} | x_1..x_t) = softmax(W h_t + b)

With attention to their past (`unroll.layers.past_attention`) the softmax reads o_t instead of h_t. They are trained on
subsequences by truncated backpropagation through time, and scored document by document from a zero state, whatever the
batching of the training was.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unroll.layers import softmax
from unroll.layers.activation_regularization import regularized_loss
from unroll.layers.dropout import embed
from unroll.layers.network import LanguageModelNetwork, as_tensor, build_embedding
from unroll.layers.past_attention import PastAttention
from unroll.layers.recurrent import Recurrent, State, detach
from unroll.models.base.neural_language_model import RecurrentLanguageModel
from unroll.models.recurrent.params import RecurrentParams
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.vocabulary import BOS
from unroll.training.task import LanguageModelTask


class Network(LanguageModelNetwork):
    """Embedding -> recurrent layers -> optionally attention to their past -> softmax."""

    def __init__(self, params: RecurrentParams, vocabulary_size: int) -> None:
        """Build the network with initial weights drawn from torch's global generator."""
        super().__init__()
        self.embedding = build_embedding(vocabulary_size, params.embedding_size)
        width, sizes = self.embedding.embedding_dim, (params.hidden_size, params.layers)
        self.recurrent = Recurrent(params.cell, width, *sizes, params.dropout, params.residual)
        self.embedding_dropout = params.dropout.embedding
        tied, size = self.token_vectors if params.tie_weights else None, self.recurrent.hidden_size
        self.softmax = softmax.build(params.softmax, size, vocabulary_size, tied)
        self.attention = PastAttention(params.attention, size) if params.attention.kind != "none" else None

    @property
    def input_weight(self) -> Tensor:
        """The weights (N, V) of all gates that read one-hot inputs."""
        return self.recurrent.input_weight

    def start(self, batch_size: int) -> State:
        """Return the state of `batch_size` rows: zeros, and with attention an empty past."""
        return self.recurrent.start(batch_size) + (self.attention.start(batch_size) if self.attention else ())

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read tokens (B, T); return hidden vectors (B, T, H) and the state after the last token."""
        raw, after = self.unroll(tokens, state)
        return self.recurrent.output_dropout(raw).transpose(0, 1), after

    def unroll(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read tokens (B, T); return the outputs (T, B, H) before output dropout, and the state after them."""
        if self.attention is None:
            return self._read(tokens, state)
        outputs, after = self._read(tokens, state[:-2])
        attended, _, past = self.attention(outputs.transpose(0, 1), tokens == BOS, state[-2:])
        return attended.transpose(0, 1), (*after, *past)

    def _read(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the outputs (T, B, H) of the recurrent layers for tokens (B, T), and their state."""
        rate = self.embedding_dropout if self.training else 0.0
        return self.recurrent.unroll(embed(self.embedding, tokens.t(), rate), state)

    def attend(self, tokens: Tensor) -> Tensor | None:
        """Return the attention weights (B, T, T) of documents (B, T) that begin with `<bos>`; None without attention.

        Row t has the weights of the states before that of token t.
        """
        if self.attention is None:
            return None
        outputs, _ = self._read(tokens, self.recurrent.start(len(tokens)))
        return self.attention(outputs.transpose(0, 1), tokens == BOS, self.attention.start(len(tokens)))[1]


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
    """A recurrent language model. It also satisfies PastAttentionModel."""

    settings = RecurrentParams
    network_type = Network

    @classmethod
    def task(cls, network: Any, params: Any, data: Data) -> LanguageModelTask:
        """Return next-token prediction with activation regularization."""
        return Task(network, params, data)

    def last_hidden(self, outputs: Sequence[Tensor]) -> Tensor:
        """Return the input of the softmax (B, H) after the last of the outputs (B, H) of a document."""
        if (attention := self.network.attention) is None:
            return outputs[-1]
        hidden = torch.stack([*outputs], dim=1)  # (B, T, H)
        within = torch.zeros(hidden.shape[:2], dtype=torch.bool)
        return attention(hidden, within, attention.start(len(hidden)))[0][:, -1]

    @torch.inference_mode()
    def past_attention(self, document: Ids) -> NDArray[np.float32] | None:
        """Return the attention to earlier states behind every prediction of a document; see PastAttentionModel."""
        weights = self.network.attend(as_tensor(np.append(BOS, document[:-1]))[None])
        return None if weights is None else weights[0].numpy()


fit, load = Model.fit, Model.load
