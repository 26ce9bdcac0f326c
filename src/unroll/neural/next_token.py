"""Language models that are networks with a state: what they are trained on, and how they answer the contract.

A network reads tokens (B, T) in a state and gives hidden vectors (B, T, H) and the state after the last. What it gives
for a token depends on the tokens up to it alone, and reading a text in pieces is the same as reading it whole.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import ceil
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unroll.neural import dynamic
from unroll.neural.initial import Initial
from unroll.neural.recurrent import State, detach, select
from unroll.neural.softmax import Adaptive, Softmax
from unroll.params.evaluate import DynamicSgd
from unroll.params.models import Training
from unroll.partition import Data, Ids, Stream, epoch_plan, random_batches, sequential_batches
from unroll.text.vocabulary import BOS, PAD

LOGITS = 1 << 22
"""Logits computed at once when scoring, 16 MB: like the two below it bounds memory and changes no score."""
ROWS, STEPS = 64, 256
"""Documents scored side by side, and tokens of each read at once."""


class Network(nn.Module):
    """Embedding -> layers -> softmax. The state is a tuple of tensors (B, ...)."""

    embedding: nn.Embedding
    softmax: Softmax | Adaptive

    def start(self, batch_size: int) -> State:
        """The state of `batch_size` rows that have read nothing."""
        raise NotImplementedError

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, T) ids -> (B, T, H) hidden vectors and the state after the last. `<bos>` begins a document: what stands
        before it is not seen from there on."""
        raise NotImplementedError


class Task:
    """Next-token prediction on subsequences of the train stream (`unroll.neural.fit.Task`)."""

    def __init__(self, network: Network, order: Literal["random", "sequential"], batch_size: int, data: Data) -> None:
        self.network, self.data = network, data
        self.carry, self.rows = order == "sequential", batch_size

    def steps(self, epoch: int) -> int:
        tokens, n = len(self.data.train.tokens), self.data.sequence_length
        offset, count = epoch_plan(self.data.seed, epoch, tokens, n)
        return ceil((tokens - offset - 1) // self.rows / n) if self.carry else ceil(count / self.rows)

    def _subsequences(self, stream: Stream, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        batches = sequential_batches if self.carry else random_batches
        for x, y in batches(stream, self.data.sequence_length, self.rows, self.data.seed, epoch):
            yield as_tensor(x), as_tensor(y)

    def train_batches(self, epoch: int) -> Iterable[tuple[Tensor, Tensor]]:
        return self._subsequences(self.data.train, epoch)

    def valid_batches(self) -> Sequence[tuple[Tensor, Tensor]]:
        return list(self._subsequences(self.data.valid, 0))

    def loss(self, batch: tuple[Tensor, Tensor], state: State | None) -> tuple[Tensor, Tensor, State | None]:
        tokens, targets = batch  # (B, T), (B, T)
        hidden, after = self.network(tokens, state or self.network.start(len(tokens)))
        return self.network.softmax.loss(hidden, targets), (targets > BOS).sum(), detach(after) if self.carry else None


class Predictor:
    """LanguageModel, Adapts and Embeds. The state is the network's and the top hidden vector of each context."""

    def __init__(self, network: Network, vocabulary_size: int) -> None:
        self.network, self.vocabulary_size = network.eval(), vocabulary_size

    @property
    def embedding(self) -> NDArray[np.floating]:
        return self.network.embedding.weight.detach().numpy()

    @torch.inference_mode()
    def start(self, batch_size: int = 1) -> tuple[Tensor, State]:
        return self._read(self.network.start(batch_size), np.full(batch_size, BOS))

    @torch.inference_mode()
    def advance(self, state: tuple[Tensor, State], tokens: Ids) -> tuple[Tensor, State]:
        return self._read(state[1], tokens)

    def _read(self, state: State, tokens: Ids) -> tuple[Tensor, State]:
        hidden, after = self.network(as_tensor(tokens)[:, None], state)
        return hidden[:, 0], after

    @torch.inference_mode()
    def next_log_probs(self, state: tuple[Tensor, State]) -> NDArray[np.floating]:
        return self.network.softmax.log_probs(state[0]).numpy()

    def select(self, state: tuple[Tensor, State], rows: Ids) -> tuple[Tensor, State]:
        hidden, *after = select((state[0], *state[1]), as_tensor(rows))
        return hidden, tuple(after)

    def log_probs(self, documents: Sequence[Ids]) -> list[NDArray[np.floating]]:
        """Documents of like length side by side, some steps at a time."""
        results = [np.empty(len(document), dtype=np.float32) for document in documents]
        order = np.argsort([-len(document) for document in documents], kind="stable")
        for first in range(0, len(order), ROWS):
            rows = order[first : first + ROWS]
            self._score([documents[row] for row in rows], [results[row] for row in rows])
        return results

    def adapted_log_probs(self, documents: Sequence[Ids], params: DynamicSgd) -> list[NDArray[np.floating]]:
        """Dynamic evaluation."""
        return [*dynamic.score(self.network, documents, params)]

    @torch.inference_mode()
    def _score(self, documents: list[Ids], results: list[NDArray[np.float32]]) -> None:
        """Fill `results`; the longest document comes first, and a row that has ended leaves the batch."""
        lengths = np.asarray([len(document) for document in documents])
        state, first = self.network.start(len(documents)), 0
        while (active := int((lengths > first).sum())) > 0:
            steps = min(max(1, LOGITS // (self.vocabulary_size * active)), int(lengths[0]) - first, STEPS)
            tokens = np.full((active, steps + 1), PAD, dtype=np.int64)
            for row, document in enumerate(documents[:active]):
                read = document[max(0, first - 1) : first + steps]
                read = read if first else np.concatenate([[BOS], read])
                tokens[row, : len(read)] = read
            batch = torch.from_numpy(tokens)
            hidden, state = self.network(batch[:, :-1], tuple(part[:active] for part in state))
            scores = -self.network.softmax.negative_log_likelihood(hidden, batch[:, 1:]).numpy()
            for row, result in enumerate(results[:active]):
                piece = result[first : first + steps]
                piece[:] = scores[row, : len(piece)]
            first += steps


def train(task: Task, params: Training, report: Callable[..., None], initial: Initial | None) -> None:
    """Train `task.network` on task.data.train, stopping early on task.data.valid. Deterministic in task.data.seed and
    the weights it begins with. The embedding begins from `initial`, if given."""
    from unroll.neural.fit import fit  # Lightning, only where a network is trained

    network, data = task.network, task.data
    network.softmax.count(torch.from_numpy(np.bincount(data.train.tokens, minlength=data.vocabulary_size)))
    if initial is not None:
        initial.put(network.embedding)
    fit(task, params, data.seed, report)


def weights(network: nn.Module) -> dict[str, NDArray]:
    """What a network has learned or counted, by name; shared weights once."""
    every, once = dict(network.named_parameters(remove_duplicate=False)), dict(network.named_parameters())
    return {name: value.numpy() for name, value in network.state_dict().items() if name in once or name not in every}


@torch.no_grad()
def restore(network: nn.Module, saved: Mapping[str, NDArray[Any]]) -> None:
    """Put what `weights` gave back into an equal network."""
    state = network.state_dict()
    for name in weights(network):
        state[name].copy_(torch.from_numpy(saved[name]))


def as_tensor(tokens: Ids) -> Tensor:
    """Ids of any integer type as torch takes them."""
    return torch.from_numpy(np.asarray(tokens, dtype=np.int64))
