"""Settings of family `bag_of_embeddings`."""

from typing import Literal

from unroll.params.base import Name, Params, Size
from unroll.params.layers import Dropout
from unroll.params.training import Training


class BagOfEmbeddingsParams(Params):
    """A linear classifier of the mean of the embeddings of a text."""

    family: Literal["bag_of_embeddings"]
    tokenizer: Name
    """A tokenizer of labelled text."""
    embedding_size: Size
    """The size of the token embeddings."""
    dropout: Dropout
    """The dropout rate for the mean, in training only."""
    training: Training
    """How the network is trained. `batch_size` is the number of texts in a batch."""
