"""Settings of family `recurrent_tagger`."""

from typing import Annotated, Literal

from pydantic import Field

from unroll.params.base import Name, Params, Share, Size
from unroll.params.layers import Cell, Dropout
from unroll.params.training import Training


class RecurrentTaggerParams(Params):
    """A recurrent network that tags words, with or without a conditional random field."""

    family: Literal["recurrent_tagger"]
    tokenizer: Name
    """A key of `tokenizers`, of type `tagged`."""
    cell: Cell
    """The recurrent cell."""
    embedding_size: Size
    """The size of the word embeddings."""
    shape_embedding_size: Annotated[int, Field(ge=0, le=65536)]
    """The size of the embeddings of the shapes of words, which are read beside the words; 0 for no shapes."""
    hidden_size: Size
    """The size of the state of each direction."""
    layers: Annotated[int, Field(ge=1, le=100)]
    """The number of layers. Each reads the outputs of both directions of the layer before."""
    bidirectional: bool
    """The network also reads each sentence from right to left."""
    dropout: Dropout
    """The dropout rate for the inputs of every layer and for the outputs, in training only."""
    word_dropout: Share
    """The fraction of words that are read as `<unk>` in training, so that the network learns to tag unknown words."""
    crf: bool
    """The output layer is a conditional random field over the tags of the sentence, not a softmax for each word."""
    training: Training
    """How the network is trained."""
