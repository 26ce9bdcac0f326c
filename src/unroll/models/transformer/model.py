"""Causal transformer language models: Radford et al. (2019); Bishop and Bishop (2023), chapter 12.

    h_t = transformer(E x_1, .., E x_t),  p(x_{t+1} | x_1..x_t) = softmax(W h_t + b)

The transformer (Vaswani et al. 2017) has layer norms before the sublayers (Radford et al. 2019), rotary position
embeddings (Su et al. 2021), and attention to the last n = `context` positions in every layer (Dai et al. 2019; Child et
al. 2019), so L layers reach L (n - 1) tokens back.

Position t of a layer attends to its positions t-n+1 .. t and depends on their distances to t, not on their absolute
positions. So the state holds the keys and values of the last n - 1 positions of each layer, and reading a text token by
token, in pieces or whole gives the same outputs.
"""

import torch
from torch import Tensor, nn

from unroll.layers import softmax
from unroll.layers.network import LanguageModelNetwork
from unroll.layers.recurrent import State
from unroll.layers.transformer.block import STANDARD_DEVIATION, Block, initialize
from unroll.models.base.neural_language_model import NeuralLanguageModel
from unroll.models.transformer.params import TransformerParams
from unroll.text.tokenizers.vocabulary import BOS


class Transformer(nn.Module):
    """Transformer layers and a final norm: (B, T, H) -> (B, T, H).

    The state consists of the keys and values (B, h, P, d) of each layer for the last P <= n - 1 positions, and of
    booleans (B, P): which of these positions belong to the document that is being read.
    """

    def __init__(self, size: int, layers: int, heads: int, feedforward_size: int, context: int, dropout: float) -> None:
        """Build the network.

        Args:
            size: The size of the vectors, H.
            layers: The number of layers.
            heads: The number of attention heads of each layer, h.
            feedforward_size: The size of the hidden layer of the feedforward networks.
            context: The number of positions that each layer attends to, n.
            dropout: The dropout rate for the inputs and for the outputs of all sublayers.
        """
        super().__init__()
        self.size, self.heads, self.context = size, heads, context
        self.blocks = nn.ModuleList(Block(size, heads, feedforward_size, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(size)
        self.dropout = nn.Dropout(dropout)
        initialize(self, layers)

    def start(self, batch_size: int) -> State:
        """Return the state of `batch_size` rows that have read nothing."""
        weight = self.norm.weight
        empty = weight.new_zeros(batch_size, self.heads, 0, self.size // self.heads)
        return (*[empty] * (2 * len(self.blocks)), weight.new_zeros(batch_size, 0, dtype=torch.bool))

    def forward(self, x: Tensor, is_begin: Tensor, state: State) -> tuple[Tensor, State]:
        """Read vectors.

        Args:
            x: Vectors (B, T, H).
            is_begin: Whether a document begins at a position (B, T).
            state: The state before the first position.

        Returns:
            The outputs (B, T, H), and the state after the last position.
        """
        *memory, is_same_document = state
        mask, is_same_document = self._mask(is_begin, is_same_document)
        keep = slice(max(0, mask.shape[2] - (self.context - 1)), None)
        x, after = self.dropout(x), []
        for index, block in enumerate(self.blocks):
            x, (keys, values) = block(x, (memory[2 * index], memory[2 * index + 1]), mask)
            after += [keys[:, :, keep], values[:, :, keep]]
        return self.norm(x), (*after, is_same_document[:, keep])

    def _mask(self, is_begin: Tensor, is_same_document: Tensor) -> tuple[Tensor, Tensor]:
        """Compute which positions each position attends to.

        Args:
            is_begin: Whether a document begins at a position (B, T).
            is_same_document: Which of the P positions before belong to the document that is being read (B, P).

        Returns:
            The mask (B, T, P + T): positions of the same document that are not later and fewer than n positions back;
            and which positions belong to the document of the last one (B, P + T).
        """
        document = is_begin.cumsum(1)  # (B, T), 0 is the document that was being read
        past_mask = is_same_document[:, None] & (document == 0)[:, :, None]  # (B, T, P)
        same = torch.cat([past_mask, document[:, :, None] == document[:, None]], dim=2)  # (B, T, P + T)
        past, now = is_same_document.shape[1], is_begin.shape[1]
        position = torch.arange(past + now, device=is_begin.device)
        distance = position[past:, None] - position  # (T, P + T)
        return same & (distance >= 0) & (distance < self.context), same[:, -1]


class Network(LanguageModelNetwork):
    """Embedding -> transformer -> softmax."""

    def __init__(self, params: TransformerParams, vocabulary_size: int) -> None:
        """Build the network with initial weights drawn from torch's global generator."""
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, params.hidden_size)
        nn.init.normal_(self.embedding.weight, 0, STANDARD_DEVIATION)
        self.transformer = Transformer(
            params.hidden_size, params.layers, params.heads, params.feedforward_size, params.context, params.dropout
        )
        tied = self.embedding.weight if params.tie_weights else None
        self.softmax = softmax.build(params.softmax, params.hidden_size, vocabulary_size, tied)

    def start(self, batch_size: int) -> State:
        """Return the state of `batch_size` rows that have read nothing."""
        return self.transformer.start(batch_size)

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read tokens (B, T); return hidden vectors (B, T, H) and the state after the last token."""
        return self.transformer(self.embedding(tokens), tokens == BOS, state)


class Model(NeuralLanguageModel):
    """A causal transformer language model."""

    settings = TransformerParams
    network_type = Network


fit, load = Model.fit, Model.load
