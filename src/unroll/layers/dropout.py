"""Forms of dropout for recurrent networks: of words, of units with one mask for all time steps, and of weights."""

from torch import Tensor, nn
from torch.nn import functional as F

from unroll.layers.one_hot import OneHot


class VariationalDropout(nn.Module):
    """Dropout with one mask per row for all time steps (Gal and Ghahramani 2016)."""

    def __init__(self, rate: float) -> None:
        """Set the rate, the fraction of units that are dropped."""
        super().__init__()
        self.rate = rate

    def forward(self, inputs: Tensor) -> Tensor:
        """Drop units of inputs (T, B, H) in training; return a tensor of the same shape."""
        if not self.training or self.rate == 0:
            return inputs
        return inputs * F.dropout(inputs.new_ones(1, *inputs.shape[1:]), self.rate)


def embed(embedding: nn.Embedding | OneHot, tokens: Tensor, rate: float) -> Tensor:
    """Look up embeddings with embedding dropout: a dropped word is zero in the whole batch (Gal and Ghahramani 2016).

    Args:
        embedding: The embedding of V words, of size E, or one-hot vectors, which are not dropped.
        tokens: Token ids (B, T).
        rate: The fraction of the vocabulary that is dropped; 0 in evaluation.

    Returns:
        The embedded tokens (B, T, E), or the ids of one-hot vectors. Words that are kept are scaled by 1 / (1 - rate).
    """
    vectors = embedding(tokens)
    if rate == 0 or isinstance(embedding, OneHot):
        return vectors
    mask = F.dropout(vectors.new_ones(embedding.num_embeddings), rate)  # (V,)
    return vectors * mask[tokens].unsqueeze(-1)


def drop_weights(weight: Tensor, rate: float, training: bool) -> Tensor:
    """Drop recurrent weights for a whole sequence (Merity, Keskar and Socher 2018, weight drop).

    The layer is called with the result in place of its weights.

    Args:
        weight: The recurrent weights of a layer.
        rate: The fraction of weights that are dropped.
        training: Whether the network is in training; otherwise nothing is dropped.

    Returns:
        The weights, of the same shape.
    """
    return F.dropout(weight, rate) if training and rate > 0 else weight
