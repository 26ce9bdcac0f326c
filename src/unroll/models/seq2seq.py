"""Encoder-decoder networks (Sutskever, Vinyals and Le 2014): notes "Transformers-2", "Recurrent neural networks".

The encoder reads the source to its last state z* = z_T; the decoder starts from h_0 = z* and <start> (our <bos>), and
p(d_m | d_1..d_{m-1}, e_1..e_T) = softmax(W h_m + b) until <stop> (our <eos>). Trained by teacher forcing: the decoder
reads the true previous word. Batches hold sources of one length, so that the encoder never reads padding and padding
cannot change a score.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from unroll.models import storage
from unroll.models.protocol import LogProbs
from unroll.neural.recurrent import Recurrent, State, select
from unroll.neural.softmax import Softmax
from unroll.params.models import Seq2seqParams
from unroll.partition import Data, Ids
from unroll.text.vocabulary import BOS, EOS, PAD


class Network(nn.Module):
    """Embedding, encoder, decoder and softmax; source and target share the vocabulary and the embedding."""

    def __init__(self, params: Seq2seqParams, vocabulary_size: int) -> None:
        super().__init__()
        sizes = (params.embedding_size, params.hidden_size, params.layers, params.dropout)
        self.embedding = nn.Embedding(vocabulary_size, params.embedding_size)
        nn.init.uniform_(self.embedding.weight, -(params.embedding_size**-0.5), params.embedding_size**-0.5)
        self.encoder = Recurrent(params.cell, *sizes)
        self.decoder = Recurrent(params.cell, *sizes)
        self.softmax = Softmax(params.hidden_size, vocabulary_size)

    def encode(self, sources: Tensor) -> State:
        """z* of sources (B, S) of one length, each with its <eos>."""
        return self.encoder(self.embedding(sources), self.encoder.start(len(sources)))[1]

    def decode(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, T) previous target tokens -> (B, T, H) hidden vectors and the state after the last."""
        return self.decoder(self.embedding(tokens), state)


class Task:
    """Target tokens given the source, by teacher forcing."""

    def __init__(self, network: Network, params: Seq2seqParams, data: Data) -> None:
        self.network, self.data, self.rows = network, data, params.training.batch_size
        self.planned = len(list(self._batches("train", np.random.default_rng(0))))

    def steps(self, epoch: int) -> int:
        return self.planned

    def _batches(self, split: str, generator: np.random.Generator | None) -> Iterator[tuple[Tensor, Tensor]]:
        sources, targets = (self.data.streams[split][side].documents for side in ("source", "target"))
        batches = []
        for rows in _by_length(sources):
            rows = generator.permutation(rows) if generator else rows
            batches += [rows[first : first + self.rows] for first in range(0, len(rows), self.rows)]
        for index in generator.permutation(len(batches)) if generator else range(len(batches)):
            rows = batches[index]
            yield _stack([sources[row] for row in rows]), _stack([targets[row] for row in rows])

    def train_batches(self, epoch: int) -> Iterable[tuple[Tensor, Tensor]]:
        return self._batches("train", np.random.default_rng([self.data.seed, epoch]))

    def valid_batches(self) -> Sequence[tuple[Tensor, Tensor]]:
        return list(self._batches("valid", None))

    def loss(self, batch: tuple[Tensor, Tensor], state: None) -> tuple[Tensor, Tensor, None]:
        sources, targets = batch  # (B, S), (B, T)
        hidden, _ = self.network.decode(_shifted(targets), self.network.encode(sources))
        return self.network.softmax.negative_log_likelihood(hidden, targets).sum(), (targets != PAD).sum(), None


class Translation:
    """The language model of the targets of fixed sources: satisfies LanguageModel."""

    def __init__(self, network: Network, vocabulary_size: int, sources: Sequence[Ids]) -> None:
        self.network, self.vocabulary_size = network, vocabulary_size
        self.encoded = _encode(network, sources)  # z*, one row per source

    @torch.inference_mode()
    def start(self, batch_size: int = 1) -> tuple[Tensor, State]:
        return self._read(self._encoded(batch_size), np.full(batch_size, BOS))

    def _encoded(self, rows: int) -> State:
        """z* of `rows` contexts; a single source is repeated."""
        if len(self.encoded[0]) == rows:
            return self.encoded
        if len(self.encoded[0]) == 1:
            return select(self.encoded, torch.zeros(rows, dtype=torch.int64))
        raise ValueError(f"{len(self.encoded[0])} sources have as many contexts, not {rows}")

    @torch.inference_mode()
    def advance(self, state: tuple[Tensor, State], tokens: Ids) -> tuple[Tensor, State]:
        return self._read(state[1], tokens)

    def _read(self, state: State, tokens: Ids) -> tuple[Tensor, State]:
        hidden, after = self.network.decode(torch.from_numpy(np.asarray(tokens, dtype=np.int64))[:, None], state)
        return hidden[:, 0], after

    @torch.inference_mode()
    def next_log_probs(self, state: tuple[Tensor, State]) -> LogProbs:
        return self.network.softmax.log_probs(state[0]).numpy()

    def select(self, state: tuple[Tensor, State], rows: Ids) -> tuple[Tensor, State]:
        index = torch.from_numpy(np.asarray(rows, dtype=np.int64))
        return state[0].index_select(0, index), select(state[1], index)

    @torch.inference_mode()
    def log_probs(self, documents: Sequence[Ids]) -> list[LogProbs]:
        """Document i given source i; with a single source, every document is given that one."""
        encoded = self._encoded(len(documents))
        results: list[LogProbs] = [np.empty(0, dtype=np.float32)] * len(documents)
        for first in range(0, len(documents), 256):
            piece = documents[first : first + 256]
            if (targets := _stack(piece)).shape[1] > 0:
                hidden, _ = self.network.decode(_shifted(targets), tuple(part[first : first + 256] for part in encoded))
                scores = -self.network.softmax.negative_log_likelihood(hidden, targets).numpy()
                for row, document in enumerate(piece):
                    results[first + row] = scores[row, : len(document)]
        return results


class Model:
    """Satisfies ConditionalModel."""

    def __init__(self, params: Seq2seqParams, vocabulary_size: int, network: Network) -> None:
        self.params, self.vocabulary_size, self.network = params, vocabulary_size, network.eval()

    def given(self, sources: Sequence[Ids]) -> Translation:
        return Translation(self.network, self.vocabulary_size, sources)

    def save(self, path: Path) -> None:
        weights = {name: value.numpy() for name, value in self.network.state_dict().items()}
        storage.write(path, {"params": self.params.model_dump(), "vocabulary_size": self.vocabulary_size}, weights)


def fit(params: Seq2seqParams, data: Data, report: Callable[..., None]) -> Model:
    """Train on the pairs of the train split, stopping early on valid. Deterministic in data.seed."""
    from unroll.neural.fit import fit as train  # Lightning, only where a network is trained

    torch.manual_seed(data.seed)
    network = Network(params, data.vocabulary_size)
    train(Task(network, params, data), params.training, data.seed, report)
    return Model(params, data.vocabulary_size, network)


def load(path: Path) -> Model:
    """The model `Model.save` wrote."""
    saved: dict[str, Any] = storage.read_params(path)
    params = Seq2seqParams.model_validate(saved["params"])
    network = Network(params, saved["vocabulary_size"])
    network.load_state_dict({name: torch.from_numpy(value) for name, value in storage.read_weights(path).items()})
    return Model(params, saved["vocabulary_size"], network)


@torch.inference_mode()
def _encode(network: Network, sources: Sequence[Ids]) -> State:
    with_end = [np.concatenate([source, [EOS]]) for source in sources]
    groups = _by_length(with_end)
    states = [network.encode(_stack([with_end[row] for row in rows])) for rows in groups]
    back = torch.from_numpy(np.argsort(np.concatenate(groups)))
    return tuple(torch.cat(parts).index_select(0, back) for parts in zip(*states, strict=True))


def _by_length(documents: Sequence[Ids]) -> list[Ids]:
    """Row numbers grouped by the documents' length, shortest first."""
    lengths = np.asarray([len(document) for document in documents])
    return [np.flatnonzero(lengths == length) for length in np.unique(lengths)]


def _stack(documents: Sequence[Ids]) -> Tensor:
    """(B, T) with <pad> after the end of the shorter ones."""
    tokens = np.full((len(documents), max(map(len, documents), default=0)), PAD, dtype=np.int64)
    for row, document in enumerate(documents):
        tokens[row, : len(document)] = document
    return torch.from_numpy(tokens)


def _shifted(targets: Tensor) -> Tensor:
    """What the decoder reads: <start>, then the target without its last token."""
    return torch.cat([torch.full_like(targets[:, :1], BOS), targets[:, :-1]], dim=1)
