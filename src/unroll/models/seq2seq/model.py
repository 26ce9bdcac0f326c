"""Encoder-decoder models (Sutskever, Vinyals and Le 2014).

The network is in `unroll.models.seq2seq.network`, its training task in `unroll.models.seq2seq.task`. Sources of the
same length are encoded together, and the attention to padding is zero, so padding changes no score.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from unroll.arithmetic.global_state import restored_global_state
from unroll.layers.attention import Memory
from unroll.layers.network import as_tensor, restore, weights
from unroll.layers.recurrent import State, select
from unroll.models.base import storage
from unroll.models.base.inputs import Inputs
from unroll.models.base.neural_language_model import LOGITS
from unroll.models.base.protocol import Log, LogProbs
from unroll.models.seq2seq.network import EncoderDecoder
from unroll.models.seq2seq.params import Seq2seqParams
from unroll.models.seq2seq.task import Task, length_mask, pad, shift_right
from unroll.params.training import with_ranks
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.vocabulary import BOS, EOS

ROWS = 128
"""The number of sources that are encoded together, and of targets that are scored together."""


@dataclass(frozen=True)
class DecoderState:
    """The state of B targets that are being read."""

    outputs: Tensor
    """The inputs of the softmax (B, H)."""
    layers: State
    """The state of the layers of the decoder."""
    sources: Tensor
    """The number of the source of each target (B,)."""
    memory: Memory | None
    """The memory of these sources; None without attention."""
    weights: Tensor | None
    """The attention weights (B, S) of `outputs`; None without attention."""


class ConditionedModel:
    """The language model of the targets of fixed sources. It satisfies LanguageModel and AttentionModel."""

    def __init__(self, network: EncoderDecoder, vocabulary_size: int, sources: Sequence[Ids]) -> None:
        """Encode the sources, arrays of token ids without special tokens."""
        self.network, self.vocabulary_size, self.count = network, vocabulary_size, len(sources)
        self.lengths = np.asarray([len(source) + 1 for source in sources])  # with <eos>
        self.last, self.memory = _encode(network, sources)

    def _sources(self, batch_size: int) -> Tensor:
        """Return the number of the source of each target (B,). A single source is used for all of them."""
        if self.count not in (1, batch_size):
            raise ValueError(f"{self.count} sources have {self.count} targets, not {batch_size}")
        return torch.arange(batch_size) % max(1, self.count)

    @torch.inference_mode()
    def start(self, batch_size: int = 1) -> DecoderState:
        """Return the state of `batch_size` targets that have read only `<bos>`, one for each source."""
        sources = self._sources(batch_size)
        layers = self.network.decoder.start(select(self.last, sources))
        memory = self.memory.select(sources) if self.memory else None
        return self._read(DecoderState(layers[0], layers, sources, memory, None), np.full(batch_size, BOS))

    @torch.inference_mode()
    def advance(self, state: DecoderState, tokens: Ids) -> DecoderState:
        """Return the state after row b has read tokens[b]."""
        return self._read(state, tokens)

    def _read(self, state: DecoderState, tokens: Ids) -> DecoderState:
        decoded = self.network.decode(as_tensor(tokens)[:, None], state.layers, state.memory)
        attention = None if decoded.weights is None else decoded.weights[:, 0]
        return DecoderState(decoded.outputs[:, 0], decoded.state, state.sources, state.memory, attention)

    @torch.inference_mode()
    def next_log_probs(self, state: DecoderState) -> LogProbs:
        """Return log p(next token | context, source), (B, V)."""
        return self.network.softmax.log_probs(state.outputs).numpy()

    @torch.inference_mode()
    def select(self, state: DecoderState, rows: Ids) -> DecoderState:
        """Return the state whose row i is row rows[i] of `state`."""
        index = as_tensor(rows)
        sources, memory = state.sources[index], state.memory
        if memory is not None and not torch.equal(sources, state.sources):  # the same sources share their memory
            memory = memory.select(index)
        attention = None if state.weights is None else state.weights[index]
        return DecoderState(state.outputs[index], select(state.layers, index), sources, memory, attention)

    def attention(self, state: DecoderState) -> NDArray[np.floating] | None:
        """Return the attention weights (B, S) of `next_log_probs(state)`, NaN at padding; None without attention."""
        if state.weights is None:
            return None
        attention = state.weights.numpy().copy()
        attention[np.arange(attention.shape[1]) >= self.lengths[state.sources.numpy(), None]] = np.nan
        return attention

    @torch.inference_mode()
    def log_probs(self, documents: Sequence[Ids]) -> list[LogProbs]:
        """Return log p of every token of document i, given source i. A single source is used for all documents."""
        sources = self._sources(len(documents))
        results: list[LogProbs] = [np.empty(0, dtype=np.float32)] * len(documents)
        lengths = np.asarray([len(document) for document in documents], dtype=np.int64)
        order = np.argsort(lengths, kind="stable")
        for first in range(0, len(order), ROWS):
            rows = order[first : first + ROWS]
            targets, index = pad([documents[row] for row in rows]), sources[torch.from_numpy(rows)]
            if targets.shape[1] == 0:
                continue
            memory = self.memory.select(index) if self.memory else None
            start = self.network.decoder.start(select(self.last, index))
            outputs, mask = self.network.decode(shift_right(targets), start, memory).outputs, length_mask(lengths[rows])
            scores = self._score(outputs[mask], targets[mask])
            for row, piece in zip(rows, torch.split(scores, mask.sum(1).tolist()), strict=True):
                results[row] = piece.numpy()
        return results

    def _score(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return log p of targets (N,), given the inputs of the softmax (N, H)."""
        rows = max(1, LOGITS // self.vocabulary_size)
        pieces = zip(torch.split(outputs, rows), torch.split(targets, rows), strict=True)
        return -torch.cat([self.network.softmax.negative_log_likelihood(*piece) for piece in pieces])


class Model:
    """An encoder-decoder. It satisfies ConditionalModel."""

    def __init__(self, params: Seq2seqParams, vocabulary_sizes: tuple[int, int], network: EncoderDecoder) -> None:
        """Set the settings, the sizes of the source and the target vocabulary, and the trained network."""
        self.params, self.vocabulary_sizes, self.network = params, vocabulary_sizes, network.eval()
        self.vocabulary_size = vocabulary_sizes[1]

    @property
    def parameters(self) -> int:
        """The number of weights of the network; a shared matrix counts once."""
        return sum(weight.numel() for weight in self.network.parameters())

    @property
    def fitted_on_valid(self) -> tuple[str, ...]:
        """What the training selected on the valid split."""
        return self.params.training.fitted_on_valid

    def condition_on(self, sources: Sequence[Ids]) -> ConditionedModel:
        """Return the language model of the targets of these sources, arrays of token ids without special tokens."""
        return ConditionedModel(self.network, self.vocabulary_size, sources)

    def save(self, path: Path) -> None:
        """Write the model into the existing folder `path`."""
        source_size, target_size = self.vocabulary_sizes
        settings = {"source_vocabulary_size": source_size, "vocabulary_size": target_size}
        storage.write(path, {"params": self.params.model_dump(), **settings}, weights(self.network))


@restored_global_state()
def fit(params: Seq2seqParams, data: Data, inputs: Inputs, log: Log) -> Model:
    """Train on the pairs of the train split with early stopping on the valid split.

    Args:
        params: The settings.
        data: The partition of a corpus of pairs.
        inputs: The folder for checkpoints, and the device.
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
    task = Task(network, params, data)
    task.log_batches()
    train(task, params.training, data.seed, log, inputs.checkpoints, inputs.device, inputs.group)
    return Model(params, sizes, network)


def load(path: Path) -> Model:
    """Load the model that `Model.save` wrote into the folder `path`."""
    saved = storage.read_params(path)
    params = Seq2seqParams.model_validate(with_ranks(saved["params"]))
    sizes = saved["source_vocabulary_size"], saved["vocabulary_size"]
    network = EncoderDecoder(params, *sizes)
    restore(network, storage.read_weights(path))
    return Model(params, sizes, network)


@torch.inference_mode()
def _encode(network: EncoderDecoder, sources: Sequence[Ids]) -> tuple[State, Memory | None]:
    """Return z* and the memory of all sources, one row each. Sources of the same length are read together."""
    with_end = [np.append(source, EOS) for source in sources] or [np.asarray([EOS])]
    lengths = np.asarray([len(source) for source in with_end])
    order = np.argsort(lengths, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1)
    groups = [rows[first : first + ROWS] for rows in groups for first in range(0, len(rows), ROWS)]
    read = [network.encode(pad([with_end[row] for row in rows])) for rows in groups]
    inverse, mask = torch.from_numpy(np.argsort(order)), length_mask(lengths)
    last = tuple(torch.cat(parts)[inverse] for parts in zip(*(state for _, state in read), strict=True))
    if network.decoder.alignment is None:
        return last, None
    values = torch.cat([F.pad(outputs, (0, 0, 0, mask.shape[1] - outputs.shape[1])) for outputs, _ in read])[inverse]
    return last, network.decoder.memory(values, None if bool(mask.all()) else mask)
