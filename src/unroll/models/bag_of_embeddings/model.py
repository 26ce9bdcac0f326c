"""A linear classifier of the mean embedding of a text: fastText's (Joulin, Grave, Bojanowski and Mikolov 2017).

    p(c | x) = softmax(W v + b),   v = (E x_1 + .. + E x_T) / T

The order of the tokens has no effect, and `<eos>` is left out. The mean of a text without tokens is zero.
"""

import numpy as np
from torch import Tensor, nn

from unroll.layers.network import uniform_embedding
from unroll.layers.pooling import mean
from unroll.models.bag_of_embeddings.params import BagOfEmbeddingsParams
from unroll.models.base.neural_classifier import NeuralClassifier
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import UNK
from unroll.training.classification import ClassifierNetwork


class Network(ClassifierNetwork):
    """Embedding -> mean -> output layer."""

    def __init__(self, params: BagOfEmbeddingsParams, vocabulary_size: int, classes: int) -> None:
        """Build the network with initial weights drawn from torch's global generator."""
        super().__init__(params)
        self.embedding = uniform_embedding(vocabulary_size, params.embedding_size)
        self.dropout = nn.Dropout(params.dropout)
        self.output = nn.Linear(params.embedding_size, classes)

    def select_tokens(self, document: Ids) -> Ids:
        """Return the tokens of a document without `<eos>`."""
        return np.asarray(document)[np.asarray(document) >= UNK]

    def forward(self, tokens: Tensor, lengths: Tensor) -> tuple[Tensor, None]:
        """Return the logits of the classes (B, C) of documents (B, T) of these lengths (B,), and no weights."""
        return self.output(self.dropout(mean(self.embedding(tokens.t()), lengths))), None


class Model(NeuralClassifier):
    """A bag of embeddings."""

    settings = BagOfEmbeddingsParams
    network_type = Network


fit, load = Model.fit, Model.load
