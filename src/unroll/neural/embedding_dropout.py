"""Embedding dropout (Gal and Ghahramani 2016, section 4.2): a word is missing in a whole batch."""

from torch import Tensor, nn
from torch.nn import functional as F


def embed(embedding: nn.Embedding, tokens: Tensor, rate: float) -> Tensor:
    """Ids (B, T) -> vectors (B, T, E), those of a share `rate` of the vocabulary zero and the rest scaled up; 0 where
    nothing is dropped, as in evaluation."""
    vectors = embedding(tokens)
    if rate == 0:
        return vectors
    kept = F.dropout(vectors.new_ones(embedding.num_embeddings), rate)  # (V,)
    return vectors * kept[tokens].unsqueeze(-1)
