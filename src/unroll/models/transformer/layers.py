"""A causal transformer with a memory: Vaswani et al. (2017), with norms before the layers (Radford et al. 2019),
rotary positions (Su et al. 2021), and attention to the last n tokens in every layer (Dai et al. 2019; Child et al.
2019).

Whatever the length of a text, position t of a layer attends to its positions t-n+1 .. t, and sees of them how far back
they are, never where they stand. So n - 1 keys and values of each layer are all that the next token needs: reading a
text token by token, in pieces or whole is one and the same function.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unroll.layers.recurrent import State

BASE = 10_000.0  # of the wave lengths of the rotary positions, as in the paper
STANDARD_DEVIATION = 0.02  # of initial weights, as in GPT-2


def rotate(vectors: Tensor, first: int, frequencies: Tensor) -> Tensor:
    """(..., S, d): vector s with each pair of coordinates (i, i + d/2) turned by the angle (first + s) frequencies[i].
    The product of two of them then depends on their distance alone."""
    positions = torch.arange(first, first + vectors.shape[-2], device=vectors.device)
    angles = positions[:, None] * frequencies  # (S, d/2)
    cos, sin = angles.cos().to(vectors.dtype), angles.sin().to(vectors.dtype)
    x, y = vectors.chunk(2, dim=-1)
    return torch.cat([x * cos - y * sin, x * sin + y * cos], dim=-1)


class Attention(nn.Module):
    """softmax(Q K^T / sqrt(d)) V in each of h heads of size d = H / h."""

    frequencies: Tensor

    def __init__(self, size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(size, 3 * size)
        self.out = nn.Linear(size, size)
        exponents = torch.arange(0, size // heads, 2) / (size // heads)
        self.register_buffer("frequencies", BASE**-exponents, persistent=False)  # (d/2,)

    def forward(self, x: Tensor, past: State, mask: Tensor) -> tuple[Tensor, State]:
        """x (B, T, H) after P positions whose keys and values are `past`, two of (B, h, P, d); `mask` (B, T, P + T)
        says what each sees. Also returns the keys and values of all P + T."""
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        k, v = torch.cat([past[0], k], dim=2), torch.cat([past[1], v], dim=2)  # (B, h, P + T, d)
        # Keys are kept unturned and counted from the oldest: angles stay small, and exact, in the longest text.
        turned = rotate(q, past[0].shape[2], self.frequencies), rotate(k, 0, self.frequencies)
        found = F.scaled_dot_product_attention(*turned, v, attn_mask=mask[:, None])  # (B, h, T, d)
        return self.out(found.transpose(1, 2).flatten(2)), (k, v)


class Block(nn.Module):
    """x + attention(norm(x)), then x + feedforward(norm(x))."""

    def __init__(self, size: int, heads: int, feedforward_size: int, dropout: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(size), nn.LayerNorm(size)
        self.attention = Attention(size, heads)
        self.inner, self.out = nn.Linear(size, feedforward_size), nn.Linear(feedforward_size, size)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, past: State, mask: Tensor) -> tuple[Tensor, State]:
        found, present = self.attention(self.norm1(x), past, mask)
        x = x + self.dropout(found)
        return x + self.dropout(self.out(F.gelu(self.inner(self.norm2(x))))), present


class Transformer(nn.Module):
    """Blocks and a last norm: (B, T, H) -> (B, T, H).

    The state is keys and values (B, h, P, d) of each layer for the last P <= n - 1 positions, and (B, P) booleans:
    which of these belong to the document that is being read."""

    def __init__(self, size: int, layers: int, heads: int, feedforward_size: int, context: int, dropout: float) -> None:
        super().__init__()
        self.size, self.heads, self.context = size, heads, context
        self.blocks = nn.ModuleList(Block(size, heads, feedforward_size, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(size)
        self.dropout = nn.Dropout(dropout)
        for name, parameter in self.named_parameters():
            if name.endswith(".bias"):
                nn.init.zeros_(parameter)
            elif "norm" not in name:  # what is added to the residual stream is as large for any number of layers
                nn.init.normal_(parameter, 0, STANDARD_DEVIATION / (2 * layers) ** (0.5 * name.endswith("out.weight")))

    def start(self, batch_size: int) -> State:
        """Nothing has been read."""
        weight = self.norm.weight
        empty = weight.new_zeros(batch_size, self.heads, 0, self.size // self.heads)
        return (*[empty] * (2 * len(self.blocks)), weight.new_zeros(batch_size, 0, dtype=torch.bool))

    def forward(self, x: Tensor, begins: Tensor, state: State) -> tuple[Tensor, State]:
        """All outputs and the state after the last; `begins` (B, T) says where a document begins."""
        *memory, visible = state
        mask, same = self._mask(begins, visible)
        keep = slice(max(0, mask.shape[2] - (self.context - 1)), None)
        x, after = self.dropout(x), []
        for index, block in enumerate(self.blocks):
            x, (keys, values) = block(x, (memory[2 * index], memory[2 * index + 1]), mask)
            after += [keys[:, :, keep], values[:, :, keep]]
        return self.norm(x), (*after, same[:, keep])

    def _mask(self, begins: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
        """What each position sees, (B, T, P + T): its own document's, not later, not n or more before. And what is of
        the document of the last position, (B, P + T)."""
        document = begins.cumsum(1)  # (B, T), 0 is the one that was being read
        old = visible[:, None] & (document == 0)[:, :, None]  # (B, T, P)
        same = torch.cat([old, document[:, :, None] == document[:, None]], dim=2)  # (B, T, P + T)
        past, now = visible.shape[1], begins.shape[1]
        at = torch.arange(past + now, device=begins.device)
        back = at[past:, None] - at  # (T, P + T)
        return same & (back >= 0) & (back < self.context), same[:, -1]
