"""Family `seq2seq`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unroll.params.base import Name, Params, Probability, Share, Size
from unroll.params.models.recurrent import Dropout
from unroll.params.models.training import Training


class TeacherForcing(Params):
    """The share of target words for which the decoder reads the true word before, not its own guess (scheduled
    sampling, Bengio et al. 2015): falling or rising in equal steps from the first epoch to the last planned one."""

    first: Probability
    """1: always the true word; fast, since all steps are computed at once."""
    last: Probability


class Seq2seqParams(Params):
    family: Literal["seq2seq"]
    tokens: Name
    cell: Literal["rnn", "gru", "lstm"]
    """Of encoder and decoder."""
    embedding_size: Size
    hidden_size: Size
    """Of the decoder and of the encoder; each direction of a bidirectional encoder has half of it."""
    layers: Annotated[int, Field(ge=1, le=100)]
    """Of encoder and decoder."""
    bidirectional: bool
    """The encoder also reads the source backwards; hidden_size must be even."""
    attention: Literal["none", "dot", "additive"]
    """`none`: all of the source passes through one vector; `dot`: Luong et al. (2015); `additive`: Bahdanau et al.
    (2015)."""
    input_feeding: bool
    """The decoder also reads its last attention (Luong et al. 2015, section 3.3); slower. Needs attention."""
    share_embeddings: bool
    """Source and target words have one embedding; needs tokens with `vocabularies: joint`."""
    tie_weights: bool
    """Output weights are the target embedding's (Press and Wolf 2017); needs embedding_size == hidden_size."""
    dropout: Dropout
    label_smoothing: Share
    """This share of each target's probability is spread over the vocabulary, in training only (Szegedy et al. 2016)."""
    teacher_forcing: TeacherForcing
    training: Training

    @model_validator(mode="after")
    def _sizes_agree(self) -> "Seq2seqParams":
        if self.bidirectional and self.hidden_size % 2:
            raise ValueError(
                f"bidirectional: needs an even hidden_size, each direction has half; it is {self.hidden_size}"
            )
        if self.input_feeding and self.attention == "none":
            raise ValueError("input_feeding: needs attention: dot or additive; set it to false")
        if self.tie_weights and self.embedding_size != self.hidden_size:
            raise ValueError(
                f"tie_weights: needs embedding_size ({self.embedding_size}) equal to hidden_size ({self.hidden_size})"
            )
        return self
