"""Family `recurrent`."""

from typing import Annotated, Literal

from pydantic import Field

from unroll.params.base import Name, Params, Size
from unroll.params.models.softmax import SoftmaxParams
from unroll.params.models.training import Training

Dropout = Annotated[float, Field(ge=0, lt=1)]


class RecurrentParams(Params):
    family: Literal["recurrent"]
    tokens: Name
    cell: Literal["rnn", "gru", "lstm"]
    """`rnn` is the tanh network of Elman (1990)."""
    embedding_size: Size
    hidden_size: Size
    layers: Annotated[int, Field(ge=1, le=100)]
    dropout: Dropout
    """Before, between and after the layers, in training only."""
    tie_weights: bool
    """Output weights are the embedding's (Press and Wolf 2017); needs embedding_size == hidden_size."""
    order: Literal["random", "sequential"]
    """`random`: shuffled subsequences, each from a zero state; `sequential`: the state is carried from one
    subsequence to the next and detached: truncated backpropagation through time."""
    softmax: SoftmaxParams
    training: Training
