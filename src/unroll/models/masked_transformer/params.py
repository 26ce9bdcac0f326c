"""Settings of family `masked_transformer`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unroll.params.base import Name, Params, Probability, Size
from unroll.params.layers import Dropout, FullSoftmax
from unroll.params.training import Training


class Masking(Params):
    """How training hides words (Devlin et al. 2019: 0.15, 0.8, 0.1)."""

    share: Annotated[float, Field(gt=0, lt=1)]
    """The share of the words of a subsequence that are predicted, at least one."""
    mask: Probability
    """The share of these that the model reads as a mask."""
    random: Probability
    """The share of these that the model reads as a random word. The others are read as they are."""

    @model_validator(mode="after")
    def _shares_fit(self) -> "Masking":
        if self.mask + self.random > 1:
            raise ValueError(f"mask ({self.mask:g}) and random ({self.random:g}) add up to more than 1; lower one")
        return self


class MaskedTransformerParams(Params):
    """A transformer whose positions attend to both sides, and its training."""

    family: Literal["masked_transformer"]
    tokenizer: Name
    """The tokenizer of the text, a key of `tokenizers`. Its `sequence_length` is that of training."""
    hidden_size: Size
    """The size of embeddings and layers."""
    layers: Annotated[int, Field(ge=1, le=100)]
    """The number of layers."""
    heads: Annotated[int, Field(ge=1, le=1024)]
    """The number of attention heads. They divide hidden_size into parts of an even size."""
    feedforward_size: Size
    """The size of the feedforward network of each layer. Four times hidden_size is usual."""
    context: Annotated[int, Field(ge=1, le=4096)]
    """n: each layer attends to n positions on each side. Texts may be longer."""
    dropout: Dropout
    """The dropout rate for the embeddings and for the output of each sublayer, in training only."""
    tie_weights: bool
    """The output layer shares its weights with the embedding (Press and Wolf 2017)."""
    masking: Masking
    """How training hides words."""
    softmax: FullSoftmax
    """The output layer."""
    training: Training
    """How the network is trained."""

    @model_validator(mode="after")
    def _heads_are_even(self) -> "MaskedTransformerParams":
        if self.hidden_size % (2 * self.heads):
            raise ValueError(
                f"hidden_size ({self.hidden_size}) is not a multiple of twice the heads ({self.heads}): positional "
                "encodings rotate pairs of coordinates; change one of them"
            )
        return self
