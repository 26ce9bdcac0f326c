"""Settings of family `window`."""

from typing import Literal

from pydantic import model_validator

from unroll.params.base import Name, Params, Size
from unroll.params.layers import Batching, Dropout, EmbeddingSize, SoftmaxParams
from unroll.params.training import Training


class WindowParams(Params):
    """A feedforward network over a window of fixed size (Bengio et al. 2003)."""

    family: Literal["window"]
    tokenizer: Name
    """The tokenizer of the text, a key of `tokenizers`."""
    window: Size
    """w: the number of tokens that the next token is predicted from."""
    embedding_size: EmbeddingSize
    """The size of the token embeddings, or `one_hot` for none."""
    hidden_size: Size
    """The size of the hidden layer."""
    direct_connections: bool
    """Also connect the embeddings of the window directly to the output layer."""
    dropout: Dropout
    """The dropout rate for the embeddings, unless they are one-hot, and the hidden layer, in training only."""
    tie_weights: bool
    """The output layer shares its weights with the embedding (Press and Wolf 2017). This needs embedding_size ==
    hidden_size and no direct connections."""
    batching: Batching
    """`shuffled`: shuffled subsequences, each without a context before it; `contiguous`: each subsequence follows the
    one before, so that every token has its whole window."""
    softmax: SoftmaxParams
    """The output layer."""
    training: Training
    """How the network is trained."""

    @model_validator(mode="after")
    def _can_be_tied(self) -> "WindowParams":
        if self.embedding_size == "one_hot" and (self.tie_weights or self.direct_connections):
            raise ValueError(
                "embedding_size: one_hot has no embedding that could be tied or connected to the output; set "
                "tie_weights and direct_connections to false"
            )
        if self.tie_weights and (self.direct_connections or self.embedding_size != self.hidden_size):
            raise ValueError(
                f"tie_weights needs embedding_size ({self.embedding_size}) equal to hidden_size ({self.hidden_size}) "
                f"and direct_connections: false (it is {str(self.direct_connections).lower()})"
            )
        return self
