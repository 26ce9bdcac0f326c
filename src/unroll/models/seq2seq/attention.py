"""Attention of a decoder on the words of a source: Luong, Pham and Manning (2015); Bahdanau, Cho and Bengio (2015).

weights a_ms = softmax_s(alignment(h_m, v_s)),  context c_m = sum_s a_ms v_s, with v_s the encoder's outputs and

    dot        alignment(h, v) = h^T W v                  Luong et al., equation 8, "general"
    additive   alignment(h, v) = u^T tanh(W h + U v)      Bahdanau et al., appendix A.1.2
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

Attention = Literal["dot", "additive"]

CELLS = 1 << 23
"""Numbers of the additive alignment computed at once: bounds memory, changes no value."""


class Memory(NamedTuple):
    """What a decoder looks at: the outputs of an encoder, and what alignment makes of them once for all steps."""

    values: Tensor
    """(B, S, H)"""
    keys: Tensor
    """(B, S, H)"""
    words: Tensor | None
    """(B, S), False where a shorter source has no word; None: every source is as long."""

    def select(self, rows: Tensor) -> "Memory":
        """Row i of the result is row rows[i]."""
        words = None if self.words is None else self.words.index_select(0, rows)
        return Memory(self.values.index_select(0, rows), self.keys.index_select(0, rows), words)


class Alignment(nn.Module):
    """Attends to a memory: (B, T, H) queries -> (B, T, H) contexts and (B, T, S) weights."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.key = nn.Linear(size, size, bias=False)

    def memory(self, values: Tensor, words: Tensor | None = None) -> Memory:
        return Memory(values, self.key(values), words)

    def align(self, queries: Tensor, keys: Tensor) -> Tensor:
        """(B, T, H), (B, S, H) -> (B, T, S)"""
        raise NotImplementedError

    def forward(self, queries: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        alignment = self.align(queries, memory.keys)
        if memory.words is not None:  # padding gets the weight nought, exactly
            alignment = alignment.masked_fill(~memory.words[:, None], -torch.inf)
        weights = alignment.softmax(-1)
        return weights @ memory.values, weights


class Dot(Alignment):
    def align(self, queries: Tensor, keys: Tensor) -> Tensor:
        return queries @ keys.mT


class Additive(Alignment):
    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.query = nn.Linear(size, size)
        self.weight = nn.Parameter(torch.empty(size).uniform_(-(size**-0.5), size**-0.5))

    def align(self, queries: Tensor, keys: Tensor) -> Tensor:
        steps = max(1, CELLS // max(1, keys.numel()))
        return torch.cat(
            [
                torch.tanh(some[:, :, None] + keys[:, None]) @ self.weight  # (B, T, S, H) @ (H,)
                for some in torch.split(self.query(queries), steps, dim=1)
            ],
            dim=1,
        )


ALIGNMENTS: dict[str, type[Alignment]] = {"dot": Dot, "additive": Additive}
