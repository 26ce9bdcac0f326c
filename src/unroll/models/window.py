"""Fixed-window neural language models: Bengio, Ducharme, Vincent and Jauvin (2003), equation 1; notes "RNN language
model", "Key differences from fixed-window models".

x = (E x_{t-w+1}, .., E x_t), p(x_{t+1} | x_t-w+1..x_t) = softmax(b + W x + U tanh(d + H x)); W = 0 unless `direct`. One
embedding E serves every place of the window. Places before the document's `<bos>` hold `<pad>`, whose embedding is
learned. The state is the last w - 1 tokens, (B, w - 1).
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from unroll.models import storage
from unroll.neural import next_token, softmax
from unroll.neural.initial import Initial
from unroll.neural.recurrent import State
from unroll.params.models import WindowParams
from unroll.partition import Data
from unroll.text.vocabulary import BOS, PAD


class Network(next_token.Network):
    """Embedding -> hidden layer (beside it, if `direct`, the embeddings themselves) -> softmax."""

    def __init__(self, params: WindowParams, vocabulary_size: int) -> None:
        super().__init__()
        self.window, self.direct = params.window, params.direct
        self.embedding = nn.Embedding(vocabulary_size, params.embedding_size)
        nn.init.uniform_(self.embedding.weight, -(params.embedding_size**-0.5), params.embedding_size**-0.5)
        width = params.window * params.embedding_size
        self.hidden = nn.Linear(width, params.hidden_size)  # H and d
        self.dropout = nn.Dropout(params.dropout)
        tied = self.embedding.weight if params.tie_weights else None
        size = params.hidden_size + (width if params.direct else 0)
        self.softmax = softmax.build(params.softmax, size, vocabulary_size, tied)  # U, W and b

    def start(self, batch_size: int) -> State:
        return (self.embedding.weight.new_full((batch_size, self.window - 1), PAD, dtype=torch.int64),)

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        read = torch.cat([state[0], tokens], dim=1)  # (B, w - 1 + T)
        x = self.dropout(self.embedding(windows(read, self.window))).flatten(2)  # (B, T, w D)
        hidden = self.dropout(torch.tanh(self.hidden(x)))
        after = read[:, read.shape[1] - (self.window - 1) :]
        return torch.cat([hidden, x], dim=2) if self.direct else hidden, (after,)


def windows(read: Tensor, size: int) -> Tensor:
    """(B, size - 1 + T) tokens -> (B, T, size): each of the last T with those before it, `<pad>` for another
    document's."""
    found = read.unfold(1, size, 1)
    is_begin = (found == BOS).long()
    begins_later = is_begin.flip(2).cumsum(2).flip(2) - is_begin  # how many documents begin after each place
    return torch.where(begins_later > 0, PAD, found)


class Model(next_token.Predictor):
    def __init__(self, params: WindowParams, vocabulary_size: int, network: Network) -> None:
        super().__init__(network, vocabulary_size)
        self.params = params

    def save(self, path: Path) -> None:
        described = {"params": self.params.model_dump(), "vocabulary_size": self.vocabulary_size}
        storage.write(path, described, next_token.weights(self.network))


def fit(params: WindowParams, data: Data, report: Callable[..., None], initial: Initial | None = None) -> Model:
    """Train on data.train, stopping early on data.valid. Deterministic in data.seed.

    The embedding begins from `initial`, if given."""
    torch.manual_seed(data.seed)
    network = Network(params, data.vocabulary_size)
    task = next_token.Task(network, params.order, params.training.batch_size, data)
    next_token.train(task, params.training, report, initial)
    return Model(params, data.vocabulary_size, network)


def load(path: Path) -> Model:
    """The model `Model.save` wrote."""
    saved = storage.read_params(path)
    params = WindowParams.model_validate(saved["params"])
    network = Network(params, saved["vocabulary_size"])
    next_token.restore(network, storage.read_weights(path))
    return Model(params, saved["vocabulary_size"], network)
