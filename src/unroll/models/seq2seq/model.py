"""Encoder-decoder networks (Sutskever, Vinyals and Le 2014): notes "Transformers-2", "Recurrent neural networks".

The network is `unroll.models.seq2seq.network`, its training `unroll.models.seq2seq.task`. Where sources of several lengths are
decoded together, each length is encoded by itself and padding gets no attention: it changes no score.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from unroll.layers.recurrent import State, select
from unroll.models.base import storage
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log, LogProbs
from unroll.models.seq2seq.attention import Memory
from unroll.models.seq2seq.network import EncoderDecoder
from unroll.models.seq2seq.params import Seq2seqParams
from unroll.models.seq2seq.task import Task, shifted, stack
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.vocabulary import BOS, EOS

LOGITS = 1 << 22
"""Logits computed at once when scoring, 16 MB: bounds memory, changes no score."""
TOGETHER = 128
"""Sources encoded, or targets scored, together."""


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

    def __init__(self, network: EncoderDecoder, vocabulary_size: int, sources: Sequence[Ids]) -> None:
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
        """Of the last word read; satisfies AttentionModel."""
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
            targets, index = stack([documents[row] for row in rows]), sources[torch.from_numpy(rows)]
            if targets.shape[1] == 0:
                continue
            memory = self.memory.select(index) if self.memory else None
            start = self.network.decoder.start(select(self.last, index))
            outputs, words = self.network.decode(shifted(targets), start, memory).outputs, _within(lengths[rows])
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

    def __init__(self, params: Seq2seqParams, sizes: tuple[int, int], network: EncoderDecoder) -> None:
        self.params, self.sizes, self.network = params, sizes, network.eval()
        self.vocabulary_size = sizes[1]

    def condition_on(self, sources: Sequence[Ids]) -> Translation:
        return Translation(self.network, self.vocabulary_size, sources)

    def save(self, path: Path) -> None:
        weights = {name: value.numpy() for name, value in self.network.state_dict().items()}
        for name in _shared(self.params):
            del weights[name]
        sizes = dict(zip(("source_vocabulary_size", "vocabulary_size"), self.sizes, strict=True))
        storage.write(path, {"params": self.params.model_dump(), **sizes}, weights)


def fit(params: Seq2seqParams, data: Data, inputs: Inputs, log: Log) -> Model:
    """Train on the pairs of the train split with early stopping on the valid split.

    Args:
        params: The settings.
        data: The partition of a corpus of pairs.
        inputs: The folder for checkpoints.
        log: Receives the measurements of the training.

    Returns:
        The trained model, a function of the settings, the data and data.seed.

    Raises:
        UnrollError: The training diverges, or the data is too small.
    """
    from unroll.training.fit import fit as train  # Lightning is imported only where a network is trained.

    torch.manual_seed(data.seed)
    sizes = (data.source_vocabulary_size or data.vocabulary_size, data.vocabulary_size)
    network = EncoderDecoder(params, *sizes)
    train(Task(network, params, data), params.training, data.seed, log, inputs.checkpoints)
    return Model(params, sizes, network)


def load(path: Path) -> Model:
    """The model `Model.save` wrote."""
    saved: dict[str, Any] = storage.read_params(path)
    params = Seq2seqParams.model_validate(saved["params"])
    sizes = saved["source_vocabulary_size"], saved["vocabulary_size"]
    network = EncoderDecoder(params, *sizes)
    weights = {name: torch.from_numpy(value) for name, value in storage.read_weights(path).items()}
    network.load_state_dict(weights | dict.fromkeys(_shared(params), weights["target_embedding.weight"]))
    return Model(params, sizes, network)


def _shared(params: Seq2seqParams) -> list[str]:
    """Weights that are the target embedding's."""
    return ["source_embedding.weight"] * params.share_embeddings + ["softmax.weight"] * params.tie_weights


@torch.inference_mode()
def _encode(network: EncoderDecoder, sources: Sequence[Ids]) -> tuple[State, Memory | None]:
    """z* and memory of all sources, a row each; those of one length are read together."""
    with_end = [np.append(source, EOS) for source in sources] or [np.asarray([EOS])]
    lengths = np.asarray([len(source) for source in with_end])
    order = np.argsort(lengths, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1)
    groups = [rows[first : first + TOGETHER] for rows in groups for first in range(0, len(rows), TOGETHER)]
    read = [network.encode(stack([with_end[row] for row in rows])) for rows in groups]
    back, words = torch.from_numpy(np.argsort(order)), _within(lengths)
    last = tuple(torch.cat(parts)[back] for parts in zip(*(state for _, state in read), strict=True))
    if network.decoder.alignment is None:
        return last, None
    values = torch.cat([F.pad(outputs, (0, 0, 0, words.shape[1] - outputs.shape[1])) for outputs, _ in read])[back]
    return last, network.decoder.memory(values, None if bool(words.all()) else words)


def _within(lengths: NDArray[np.int64]) -> Tensor:
    """(B, longest), False behind the end of a row."""
    return torch.arange(int(lengths.max())) < torch.from_numpy(lengths)[:, None]
