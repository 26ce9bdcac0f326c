"""Encoder-decoder networks (Sutskever, Vinyals and Le 2014): notes "Transformers-2", "Recurrent neural networks".

The encoder reads the source to its last state z* = z_T; the decoder starts from h_0 = z* and <start> (our <bos>), and
p(d_m | d_1..d_{m-1}, e_1..e_T) = softmax(W h_m + b) until <stop> (our <eos>). With attention the decoder also looks at
all of z_1..z_T (`unroll.neural.alignment`). A batch of training holds sources of one length: the encoder never reads
padding; and where sources of several lengths are decoded together, padding gets no attention. So it changes no score.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from unroll.models import storage
from unroll.models.protocol import LogProbs
from unroll.neural.alignment import Memory
from unroll.neural.decoder import Decoded, Decoder
from unroll.neural.encoder import Encoder
from unroll.neural.recurrent import State, select
from unroll.neural.softmax import Softmax
from unroll.params.models import Seq2seqParams
from unroll.partition import Data, Ids, bucketed_batches
from unroll.text.vocabulary import BOS, EOS, FIRST_PREDICTED, PAD

LOGITS = 1 << 22
"""Logits computed at once when scoring, 16 MB: bounds memory, changes no score."""
TOGETHER = 128
"""Sources encoded, or targets scored, together."""
SIDES = ("source", "target")

Batch = tuple[Tensor, Tensor, Tensor]
"""Sources (B, S) of one length with their <eos>, targets (B, T), and where (B, T) the decoder reads its own guess."""


class Network(nn.Module):
    """Embeddings, encoder, decoder and softmax."""

    def __init__(self, params: Seq2seqParams, source_size: int, target_size: int) -> None:
        super().__init__()
        sizes = (params.embedding_size, params.hidden_size, params.layers, params.dropout)
        attention = None if params.attention == "none" else params.attention
        self.target_embedding = _embedding(target_size, params.embedding_size)
        self.source_embedding = (
            self.target_embedding if params.share_embeddings else _embedding(source_size, params.embedding_size)
        )
        self.encoder = Encoder(params.cell, *sizes, params.bidirectional)
        self.decoder = Decoder(params.cell, *sizes, attention, params.input_feeding)
        tied = self.target_embedding.weight if params.tie_weights else None
        self.softmax = Softmax(params.hidden_size, target_size, tied)

    def encode(self, sources: Tensor) -> tuple[Tensor, State]:
        """Outputs (B, S, H) and z* of sources (B, S) of one length, each with its <eos>."""
        return self.encoder(self.source_embedding(sources))

    def decode(self, tokens: Tensor, state: State, memory: Memory | None) -> Decoded:
        """(B, T) previous target words, true ones."""
        return self.decoder(self.target_embedding(tokens), state, memory)

    def guess(self, tokens: Tensor, own: Tensor, state: State, memory: Memory | None) -> Tensor:
        """As `decode`, but where `own` is True the word read is the most probable one after the last; (B, T, H)."""
        read, outputs = tokens[:, 0], []
        for step in range(tokens.shape[1]):
            decoded = self.decode(read[:, None], state, memory)
            state = decoded.state
            outputs.append(decoded.outputs)
            if step + 1 < tokens.shape[1]:
                with torch.no_grad():
                    guessed = self.softmax.logits(decoded.outputs[:, 0]).argmax(-1) + FIRST_PREDICTED
                read = torch.where(own[:, step + 1], guessed, tokens[:, step + 1])
        return torch.cat(outputs, dim=1)


class Task:
    """Target words given the source."""

    def __init__(self, network: Network, params: Seq2seqParams, data: Data) -> None:
        self.network, self.params, self.data = network, params, data
        self.pairs = {split: [data.streams[split][side].documents for side in SIDES] for split in ("train", "valid")}
        self.planned = len(self._rows("train", 0))

    def steps(self, epoch: int) -> int:
        return self.planned

    def train_batches(self, epoch: int) -> Iterable[Batch]:
        """Words that the decoder guesses itself are drawn anew in every epoch, from (seed, epoch)."""
        forcing, last = self.params.teacher_forcing, max(1, self.params.training.epochs - 1)
        truth = forcing.first + (forcing.last - forcing.first) * epoch / last
        generator = np.random.default_rng([self.data.seed, epoch, 1])
        for sources, targets in self._batches("train", epoch):
            yield sources, targets, torch.from_numpy(generator.random(tuple(targets.shape)) >= truth)

    def valid_batches(self) -> Sequence[Batch]:
        return [(sources, targets, torch.zeros(0, 0)) for sources, targets in self._batches("valid", 0)]

    def _rows(self, split: str, epoch: int) -> list[NDArray[np.int64]]:
        """Rows of like length, those of one source length to a batch."""
        lengths = np.asarray([[len(document) for document in side] for side in self.pairs[split]]).T
        batches = bucketed_batches(lengths, self.params.training.batch_size, self.data.seed, epoch)
        return [part for rows in batches for part in np.split(rows, np.flatnonzero(np.diff(lengths[rows, 0])) + 1)]

    def _batches(self, split: str, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        sources, targets = self.pairs[split]
        for rows in self._rows(split, epoch):
            yield _stack([sources[row] for row in rows]), _stack([targets[row] for row in rows])

    def loss(self, batch: Batch, state: None) -> tuple[Tensor, Tensor, None]:
        sources, targets, own = batch
        values, last = self.network.encode(sources)
        start, memory = self.network.decoder.start(last), self.network.decoder.memory(values)
        tokens, training = _shifted(targets), self.network.training
        if training and own.any():
            outputs = self.network.guess(tokens, own, start, memory)
        else:
            outputs = self.network.decode(tokens, start, memory).outputs
        words = targets != PAD  # the softmax, most of the work, is for these alone
        outputs, targets, softmax = outputs[words], targets[words], self.network.softmax
        if training and self.params.label_smoothing:
            logits, smoothing = softmax.logits(outputs), self.params.label_smoothing
            nats = F.cross_entropy(logits, targets - FIRST_PREDICTED, reduction="sum", label_smoothing=smoothing)
        else:
            nats = softmax.loss(outputs, targets)
        return nats, words.sum(), None


@dataclass(frozen=True)
class Context:
    """The state of B targets: what the decoder has read, and which sources it looks at."""

    outputs: Tensor
    """(B, H), for the softmax."""
    state: State
    rows: Tensor
    """(B,) numbers of the sources."""
    memory: Memory | None
    """Of these rows."""
    weights: Tensor | None
    """(B, S) of the attention behind `outputs`."""


class Translation:
    """The language model of the targets of fixed sources: satisfies LanguageModel."""

    def __init__(self, network: Network, vocabulary_size: int, sources: Sequence[Ids]) -> None:
        self.network, self.vocabulary_size, self.count = network, vocabulary_size, len(sources)
        self.lengths = np.asarray([len(source) + 1 for source in sources])  # with <eos>
        self.last, self.memory = _encode(network, sources)

    def _rows(self, batch_size: int) -> Tensor:
        """The sources of `batch_size` contexts; a single source is repeated."""
        if self.count not in (1, batch_size):
            raise ValueError(f"{self.count} sources have as many contexts, not {batch_size}")
        return torch.arange(batch_size) % max(1, self.count)

    @torch.inference_mode()
    def start(self, batch_size: int = 1) -> Context:
        rows = self._rows(batch_size)
        last = self.network.decoder.start(select(self.last, rows))
        memory = self.memory.select(rows) if self.memory else None
        return self._read(Context(last[0], last, rows, memory, None), np.full(batch_size, BOS))

    @torch.inference_mode()
    def advance(self, state: Context, tokens: Ids) -> Context:
        return self._read(state, tokens)

    def _read(self, context: Context, tokens: Ids) -> Context:
        read = torch.from_numpy(np.asarray(tokens, dtype=np.int64))[:, None]
        outputs, after, weights = self.network.decode(read, context.state, context.memory)
        weights = None if weights is None else weights[:, 0]
        return Context(outputs[:, 0], after, context.rows, context.memory, weights)

    @torch.inference_mode()
    def next_log_probs(self, state: Context) -> LogProbs:
        return self.network.softmax.log_probs(state.outputs).numpy()

    @torch.inference_mode()
    def select(self, state: Context, rows: Ids) -> Context:
        index = torch.from_numpy(np.asarray(rows, dtype=np.int64))
        sources, memory = state.rows[index], state.memory
        if memory is not None and not torch.equal(sources, state.rows):  # beams of one source share it: no copy
            memory = memory.select(index)
        weights = None if state.weights is None else state.weights[index]
        return Context(state.outputs[index], select(state.state, index), sources, memory, weights)

    def attention(self, state: Context) -> NDArray[np.floating] | None:
        """Of the last word read; satisfies Attentive."""
        if state.weights is None:
            return None
        weights = state.weights.numpy().copy()
        weights[np.arange(weights.shape[1]) >= self.lengths[state.rows.numpy(), None]] = np.nan
        return weights

    @torch.inference_mode()
    def log_probs(self, documents: Sequence[Ids]) -> list[LogProbs]:
        """Document i given source i; with a single source, every document is given that one."""
        sources = self._rows(len(documents))
        results: list[LogProbs] = [np.empty(0, dtype=np.float32)] * len(documents)
        lengths = np.asarray([len(document) for document in documents], dtype=np.int64)
        order = np.argsort(lengths, kind="stable")
        for first in range(0, len(order), TOGETHER):
            rows = order[first : first + TOGETHER]
            targets, index = _stack([documents[row] for row in rows]), sources[torch.from_numpy(rows)]
            if targets.shape[1] == 0:
                continue
            memory = self.memory.select(index) if self.memory else None
            start = self.network.decoder.start(select(self.last, index))
            outputs, words = self.network.decode(_shifted(targets), start, memory).outputs, _within(lengths[rows])
            scores = self._scores(outputs[words], targets[words])
            for row, piece in zip(rows, torch.split(scores, words.sum(1).tolist()), strict=True):
                results[row] = piece.numpy()
        return results

    def _scores(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """(N, H), (N,) -> (N,) log p"""
        some = max(1, LOGITS // self.vocabulary_size)
        pieces = zip(torch.split(outputs, some), torch.split(targets, some), strict=True)
        return -torch.cat([self.network.softmax.negative_log_likelihood(*piece) for piece in pieces])


class Model:
    """Satisfies ConditionalModel."""

    def __init__(self, params: Seq2seqParams, sizes: tuple[int, int], network: Network) -> None:
        self.params, self.sizes, self.network = params, sizes, network.eval()
        self.vocabulary_size = sizes[1]

    def given(self, sources: Sequence[Ids]) -> Translation:
        return Translation(self.network, self.vocabulary_size, sources)

    def save(self, path: Path) -> None:
        weights = {name: value.numpy() for name, value in self.network.state_dict().items()}
        for name in _shared(self.params):
            del weights[name]
        sizes = dict(zip(("source_vocabulary_size", "vocabulary_size"), self.sizes, strict=True))
        storage.write(path, {"params": self.params.model_dump(), **sizes}, weights)


def fit(params: Seq2seqParams, data: Data, report: Callable[..., None]) -> Model:
    """Train on the pairs of the train split, stopping early on valid. Deterministic in data.seed."""
    from unroll.neural.fit import fit as train  # Lightning, only where a network is trained

    torch.manual_seed(data.seed)
    sizes = (data.source_vocabulary_size or data.vocabulary_size, data.vocabulary_size)
    network = Network(params, *sizes)
    train(Task(network, params, data), params.training, data.seed, report)
    return Model(params, sizes, network)


def load(path: Path) -> Model:
    """The model `Model.save` wrote."""
    saved: dict[str, Any] = storage.read_params(path)
    params = Seq2seqParams.model_validate(saved["params"])
    sizes = saved["source_vocabulary_size"], saved["vocabulary_size"]
    network = Network(params, *sizes)
    weights = {name: torch.from_numpy(value) for name, value in storage.read_weights(path).items()}
    network.load_state_dict(weights | dict.fromkeys(_shared(params), weights["target_embedding.weight"]))
    return Model(params, sizes, network)


def _shared(params: Seq2seqParams) -> list[str]:
    """Weights that are the target embedding's."""
    return ["source_embedding.weight"] * params.share_embeddings + ["softmax.weight"] * params.tie_weights


def _embedding(vocabulary_size: int, size: int) -> nn.Embedding:
    embedding = nn.Embedding(vocabulary_size, size)
    nn.init.uniform_(embedding.weight, -(size**-0.5), size**-0.5)
    return embedding


@torch.inference_mode()
def _encode(network: Network, sources: Sequence[Ids]) -> tuple[State, Memory | None]:
    """z* and memory of all sources, a row each; those of one length are read together."""
    with_end = [np.append(source, EOS) for source in sources] or [np.asarray([EOS])]
    lengths = np.asarray([len(source) for source in with_end])
    order = np.argsort(lengths, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1)
    groups = [rows[first : first + TOGETHER] for rows in groups for first in range(0, len(rows), TOGETHER)]
    read = [network.encode(_stack([with_end[row] for row in rows])) for rows in groups]
    back, words = torch.from_numpy(np.argsort(order)), _within(lengths)
    last = tuple(torch.cat(parts)[back] for parts in zip(*(state for _, state in read), strict=True))
    if network.decoder.alignment is None:
        return last, None
    values = torch.cat([F.pad(outputs, (0, 0, 0, words.shape[1] - outputs.shape[1])) for outputs, _ in read])[back]
    return last, network.decoder.memory(values, None if bool(words.all()) else words)


def _stack(documents: Sequence[Ids]) -> Tensor:
    """(B, T) with <pad> after the end of the shorter ones."""
    tokens = np.full((len(documents), max(map(len, documents), default=0)), PAD, dtype=np.int64)
    for row, document in enumerate(documents):
        tokens[row, : len(document)] = document
    return torch.from_numpy(tokens)


def _within(lengths: NDArray[np.int64]) -> Tensor:
    """(B, longest), False behind the end of a row."""
    return torch.arange(int(lengths.max())) < torch.from_numpy(lengths)[:, None]


def _shifted(targets: Tensor) -> Tensor:
    """What the decoder reads: <start>, then the target without its last token."""
    return torch.cat([torch.full_like(targets[:, :1], BOS), targets[:, :-1]], dim=1)
