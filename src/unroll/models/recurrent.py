"""Recurrent language models: simple networks (Elman 1990), GRU, LSTM, minGRU and minLSTM.

h_t = cell(E x_t, h_{t-1}), p(x_{t+1} | x_1..x_t) = softmax(W h_t + b); Mikolov et al. (2010); notes "RNN language
model" and "Recurrent Neural Networks" (Qin), section 3. Trained on subsequences by truncated backpropagation through
time; scored document by document from a zero state, whatever the training order was.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from unroll.models import storage
from unroll.models.protocol import LogProbs
from unroll.neural import softmax
from unroll.neural.activation_penalty import activation_penalty
from unroll.neural.embedding_dropout import embed
from unroll.neural.initial import Initial
from unroll.neural.recurrent import Recurrent, State, detach, select
from unroll.params.models import RecurrentParams
from unroll.partition import Data, Ids, Stream, epoch_plan, random_batches, sequential_batches
from unroll.text.vocabulary import BOS, PAD

LOGITS = 1 << 22
"""Logits computed at once when scoring, 16 MB: bounds memory, fits the cache, changes no score."""


class Network(nn.Module):
    """Embedding -> recurrent layers -> softmax."""

    def __init__(self, params: RecurrentParams, vocabulary_size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, params.embedding_size)
        nn.init.uniform_(self.embedding.weight, -(params.embedding_size**-0.5), params.embedding_size**-0.5)
        self.recurrent = Recurrent(
            params.cell, params.embedding_size, params.sizes, params.layers, params.dropout, params.residual
        )
        self.embedding_dropout = params.dropout.embedding
        tied = self.embedding.weight if params.tie_weights else None
        self.softmax = softmax.build(params.softmax, params.sizes[-1], vocabulary_size, tied)

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, T) ids -> (B, T, H) hidden vectors and the state after the last."""
        raw, after = self.unroll(tokens, state)
        return self.recurrent.after(raw).transpose(0, 1), after

    def unroll(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, T) ids -> outputs (T, B, H) of the last layer, before its dropout, and the state after the last."""
        rate = self.embedding_dropout if self.training else 0.0
        return self.recurrent.unroll(embed(self.embedding, tokens.t(), rate), state)


class Task:
    """Next-token prediction on subsequences of the train stream."""

    def __init__(self, network: Network, params: RecurrentParams, data: Data) -> None:
        self.network, self.data, self.penalty = network, data, params.activation_penalty
        self.carry = params.order == "sequential"
        self.rows = params.training.batch_size

    def steps(self, epoch: int) -> int:
        tokens, n = len(self.data.train.tokens), self.data.sequence_length
        offset, count = epoch_plan(self.data.seed, epoch, tokens, n)
        return ceil((tokens - offset - 1) // self.rows / n) if self.carry else ceil(count / self.rows)

    def _subsequences(self, stream: Stream, epoch: int) -> Iterator[tuple[Ids, Ids]]:
        batches = sequential_batches if self.carry else random_batches
        return batches(stream, self.data.sequence_length, self.rows, self.data.seed, epoch)

    def train_batches(self, epoch: int) -> Iterable[tuple[Tensor, Tensor]]:
        return ((_tensor(x), _tensor(y)) for x, y in self._subsequences(self.data.train, epoch))

    def valid_batches(self) -> Sequence[tuple[Tensor, Tensor]]:
        return [(_tensor(x), _tensor(y)) for x, y in self._subsequences(self.data.valid, 0)]

    def loss(self, batch: tuple[Tensor, Tensor], state: State | None) -> tuple[Tensor, Tensor, State | None]:
        """In training with the activation penalty, as if every token had it."""
        tokens, targets = batch  # (B, T), (B, T)
        raw, after = self.network.unroll(tokens, state or self.network.recurrent.start(len(tokens)))
        hidden = self.network.recurrent.after(raw)  # (T, B, H)
        nats = self.network.softmax.loss(hidden, targets.t())
        count = (targets > BOS).sum()
        if self.network.training and (self.penalty.size or self.penalty.change):
            nats = nats + count * activation_penalty(hidden, raw, self.penalty.size, self.penalty.change)
        return nats, count, detach(after) if self.carry else None


class Model:
    """Satisfies LanguageModel. The state is the recurrent state and the top hidden vector of each context."""

    def __init__(self, params: RecurrentParams, vocabulary_size: int, network: Network) -> None:
        self.params, self.vocabulary_size, self.network = params, vocabulary_size, network.eval()

    @torch.inference_mode()
    def start(self, batch_size: int = 1) -> tuple[Tensor, State]:
        return self._read(self.network.recurrent.start(batch_size), np.full(batch_size, BOS))

    @torch.inference_mode()
    def advance(self, state: tuple[Tensor, State], tokens: Ids) -> tuple[Tensor, State]:
        return self._read(state[1], tokens)

    def _read(self, state: State, tokens: Ids) -> tuple[Tensor, State]:
        hidden, after = self.network(_tensor(tokens)[:, None], state)
        return hidden[:, 0], after

    @torch.inference_mode()
    def next_log_probs(self, state: tuple[Tensor, State]) -> LogProbs:
        return self.network.softmax.log_probs(state[0]).numpy()

    def select(self, state: tuple[Tensor, State], rows: Ids) -> tuple[Tensor, State]:
        (hidden,), after = select((state[0],), _tensor(rows)), select(state[1], _tensor(rows))
        return hidden, after

    @torch.inference_mode()
    def log_probs(self, documents: Sequence[Ids]) -> list[LogProbs]:
        """Documents side by side, longest first, some steps at a time; a row that has ended leaves the batch."""
        results = [np.empty(len(document), dtype=np.float32) for document in documents]
        order = np.argsort([-len(document) for document in documents], kind="stable")
        lengths = np.asarray([len(documents[index]) for index in order])
        state = self.network.recurrent.start(len(order))
        first = 0
        while (active := int((lengths > first).sum())) > 0:
            steps = min(max(1, LOGITS // (self.vocabulary_size * active)), int(lengths[0]) - first)
            tokens = np.full((active, steps + 1), PAD, dtype=np.int64)
            for row, index in enumerate(order[:active]):
                read = np.concatenate([[BOS], documents[index]])[first : first + steps + 1]
                tokens[row, : len(read)] = read
            batch = torch.from_numpy(tokens)
            hidden, state = self.network(batch[:, :-1], tuple(part[:active] for part in state))
            scores = -self.network.softmax.negative_log_likelihood(hidden, batch[:, 1:]).numpy()
            for row, index in enumerate(order[:active]):
                piece = results[index][first : first + steps]
                piece[:] = scores[row, : len(piece)]
            first += steps
        return results

    def save(self, path: Path) -> None:
        weights = {name: value.numpy() for name, value in self.network.state_dict().items()}
        if self.params.tie_weights:
            del weights["softmax.weight"]  # the embedding's own
        storage.write(path, {"params": self.params.model_dump(), "vocabulary_size": self.vocabulary_size}, weights)


def fit(params: RecurrentParams, data: Data, report: Callable[..., None], initial: Initial | None = None) -> Model:
    """Train on data.train, stopping early on data.valid. Deterministic in data.seed.

    The embedding begins from `initial`, if given."""
    from unroll.neural.fit import fit as train  # Lightning, only where a network is trained

    torch.manual_seed(data.seed)
    network = Network(params, data.vocabulary_size)
    network.softmax.count(torch.from_numpy(np.bincount(data.train.tokens, minlength=data.vocabulary_size)))
    if initial is not None:
        initial.put(network.embedding)
    train(Task(network, params, data), params.training, data.seed, report)
    return Model(params, data.vocabulary_size, network)


def load(path: Path) -> Model:
    """The model `Model.save` wrote."""
    saved: dict[str, Any] = storage.read_params(path)
    params = RecurrentParams.model_validate(saved["params"])
    network = Network(params, saved["vocabulary_size"])
    weights = {name: torch.from_numpy(value) for name, value in storage.read_weights(path).items()}
    if params.tie_weights:
        weights["softmax.weight"] = weights["embedding.weight"]
    network.load_state_dict(weights)
    return Model(params, saved["vocabulary_size"], network)


def _tensor(tokens: Ids) -> Tensor:
    return torch.from_numpy(np.asarray(tokens, dtype=np.int64))
