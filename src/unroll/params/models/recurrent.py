"""Families `recurrent` and `bidirectional`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unroll.params.base import Name, Params, Size
from unroll.params.models.softmax import SoftmaxParams
from unroll.params.models.training import Training

Cell = Literal["rnn", "rnn_relu", "rnn_sigmoid", "gru", "lstm", "mingru", "minlstm"]
"""`rnn` is the tanh network of Elman (1990)."""
Dropout = Annotated[float, Field(ge=0, lt=1)]
Penalty = Annotated[float, Field(ge=0, le=1000)]


class Dropouts(Params):
    """Shares that are zero in training, and in training only."""

    input: Dropout
    """Of the embedded words, before the first layer."""
    between: Dropout
    """Of the outputs of each layer but the last."""
    output: Dropout
    """Of the outputs of the last layer."""
    embedding: Dropout
    """Of the vocabulary: words that are missing in a whole batch (Gal and Ghahramani 2016)."""
    weights: Dropout
    """Of the recurrent weights, U in U h_{t-1}, for a whole batch (weight drop; Merity, Keskar and Socher 2018)."""
    locked: bool
    """One mask for all time steps of a row (variational dropout; Gal and Ghahramani 2016), or a new one at each. Holds
    for input, between and output."""


class ActivationPenalty(Params):
    """Added to the training loss (Merity, McCann and Socher 2017); 0 for none."""

    size: Penalty
    """AR: times the mean square of the last layer's outputs."""
    change: Penalty
    """TAR: times the mean square of how they differ from one step to the next."""


class RecurrentLayers(Params):
    """A network of recurrent layers and its training, whatever the family."""

    family: str
    tokens: Name
    cell: Cell
    embedding_size: Size
    hidden_size: Size | list[Size]
    """Of all layers, or a list with one for each."""
    layers: Annotated[int, Field(ge=1, le=100)]
    residual: bool
    """Each layer but the first adds its input to its output; needs layers of one size."""
    dropout: Dropouts
    activation_penalty: ActivationPenalty
    tie_weights: bool
    """Output weights are the embedding's (Press and Wolf 2017); needs embedding_size == the last hidden_size."""
    order: Literal["random", "sequential"]
    """`random`: shuffled subsequences, each from a zero state; `sequential`: the state is carried from one
    subsequence to the next and detached: truncated backpropagation through time."""
    softmax: SoftmaxParams
    training: Training

    @property
    def sizes(self) -> list[int]:
        """The hidden size of every layer."""
        return self.hidden_size if isinstance(self.hidden_size, list) else [self.hidden_size] * self.layers

    @model_validator(mode="after")
    def _fits(self) -> "RecurrentLayers":
        if len(self.sizes) != self.layers:
            raise ValueError(f"hidden_size lists {len(self.sizes)} sizes for {self.layers} layers; list one for each")
        if self.residual and len(set(self.sizes)) > 1:
            raise ValueError(f"residual needs layers of one size, not {self.sizes}; make them equal")
        if self.tie_weights and self.embedding_size != self.sizes[-1]:
            raise ValueError(
                f"tie_weights needs embedding_size ({self.embedding_size}) equal to hidden_size ({self.sizes[-1]}) "
                f"of the last layer; make them equal or set it to false"
            )
        if self.dropout.weights and self.cell in ("mingru", "minlstm"):
            raise ValueError(f"{self.cell} has no recurrent weights to drop; set dropout.weights to 0.0")
        return self


class RecurrentParams(RecurrentLayers):
    family: Literal["recurrent"]


class BidirectionalParams(RecurrentLayers):
    """Every size is that of one direction."""

    family: Literal["bidirectional"]
