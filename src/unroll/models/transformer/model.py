"""Causal transformer language models: Radford et al. (2019); Bishop and Bishop (2023), chapter 12.

    h_t = transformer(E x_1, .., E x_t),  p(x_{t+1} | x_1..x_t) = softmax(W h_t + b)

Every layer attends to the last n = `context` positions of the document, so L layers reach L (n - 1) tokens back. The
state holds the keys and values of the last n - 1 positions of each layer (`unroll.models.transformer.layers`).
"""

from torch import Tensor, nn

from unroll.layers import softmax
from unroll.layers.network import LanguageModelNetwork
from unroll.layers.recurrent import State
from unroll.models.base.neural_language_model import NeuralLanguageModel
from unroll.models.transformer.layers import STANDARD_DEVIATION, Transformer
from unroll.models.transformer.params import TransformerParams
from unroll.text.tokenizers.vocabulary import BOS


class Network(LanguageModelNetwork):
    """Embedding -> transformer -> softmax."""

    def __init__(self, params: TransformerParams, vocabulary_size: int) -> None:
        """Build the network with initial weights drawn from torch's global generator."""
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, params.hidden_size)
        nn.init.normal_(self.embedding.weight, 0, STANDARD_DEVIATION)
        self.transformer = Transformer(
            params.hidden_size, params.layers, params.heads, params.feedforward_size, params.context, params.dropout
        )
        tied = self.embedding.weight if params.tie_weights else None
        self.softmax = softmax.build(params.softmax, params.hidden_size, vocabulary_size, tied)

    def start(self, batch_size: int) -> State:
        """Return the state of `batch_size` rows that have read nothing."""
        return self.transformer.start(batch_size)

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read tokens (B, T); return hidden vectors (B, T, H) and the state after the last token."""
        return self.transformer(self.embedding(tokens), tokens == BOS, state)


class Model(NeuralLanguageModel):
    """A causal transformer language model."""

    settings = TransformerParams
    network_type = Network


fit, load = Model.fit, Model.load
