"""Attention of queries to values (Luong, Pham and Manning 2015; Bahdanau, Cho and Bengio 2015).

a_ms = softmax_s(score(h_m, v_s))      c_m = sum_s a_ms v_s      for queries h_m and values v_s, where

dot        score(h, v) = h^T v                    Luong et al., equation 8
general    score(h, v) = h^T W v                  Luong et al., equation 8
additive   score(h, v) = u^T tanh(W h + U v)      Bahdanau et al., appendix A.1.2
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

ELEMENTS = 1 << 23
"""The number of elements that additive attention computes together. It bounds memory and changes no value."""


class Memory(NamedTuple):
    """The outputs of an encoder with their keys, which are computed once for all steps of a decoder."""

    values: Tensor
    """The outputs of the encoder (B, S, H)."""
    keys: Tensor
    """(B, S, H)."""
    mask: Tensor | None
    """(B, S), False at padding; None if no source is padded."""

    def select(self, rows: Tensor) -> "Memory":
        """Return the memory whose row i is row rows[i]; `rows` is (B',)."""
        mask = None if self.mask is None else self.mask.index_select(0, rows)
        return Memory(self.values.index_select(0, rows), self.keys.index_select(0, rows), mask)


class Attention(nn.Module):
    """The base of all kinds of attention."""

    def keys(self, values: Tensor) -> Tensor:
        """Return what queries are compared with, (B, S, H), for values (B, S, H)."""
        raise NotImplementedError

    def score(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Return the scores (B, T, S) of queries (B, T, H) and keys (B, S, H)."""
        raise NotImplementedError

    def memory(self, values: Tensor, mask: Tensor | None = None) -> Memory:
        """Return the memory of the outputs of an encoder (B, S, H), with a mask (B, S) that is False at padding."""
        return Memory(values, self.keys(values), mask)

    def forward(self, queries: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """Attend to a memory.

        Args:
            queries: The hidden vectors of the decoder (B, T, H).
            memory: The memory of S tokens.

        Returns:
            The contexts (B, T, H), and the attention weights (B, T, S), which are exactly 0 at padding.
        """
        scores = self.score(queries, memory.keys)
        if memory.mask is not None:
            scores = scores.masked_fill(~memory.mask[:, None], -torch.inf)
        weights = scores.softmax(-1)
        return weights @ memory.values, weights


class DotAttention(Attention):
    """score(h, v) = h^T v, without weights."""

    def __init__(self, size: int) -> None:
        """Build the layer for vectors of this size, H, which the scores do not depend on."""
        super().__init__()

    def keys(self, values: Tensor) -> Tensor:
        """Return the values themselves."""
        return values

    def score(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Return the scores (B, T, S) of queries (B, T, H) and keys (B, S, H)."""
        return queries @ keys.mT


class GeneralAttention(DotAttention):
    """score(h, v) = h^T W v."""

    def __init__(self, size: int) -> None:
        """Build the layer for vectors of this size, H."""
        super().__init__(size)
        self.key = nn.Linear(size, size, bias=False)

    def keys(self, values: Tensor) -> Tensor:
        """Return W v."""
        return self.key(values)


class AdditiveAttention(Attention):
    """score(h, v) = u^T tanh(W h + U v)."""

    def __init__(self, size: int) -> None:
        """Build the layer for vectors of this size, H."""
        super().__init__()
        self.key = nn.Linear(size, size, bias=False)
        self.query = nn.Linear(size, size)
        self.weight = nn.Parameter(torch.empty(size).uniform_(-(size**-0.5), size**-0.5))

    def keys(self, values: Tensor) -> Tensor:
        """Return U v."""
        return self.key(values)

    def score(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Return the scores (B, T, S) of queries (B, T, H) and keys (B, S, H), a few steps at a time."""
        steps = max(1, ELEMENTS // max(1, keys.numel()))
        return torch.cat(
            [
                torch.tanh(some[:, :, None] + keys[:, None]) @ self.weight  # (B, T, S, H) @ (H,)
                for some in torch.split(self.query(queries), steps, dim=1)
            ],
            dim=1,
        )


ATTENTIONS: dict[str, type[Attention]] = {
    "dot": DotAttention,
    "general": GeneralAttention,
    "additive": AdditiveAttention,
}
"""The layers by their kind."""
