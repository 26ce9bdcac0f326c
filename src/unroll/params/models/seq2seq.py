"""Family `seq2seq`."""

from typing import Annotated, Literal

from pydantic import Field

from unroll.params.base import Name, Params, Size
from unroll.params.models.recurrent import Dropout
from unroll.params.models.training import Training


class Seq2seqParams(Params):
    family: Literal["seq2seq"]
    tokens: Name
    cell: Literal["rnn", "gru", "lstm"]
    """Of encoder and decoder."""
    embedding_size: Size
    hidden_size: Size
    layers: Annotated[int, Field(ge=1, le=100)]
    dropout: Dropout
    training: Training
