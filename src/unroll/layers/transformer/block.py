"""Transformer layers (Vaswani et al. 2017) with rotary position embeddings, and layer norms before the sublayers."""

from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from unroll.arithmetic.threads import is_portable
from unroll.layers.recurrent import State

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


def initialize(layers: nn.Module, depth: int) -> None:
    """Draw the initial weights of a stack of layers from torch's global generator, as GPT-2 does.

    Args:
        layers: The layers, with the names of their parameters as in `Block`.
        depth: The number of layers. The sum of the outputs of all sublayers has the same scale for any depth.
    """
    for name, parameter in layers.named_parameters():
        if name.endswith(".bias"):
            nn.init.zeros_(parameter)
        elif "norm" not in name:
            nn.init.normal_(parameter, 0, STANDARD_DEVIATION / (2 * depth) ** (0.5 * name.endswith("out.weight")))
