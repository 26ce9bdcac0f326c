"""Settings of family `recurrent`, which family `bidirectional` shares."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unroll.params.base import Name, Params, Size
from unroll.params.layers import (
    ActivationRegularization,
    AttentionParams,
    Batching,
    Cell,
    Dropouts,
    EmbeddingSize,
    SoftmaxParams,
)
from unroll.params.training import Training


class RecurrentLayers(Params):
    """A network of recurrent layers and its training."""

    family: str
    tokenizer: Name
    """The tokenizer of the text, a key of `tokenizers`."""
    cell: Cell
    """The cell of all layers."""
    embedding_size: EmbeddingSize
    """The size of the token embeddings, or `one_hot` for none."""
    hidden_size: Size | list[Size]
    """The size of all layers, or a list with the size of each."""
    layers: Annotated[int, Field(ge=1, le=100)]
    """The number of layers."""
    residual: bool
    """Each layer but the first adds its input to its output; needs layers of one size."""
    dropout: Dropouts
    """The dropout rates."""
    activation_regularization: ActivationRegularization
    """Penalties on the outputs of the last layer."""
    tie_weights: bool
    """The output layer shares its weights with the embedding (Press and Wolf 2017). This needs embedding_size == the
    last hidden_size."""
    batching: Batching
    """`shuffled`: shuffled subsequences, each from a zero state; `contiguous`: the state is carried from one
    subsequence to the next and detached: truncated backpropagation through time."""
    softmax: SoftmaxParams
    """The output layer."""
    training: Training
    """How the network is trained."""

    @model_validator(mode="after")
    def _fits(self) -> "RecurrentLayers":
        sizes = self.hidden_size if isinstance(self.hidden_size, list) else [self.hidden_size] * self.layers
        if len(sizes) != self.layers:
            raise ValueError(f"hidden_size lists {len(sizes)} sizes for {self.layers} layers; list one for each")
        if self.residual and len(set(sizes)) > 1:
            raise ValueError(f"residual needs layers of one size, not {sizes}; make them equal")
        if self.embedding_size == "one_hot" and (self.tie_weights or self.dropout.input or self.dropout.embedding):
            raise ValueError(
                "embedding_size: one_hot has no embedding that could be tied or dropped; set tie_weights to false, and "
                "dropout.input and dropout.embedding to 0.0"
            )
        if self.tie_weights and self.embedding_size != sizes[-1]:
            raise ValueError(
                f"tie_weights needs embedding_size ({self.embedding_size}) equal to hidden_size ({sizes[-1]}) "
                f"of the last layer; make them equal or set it to false"
            )
        if self.dropout.weight_drop and self.cell in ("mingru", "minlstm"):
            raise ValueError(f"{self.cell} has no recurrent weights to drop; set dropout.weight_drop to 0.0")
        return self


class RecurrentParams(RecurrentLayers):
    """A recurrent language model that reads from left to right."""

    family: Literal["recurrent"]
    attention: Annotated[AttentionParams, Field(exclude_if=lambda attention: attention.kind == "none")]
    """Attention to the earlier states of the last layer.

    A saved model names it unless its kind is `none`, so that other models have the same bytes as those of earlier
    releases.
    """
