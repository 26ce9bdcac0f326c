"""Settings of layers that several families share: cells, dropout and output layers."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from unroll.params.base import Count, Params, Probability, Size

Cell = Literal["rnn", "rnn_relu", "rnn_sigmoid", "rnn_identity", "gru", "gru_reset_before", "lstm", "mingru", "minlstm"]
"""`rnn` is the tanh network of Elman (1990). `gru` resets the state after the product with the recurrent weights, as
torch and cuDNN do, and `gru_reset_before` before it, as Cho et al. (2014)."""
EmbeddingSize = Size | Literal["one_hot"]
"""The size of the token embeddings. `one_hot`: there is no embedding, and a token is read as a vector with a 1 in its
place and 0 in all others, of the size of the vocabulary."""
Dropout = Annotated[float, Field(ge=0, lt=1)]
Batching = Literal["shuffled", "contiguous"]
"""How the subsequences of an epoch are put into batches."""
Penalty = Annotated[float, Field(ge=0, le=1000)]


class Dropouts(Params):
    """Dropout rates. They act in training only."""

    input: Dropout
    """The rate for the embedded words, before the first layer."""
    hidden: Dropout
    """The rate for the outputs of each layer but the last."""
    output: Dropout
    """The rate for the outputs of the last layer."""
    embedding: Dropout
    """The rate for whole words of the vocabulary, for a whole batch (Gal and Ghahramani 2016)."""
    weight_drop: Dropout
    """The rate for the recurrent weights, U in U h_{t-1}, for a whole batch (Merity, Keskar and Socher 2018)."""
    variational: bool
    """Use one mask for all time steps of a row (Gal and Ghahramani 2016), or a new mask at each step. This holds for
    input, hidden and output."""


class ActivationRegularization(Params):
    """Penalties that are added to the training loss (Merity, McCann and Socher 2017); 0 for none."""

    ar: Penalty
    """Activation regularization: the factor of the mean square of the last layer's outputs."""
    tar: Penalty
    """Temporal activation regularization: the factor of the mean square of their differences between steps."""


class NoAttention(Params):
    """The output depends on the last state only."""

    kind: Literal["none"]


class PastAttentionParams(Params):
    """The output also depends on a weighted mean of earlier states (Daniluk et al. 2017)."""

    kind: Literal["dot", "general", "additive"]
    """The score of a state h_t and an earlier one h_i: h_t h_i, h_t W h_i (both Luong et al. 2015), or
    u tanh(W h_t + U h_i) (Bahdanau et al. 2015)."""
    context: Size
    """The number of states before the current one that are attended to, all of the same document. With the length of
    the longest document, these are all earlier states."""


AttentionParams = Annotated[NoAttention | PastAttentionParams, Field(discriminator="kind")]


class FullSoftmax(Params):
    """Training computes the score of every word at every position."""

    kind: Literal["full"]
    precision: Literal[32, "bf16"]
    """The precision of the products in training. Evaluation always uses 32 bits."""


class AdaptiveSoftmax(Params):
    """Rare words are in clusters with smaller vectors (Grave et al. 2017)."""

    kind: Literal["adaptive"]
    cutoffs: Annotated[list[Count], Field(min_length=1)]
    """Ranks by frequency where the clusters begin: [2000, 6000] makes a head and two clusters."""
    div_value: Annotated[float, Field(gt=1, le=1000)]
    """The size of the vectors of each cluster is that of the cluster before, divided by this."""

    @field_validator("cutoffs")
    @classmethod
    def _increasing(cls, cutoffs: list[int]) -> list[int]:
        if sorted(set(cutoffs)) != cutoffs:
            raise ValueError(f"{cutoffs}: cutoffs must increase; sort them")
        return cutoffs


class Sampling(Params):
    """Training compares the target with words that are drawn from a noise distribution q."""

    samples: Count
    """The number of words drawn per batch. All positions of the batch share them."""
    exponent: Probability
    """q is proportional to the frequency to this power: 1 draws words as often as they occur, 0 uniformly."""


class SampledSoftmax(Sampling):
    """A softmax over the target and the sampled words, corrected for q (Bengio and Senecal 2008)."""

    kind: Literal["sampled"]


class NoiseContrastive(Sampling):
    """A binary decision between the target and each noise word (Mnih and Teh 2012)."""

    kind: Literal["nce"]


class NegativeSampling(Sampling):
    """NCE without the correction for q (Mikolov et al. 2013).

    The network learns log p(w | h) / q(w), so evaluation multiplies by q.
    """

    kind: Literal["negative_sampling"]


SoftmaxParams = Annotated[
    FullSoftmax | AdaptiveSoftmax | SampledSoftmax | NoiseContrastive | NegativeSampling, Field(discriminator="kind")
]
