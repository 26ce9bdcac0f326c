"""Causal transformer language models: Radford et al. (2019); Bishop and Bishop (2023), chapter 12.

    h_t = transformer(E x_1, .., E x_t),  p(x_{t+1} | x_1..x_t) = softmax(W h_t + b)

The transformer (Vaswani et al. 2017) has layer norms before the sublayers (Radford et al. 2019), rotary position
embeddings (Su et al. 2021), and attention to the last n = `context` positions in every layer (Dai et al. 2019; Child et
al. 2019), so L layers reach L (n - 1) tokens back.

Position t of a layer attends to its positions t-n+1 .. t and depends on their distances to t, not on their absolute
positions. So the state holds the keys and values of the last n - 1 positions of each layer, and reading a text token by
token, in pieces or whole gives the same outputs.
"""

from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from unroll.arithmetic.threads import is_portable
from unroll.layers import softmax
from unroll.layers.network import LanguageModelNetwork
from unroll.layers.recurrent import State
from unroll.models.base.neural_language_model import NeuralLanguageModel
from unroll.models.transformer.params import TransformerParams
from unroll.text.tokenizers.vocabulary import BOS

BASE = 10_000.0
"""The base of the wavelengths of the rotary embeddings, as in the paper."""
STANDARD_DEVIATION = 0.02
"""The standard deviation of initial weights, as in GPT-2 (Radford et al. 2019)."""


def rotate(vectors: Tensor, first: int, frequencies: Tensor) -> Tensor:
    """Apply rotary position embeddings. The product of two rotated vectors depends on their distance only.

    Args:
        vectors: Vectors (..., S, d) of S positions.
        first: The position of the first vector.
        frequencies: The angle per position of each pair of coordinates (d/2,).

    Returns:
        (..., S, d): in vector s, each pair of coordinates (i, i + d/2) is rotated by (first + s) frequencies[i].
    """
    positions = torch.arange(first, first + vectors.shape[-2], device=vectors.device)
    angles = positions[:, None] * frequencies  # (S, d/2)
    cos, sin = angles.cos().to(vectors.dtype), angles.sin().to(vectors.dtype)
    x, y = vectors.chunk(2, dim=-1)
    return torch.cat([x * cos - y * sin, x * sin + y * cos], dim=-1)


class Attention(nn.Module):
    """Multi-head attention: softmax(Q K^T / sqrt(d)) V in each of h heads of size d = H / h."""

    frequencies: Tensor

    def __init__(self, size: int, heads: int) -> None:
        """Build the layer for vectors of this size, H, and this number of heads, h."""
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(size, 3 * size)
        self.out = nn.Linear(size, size)
        exponents = torch.arange(0, size // heads, 2) / (size // heads)
        self.register_buffer("frequencies", BASE**-exponents, persistent=False)  # (d/2,)

    def forward(self, x: Tensor, past: State, mask: Tensor) -> tuple[Tensor, State]:
        """Attend to positions.

        Args:
            x: Vectors (B, T, H) of T positions.
            past: Keys and values (B, h, P, d) of the P positions before them.
            mask: Which of the P + T positions each position attends to (B, T, P + T).

        Returns:
            The outputs (B, T, H), and the keys and values (B, h, P + T, d) of all positions.
        """
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        k, v = torch.cat([past[0], k], dim=2), torch.cat([past[1], v], dim=2)  # (B, h, P + T, d)
        # Keys are kept without rotation, and positions are counted from the oldest key, so that angles stay small and
        # exact in a text of any length.
        rotated = rotate(q, past[0].shape[2], self.frequencies), rotate(k, 0, self.frequencies)
        # Other kernels of torch do their products by MKL, which portable arithmetic avoids.
        with sdpa_kernel(SDPBackend.MATH) if is_portable() else nullcontext():
            heads = F.scaled_dot_product_attention(*rotated, v, attn_mask=mask[:, None])  # (B, h, T, d)
        return self.out(heads.transpose(1, 2).flatten(2)), (k, v)


class Block(nn.Module):
    """A transformer layer: x + attention(norm(x)), then x + feedforward(norm(x))."""

    def __init__(self, size: int, heads: int, feedforward_size: int, dropout: float) -> None:
        """Build the layer.

        Args:
            size: The size of the vectors, H.
            heads: The number of attention heads.
            feedforward_size: The size of the hidden layer of the feedforward network.
            dropout: The dropout rate for the outputs of both sublayers.
        """
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.attention = Attention(size, heads)
        self.inner, self.out = nn.Linear(size, feedforward_size), nn.Linear(feedforward_size, size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, past: State, mask: Tensor) -> tuple[Tensor, State]:
        """Compute the outputs (B, T, H) and all keys and values; the arguments are those of `Attention.forward`."""
        attended, keys_and_values = self.attention(self.norm1(x), past, mask)
        x = x + self.dropout(attended)
        return x + self.dropout(self.out(F.gelu(self.inner(self.norm2(x))))), keys_and_values


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
        for name, parameter in self.named_parameters():
            if name.endswith(".bias"):
                nn.init.zeros_(parameter)
            elif "norm" not in name:  # the sum of the outputs of all sublayers has the same scale for any depth
                nn.init.normal_(parameter, 0, STANDARD_DEVIATION / (2 * layers) ** (0.5 * name.endswith("out.weight")))

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
