"""A recurrent network that reads a text and predicts its class (many-to-one; Graves 2012, section 3).

    h_1 .. h_T = layers(E x_1 .. E x_T),   v = pool(h_1 .. h_T),   p(c | x) = softmax(W v + b)

The text ends with `<eos>`, which is read, too, so that no text is empty.
"""

import numpy as np
from torch import Tensor, nn

from unroll.layers.dropout import embed
from unroll.layers.network import uniform_embedding
from unroll.layers.pooling import AttentionPooling, mean
from unroll.layers.sequence_encoder import SequenceEncoder
from unroll.models.base.neural_classifier import NeuralClassifier
from unroll.models.recurrent_classifier.params import RecurrentClassifierParams
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import EOS
from unroll.training.classification import ClassifierNetwork


class Network(ClassifierNetwork):
    """Embedding -> recurrent layers -> pooling -> output layer."""

    def __init__(self, params: RecurrentClassifierParams, vocabulary_size: int, classes: int) -> None:
        """Build the network with initial weights drawn from torch's global generator."""
        super().__init__(params)
        self.embedding = uniform_embedding(vocabulary_size, params.embedding_size)
        self.encoder = SequenceEncoder(
            params.cell, params.embedding_size, params.hidden_size, params.layers, params.bidirectional, params.dropout
        )
        self.attention = AttentionPooling(self.encoder.size) if params.pooling == "attention" else None
        self.output = nn.Linear(self.encoder.size, classes)
        self.pooling, self.max_tokens = params.pooling, params.max_tokens
        self.embedding_dropout = params.dropout.embedding

    def select_tokens(self, document: Ids) -> Ids:
        """Return the first tokens of a document and `<eos>`."""
        words = document[:-1] if len(document) and document[-1] == EOS else document
        return np.append(words[: self.max_tokens], EOS)

    def forward(self, tokens: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor | None]:
        """Read documents (B, T) of these lengths (B,).

        Returns:
            The logits of the classes (B, C), and the attention weights of the tokens (B, T); None without attention.
        """
        rate = self.embedding_dropout if self.training else 0.0
        outputs = self.encoder(embed(self.embedding, tokens.t(), rate), lengths)  # (T, B, H)
        if self.attention is not None:
            pooled, weights = self.attention(outputs, lengths)
            return self.output(pooled), weights.t()
        pooled = self.encoder.last(outputs, lengths) if self.pooling == "last" else mean(outputs, lengths)
        return self.output(pooled), None


class Model(NeuralClassifier):
    """A recurrent classifier."""

    settings = RecurrentClassifierParams
    network_type = Network


fit, load = Model.fit, Model.load
