"""Settings of family `seq2seq`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unroll.params.base import Name, Params, Probability, Share, Size
from unroll.params.layers import Dropout, EmbeddingSize
from unroll.params.training import Training


class TeacherForcing(Params):
    """Scheduled sampling (Bengio et al. 2015).

    Both settings are fractions of the target words for which the decoder reads the true previous word, not its own
    prediction. The fraction changes in equal steps from the first planned epoch to the last one.
    """

    first: Probability
    """The fraction in the first epoch. 1 in both is the fastest, since all steps are computed together."""
    last: Probability
    """The fraction in the last planned epoch."""


class Seq2seqParams(Params):
    """An encoder-decoder, with or without attention."""

    family: Literal["seq2seq"]
    tokenizer: Name
    """The tokenizer of a corpus of sentence pairs, a key of `tokenizers`."""
    cell: Literal["rnn", "gru", "lstm"]
    """The cell of the encoder and the decoder."""
    embedding_size: EmbeddingSize
    """The size of the embeddings of both sides, or `one_hot` for none."""
    hidden_size: Size
    """The hidden size of the decoder and the encoder. Each direction of a bidirectional encoder has half of it."""
    layers: Annotated[int, Field(ge=1, le=100)]
    """The number of layers of the encoder, and of the decoder."""
    bidirectional: bool
    """The encoder also reads the source from right to left. hidden_size must be even."""
    attention: Literal["none", "dot", "additive"]
    """`none`: the decoder depends on the last state of the encoder only; `dot`: Luong et al. (2015); `additive`:
    Bahdanau et al. (2015)."""
    input_feeding: bool
    """The decoder also reads its previous attentional vector (Luong et al. 2015, section 3.3). It is slower, and needs
    attention."""
    share_embeddings: bool
    """Source and target words share one embedding. This needs a tokenizer with `shared_vocabulary: true`."""
    tie_weights: bool
    """The output layer shares its weights with the target embedding (Press and Wolf 2017). This needs embedding_size ==
    hidden_size."""
    dropout: Dropout
    """The dropout rate for the inputs of every layer but one-hot ones, and for the outputs, in training only."""
    label_smoothing: Share
    """The fraction of each target's probability that is spread over the vocabulary, in training only (Szegedy et al.
    2016)."""
    teacher_forcing: TeacherForcing
    """How often the decoder reads the true previous word in training."""
    training: Training
    """How the network is trained."""

    @model_validator(mode="after")
    def _sizes_agree(self) -> "Seq2seqParams":
        if self.bidirectional and self.hidden_size % 2:
            raise ValueError(
                f"bidirectional: needs an even hidden_size, since each direction has half; it is {self.hidden_size}"
            )
        if self.input_feeding and self.attention == "none":
            raise ValueError("input_feeding: needs attention: dot or additive; set it to false")
        if self.embedding_size == "one_hot" and (self.tie_weights or self.share_embeddings or self.input_feeding):
            raise ValueError(
                "embedding_size: one_hot has no embedding that could be tied, shared or joined with other inputs; set "
                "tie_weights, share_embeddings and input_feeding to false"
            )
        if self.tie_weights and self.embedding_size != self.hidden_size:
            raise ValueError(
                f"tie_weights: needs embedding_size ({self.embedding_size}) equal to hidden_size ({self.hidden_size})"
            )
        return self
