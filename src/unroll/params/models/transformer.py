"""Family `transformer`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unroll.params.base import Name, Params, Size
from unroll.params.models.recurrent import Dropout
from unroll.params.models.softmax import SoftmaxParams
from unroll.params.models.training import Training


class TransformerParams(Params):
    family: Literal["transformer"]
    tokens: Name
    hidden_size: Size
    """Of embeddings and layers."""
    layers: Annotated[int, Field(ge=1, le=100)]
    heads: Annotated[int, Field(ge=1, le=1024)]
    """Divide hidden_size into parts of an even size."""
    feedforward_size: Size
    """Inside each layer; four times hidden_size is usual."""
    context: Size
    """n: positions that each layer attends to, the token's own included. Longer texts are no problem."""
    dropout: Dropout
    """On the embeddings and on what each layer adds, in training only."""
    tie_weights: bool
    """Output weights are the embedding's (Press and Wolf 2017)."""
    order: Literal["random", "sequential"]
    """`random`: shuffled subsequences, nothing before them; `sequential`: keys and values are carried from one
    subsequence to the next, without gradient (Dai et al. 2019)."""
    softmax: SoftmaxParams
    training: Training

    @model_validator(mode="after")
    def _heads_are_even(self) -> "TransformerParams":
        if self.hidden_size % (2 * self.heads):
            raise ValueError(
                f"hidden_size ({self.hidden_size}) is no multiple of twice the heads ({self.heads}): positions turn "
                "pairs of coordinates; change one of them"
            )
        return self
