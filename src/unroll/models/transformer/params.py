"""Settings of family `transformer`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unroll.params.base import Name, Params, Size
from unroll.params.layers import Batching, Dropout, SoftmaxParams
from unroll.params.training import Training


class TransformerParams(Params):
    """A causal transformer with a limited context."""

    family: Literal["transformer"]
    tokenizer: Name
    """The tokenizer of the text, a key of `tokenizers`."""
    hidden_size: Size
    """The size of embeddings and layers."""
    layers: Annotated[int, Field(ge=1, le=100)]
    """The number of layers."""
    heads: Annotated[int, Field(ge=1, le=1024)]
    """The number of attention heads. They divide hidden_size into parts of an even size."""
    feedforward_size: Size
    """The size of the feedforward network of each layer. Four times hidden_size is usual."""
    context: Size
    """n: the number of positions that each layer attends to, the token's own included. Texts may be longer."""
    dropout: Dropout
    """The dropout rate for the embeddings and for the output of each sublayer, in training only."""
    tie_weights: bool
    """The output layer shares its weights with the embedding (Press and Wolf 2017)."""
    batching: Batching
    """`shuffled`: shuffled subsequences, each without a context before it; `contiguous`: keys and values are carried
    from one subsequence to the next, without gradient (Dai et al. 2019)."""
    softmax: SoftmaxParams
    """The output layer."""
    training: Training
    """How the network is trained."""

    @model_validator(mode="after")
    def _heads_are_even(self) -> "TransformerParams":
        if self.hidden_size % (2 * self.heads):
            raise ValueError(
                f"hidden_size ({self.hidden_size}) is not a multiple of twice the heads ({self.heads}): positional "
                "encodings rotate pairs of coordinates; change one of them"
            )
        return self
