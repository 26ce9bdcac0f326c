"""Fixed-window neural language models: Bengio, Ducharme, Vincent and Jauvin (2003), equation 1.

    x = (E x_{t-w+1}, .., E x_t),  p(x_{t+1} | x_{t-w+1}..x_t) = softmax(b + W x + U tanh(d + H x))

W = 0 without `direct_connections`. One embedding E serves every place of the window; it is the identity for one-hot
inputs. Places before the document's
`<bos>` hold `<pad>`, whose embedding is learned. The state is the last w - 1 tokens, (B, w - 1).
"""

import torch
from torch import Tensor, nn

from unroll.layers import softmax
from unroll.layers.network import LanguageModelNetwork, build_embedding
from unroll.layers.one_hot import project_windows
from unroll.layers.recurrent import State
from unroll.models.base.neural_language_model import NeuralLanguageModel
from unroll.models.window.params import WindowParams
from unroll.text.tokenizers.vocabulary import BOS, PAD


class Network(LanguageModelNetwork):
    """Embedding -> hidden layer, and optionally direct connections -> softmax."""

    def __init__(self, params: WindowParams, vocabulary_size: int) -> None:
        """Build the network with initial weights drawn from torch's global generator."""
        super().__init__()
        self.window, self.direct_connections = params.window, params.direct_connections
        self.embedding = build_embedding(vocabulary_size, params.embedding_size)
        width = params.window * self.embedding.embedding_dim
        self.hidden = nn.Linear(width, params.hidden_size)  # H and d
        self.dropout = nn.Dropout(params.dropout)
        tied = self.token_vectors if params.tie_weights else None
        size = params.hidden_size + (width if params.direct_connections else 0)
        self.softmax = softmax.build(params.softmax, size, vocabulary_size, tied)  # U, W and b

    @property
    def input_weight(self) -> Tensor:
        """The weights (w H, V) that read one-hot inputs, of all places of the window."""
        return torch.cat(self.hidden.weight.chunk(self.window, 1))

    def start(self, batch_size: int) -> State:
        """Return the state of `batch_size` rows: windows of `<pad>`."""
        return (self.hidden.weight.new_full((batch_size, self.window - 1), PAD, dtype=torch.int64),)

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Read tokens (B, T); return hidden vectors (B, T, H) and the last w - 1 tokens."""
        read = torch.cat([state[0], tokens], dim=1)  # (B, w - 1 + T)
        x, after = self.embedding(windows(read, self.window)), (read[:, read.shape[1] - (self.window - 1) :],)
        if not x.is_floating_point():  # one-hot
            return self.dropout(torch.tanh(project_windows(x, self.hidden.weight, self.hidden.bias))), after
        x = self.dropout(x).flatten(2)  # (B, T, w E)
        hidden = self.dropout(torch.tanh(self.hidden(x)))
        return torch.cat([hidden, x], dim=2) if self.direct_connections else hidden, after


def windows(read: Tensor, size: int) -> Tensor:
    """Return the window of each token.

    Args:
        read: Tokens (B, size - 1 + T).
        size: The size of the window.

    Returns:
        (B, T, size): each of the last T tokens with those before it. Tokens of another document are `<pad>`.
    """
    tokens = read.unfold(1, size, 1)
    is_begin = (tokens == BOS).long()
    begins_later = is_begin.flip(2).cumsum(2).flip(2) - is_begin  # the number of documents that begin after each place
    return torch.where(begins_later > 0, PAD, tokens)


class Model(NeuralLanguageModel):
    """A fixed-window language model."""

    settings = WindowParams
    network_type = Network


fit, load = Model.fit, Model.load
