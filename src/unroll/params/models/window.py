"""Family `window`."""

from typing import Literal

from pydantic import model_validator

from unroll.params.base import Name, Params, Size
from unroll.params.models.recurrent import Dropout
from unroll.params.models.softmax import SoftmaxParams
from unroll.params.models.training import Training


class WindowParams(Params):
    family: Literal["window"]
    tokens: Name
    window: Size
    """w: tokens that the next one is predicted from."""
    embedding_size: Size
    hidden_size: Size
    direct: bool
    """Also connect the embeddings of the window to the output directly, past the hidden layer."""
    dropout: Dropout
    """On the embeddings and the hidden layer, in training only."""
    tie_weights: bool
    """Output weights are the embedding's (Press and Wolf 2017); needs embedding_size == hidden_size and not direct."""
    order: Literal["random", "sequential"]
    """`random`: shuffled subsequences, nothing before them; `sequential`: each subsequence follows the one before, so
    that every token has its whole window."""
    softmax: SoftmaxParams
    training: Training

    @model_validator(mode="after")
    def _can_be_tied(self) -> "WindowParams":
        if self.tie_weights and (self.direct or self.embedding_size != self.hidden_size):
            raise ValueError(
                f"tie_weights needs embedding_size ({self.embedding_size}) equal to hidden_size ({self.hidden_size}) "
                f"and direct: false (it is {str(self.direct).lower()})"
            )
        return self
