"""The network of a masked language model."""

import torch
from torch import Tensor, nn

from unroll.layers import softmax
from unroll.layers.transformer.block import STANDARD_DEVIATION, Block, initialize
from unroll.models.masked_transformer.params import MaskedTransformerParams
from unroll.text.tokenizers.vocabulary import PAD

MASK = PAD
"""The token that stands for a hidden word. `<pad>` has no other use in this family."""
OUTSIDE = -1
"""The number of the document of a position that belongs to none."""


class Network(nn.Module):
    """Embedding -> transformer layers that attend to both sides -> softmax."""

    def __init__(self, params: MaskedTransformerParams, vocabulary_size: int) -> None:
        """Build the network with initial weights drawn from torch's global generator."""
        super().__init__()
        size = params.hidden_size
        self.heads, self.context = params.heads, params.context
        self.embedding = nn.Embedding(vocabulary_size, size)
        nn.init.normal_(self.embedding.weight, 0, STANDARD_DEVIATION)
        blocks = (Block(size, params.heads, params.feedforward_size, params.dropout) for _ in range(params.layers))
        self.blocks, self.norm, self.dropout = nn.ModuleList(blocks), nn.LayerNorm(size), nn.Dropout(params.dropout)
        initialize(self.blocks, params.layers)
        tied = self.embedding.weight if params.tie_weights else None
        self.softmax = softmax.Softmax(size, vocabulary_size, tied, params.softmax.precision == "bf16")

    @property
    def reach(self) -> int:
        """The number of positions on each side that an output depends on."""
        return self.context * len(self.blocks)

    def forward(self, tokens: Tensor, documents: Tensor) -> Tensor:
        """Read texts.

        Args:
            tokens: Token ids (B, T), MASK for hidden words.
            documents: The number of the document of each position (B, T). Positions attend to their own document only.

        Returns:
            Hidden vectors (B, T, H).
        """
        position = torch.arange(tokens.shape[1], device=tokens.device)
        near = (position[:, None] - position).abs() <= self.context  # (T, T)
        mask = near & (documents[:, :, None] == documents[:, None])  # (B, T, T)
        x = self.dropout(self.embedding(tokens))
        nothing = x.new_zeros(len(x), self.heads, 0, x.shape[2] // self.heads)
        for block in self.blocks:
            x, _ = block(x, (nothing, nothing), mask)
        return self.norm(x)
