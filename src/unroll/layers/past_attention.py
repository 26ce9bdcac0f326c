"""Attention of recurrent layers to their own past (Daniluk, Rocktäschel, Welbl and Riedel 2017, section 2).

    c_t = sum_i a_ti h_i,  a_ti = softmax_i(score(h_t, h_i)),  i = t-n .. t-1        o_t = h_t + W c_t

h are the outputs of the last layer, and o takes their place in the softmax. The scores are those of
`unroll.layers.attention`. With n at least the length of the documents, c is a mean of all earlier states. The first
state of a document has none before it, so its c is zero.

The paper has o_t = tanh(W [h_t; c_t]). On the default text that layer saturated within 30 steps of Adam: all of its
outputs became 1 or -1, the same for every word, and the network learned the frequencies of words only. The sum has no
such state.

A state is attended to if it belongs to the same document, also if it was computed with an earlier subsequence. So
reading a text whole, in pieces or token by token gives the same outputs. The last n states are carried, and n bounds
their memory in documents of any length. With truncated backpropagation through time they are constants, as the
recurrent state is.
"""

import torch
from torch import Tensor, nn

from unroll.layers.attention import ATTENTIONS
from unroll.params.layers import PastAttentionParams

State = tuple[Tensor, Tensor]
"""The last P <= n outputs h (B, P, H), and whether each belongs to the document that is being read (B, P)."""


class PastAttention(nn.Module):
    """Outputs h (B, T, H) -> outputs with their past o (B, T, H)."""

    def __init__(self, params: PastAttentionParams, size: int) -> None:
        """Build the layer for outputs of this size, H."""
        super().__init__()
        self.context, self.size = params.context, size
        self.alignment = ATTENTIONS[params.kind](size)
        self.combine = nn.Linear(size, size, bias=False)

    def start(self, batch_size: int) -> State:
        """Return the state of `batch_size` rows that have read nothing."""
        weight = self.combine.weight
        return weight.new_zeros(batch_size, 0, self.size), weight.new_zeros(batch_size, 0, dtype=torch.bool)

    def extra_repr(self) -> str:
        """Name the context: checkpoints tell networks apart by their names and weights."""
        return f"context={self.context}"

    def forward(self, hidden: Tensor, is_begin: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """Attend to the past.

        Args:
            hidden: The outputs h of the last layer (B, T, H).
            is_begin: Whether a document begins at a position (B, T).
            state: The state before the first position.

        Returns:
            The outputs with their past (B, T, H); the attention weights (B, T, P + T) of the P positions of the state
            and of the T new ones, exactly 0 where nothing is attended to; and the state after the last position.
        """
        memory = torch.cat([state[0], hidden], dim=1)  # (B, P + T, H)
        mask, is_same_document = self._mask(is_begin, state[1])
        scores = self.alignment.score(hidden, self.alignment.keys(memory))
        # Not -inf: the softmax of a row without a past would be NaN. It becomes uniform, and the product makes it zero.
        weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(-1) * mask
        outputs = hidden + self.combine(weights @ memory)
        keep = slice(max(0, memory.shape[1] - self.context), None)
        return outputs, weights, (memory[:, keep], is_same_document[:, keep])

    def _mask(self, is_begin: Tensor, is_same_document: Tensor) -> tuple[Tensor, Tensor]:
        """Compute which positions each position attends to.

        Args:
            is_begin: Whether a document begins at a position (B, T).
            is_same_document: Which of the P positions before belong to the document that is being read (B, P).

        Returns:
            The mask (B, T, P + T): the positions of the same document that are 1 to n positions back; and which
            positions belong to the document of the last one (B, P + T).
        """
        document = is_begin.cumsum(1)  # (B, T), 0 is the document that was being read
        past = is_same_document[:, None] & (document == 0)[:, :, None]  # (B, T, P)
        same = torch.cat([past, document[:, :, None] == document[:, None]], dim=2)  # (B, T, P + T)
        before, now = is_same_document.shape[1], is_begin.shape[1]
        position = torch.arange(before + now, device=is_begin.device)
        distance = position[before:, None] - position  # (T, P + T)
        return same & (distance > 0) & (distance <= self.context), same[:, -1]
