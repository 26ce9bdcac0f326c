"""Settings of family `recurrent_classifier`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unroll.params.base import Name, Params, Size
from unroll.params.layers import Cell, Dropouts
from unroll.params.training import Training


class RecurrentClassifierParams(Params):
    """A recurrent network that reads a whole text and predicts its class."""

    family: Literal["recurrent_classifier"]
    tokenizer: Name
    """A tokenizer of labelled text."""
    cell: Cell
    """The cell of all layers."""
    embedding_size: Size
    """The size of the token embeddings."""
    hidden_size: Size
    """The size of each direction of a layer."""
    layers: Annotated[int, Field(ge=1, le=100)]
    """The number of layers."""
    bidirectional: bool
    """Also read each text from its end to its beginning. The outputs of both directions are joined."""
    pooling: Literal["last", "mean", "attention"]
    """The vector of a text: the last state of each direction, the mean of the outputs, or their mean weighted by
    attention (Yang et al. 2016)."""
    dropout: Dropouts
    """The dropout rates. `output` is that of the outputs of the last layer, before pooling."""
    max_tokens: Size
    """The number of tokens that are read: a longer text is cut behind them, which limits memory and time."""
    training: Training
    """How the network is trained. `batch_size` is the number of texts in a batch."""

    @model_validator(mode="after")
    def _has_recurrent_weights(self) -> "RecurrentClassifierParams":
        if self.dropout.weight_drop and self.cell in ("mingru", "minlstm"):
            raise ValueError(f"{self.cell} has no recurrent weights to drop; set dropout.weight_drop to 0.0")
        return self
