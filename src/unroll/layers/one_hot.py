"""One-hot inputs: the vector of token k has a 1 in place k and 0 in all others (Bishop and Bishop 2023, section 12.2).

The product of a matrix W (N, V) and such a vector is column k of W. So it is looked up: neither the vectors nor an
identity of size V x V are made. The gradient of W is zero in the columns of tokens that were not read.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class OneHot(nn.Module):
    """Takes the place of an embedding whose weights are the identity (V, V), which is fixed."""

    def __init__(self, vocabulary_size: int) -> None:
        """Set the size of the vocabulary, V."""
        super().__init__()
        self.embedding_dim = vocabulary_size

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the token ids, which stand for their one-hot vectors; `project` multiplies these."""
        return tokens


def project(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Compute W x + b.

    Args:
        inputs: Vectors x (..., I), or the ids (...) of one-hot vectors of size I.
        weight: W (N, I).
        bias: b (N,).

    Returns:
        The results (..., N).
    """
    if inputs.is_floating_point():
        return F.linear(inputs, weight, bias)
    return F.embedding(inputs, weight.t()) + bias


def project_windows(tokens: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Compute W (x_1, .., x_w) + b for one-hot vectors x_1 to x_w, one after the other.

    Args:
        tokens: The ids (..., w) of the vectors.
        weight: W (N, w V).
        bias: b (N,).

    Returns:
        The results (..., N).
    """
    width = tokens.shape[-1]
    size = weight.shape[1] // width
    columns = tokens + size * torch.arange(width, device=tokens.device)
    return F.embedding(columns, weight.t()).sum(-2) + bias
