"""Tagging by a recurrent network of one or both directions, with a softmax or a conditional random field on top.

    p(y | x) = prod_t softmax(W h_t + b)(y_t)   or   the conditional random field with scores W h_t + b

The state h_t has read the words up to t, and in a bidirectional network (Schuster and Paliwal 1997) also those from the
end of the sentence to t. With a conditional random field this is the BiLSTM-CRF of Huang, Xu and Yu (2015).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from unroll.arithmetic.global_state import restored_global_state
from unroll.layers.network import restore, weights
from unroll.models.base import storage
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log, LogProbs
from unroll.models.base.tagged import SHAPE, WORD, empty_results, require_tags
from unroll.models.recurrent_tagger.network import Network
from unroll.models.recurrent_tagger.params import RecurrentTaggerParams
from unroll.models.recurrent_tagger.task import Task
from unroll.params.training import with_ranks
from unroll.text.streams import Data, Ids
from unroll.training.batching import bucketed_batches

ROWS = 64
"""The number of sentences that are tagged side by side. It changes no tag."""


class Model:
    """A network as a tagger. It satisfies Tagger."""

    def __init__(
        self, params: RecurrentTaggerParams, tags: list[str], vocabulary_size: int, shapes: int, network: Network
    ) -> None:
        """Set the settings, the K tags, the numbers of tokens and of shapes, and the trained network."""
        self.params, self.tags, self.network = params, tags, network.eval()
        self.vocabulary_size, self.shapes = vocabulary_size, shapes

    @property
    def parameters(self) -> int:
        """The number of weights of the network."""
        return sum(weight.numel() for weight in self.network.parameters())

    @property
    def fitted_on_valid(self) -> tuple[str, ...]:
        """What the training selected on the valid split."""
        return self.params.training.fitted_on_valid

    @torch.inference_mode()
    def tag(self, sentences: Sequence[Ids]) -> list[Ids]:
        """Return the most probable sequence of tags (T,) of each sentence (T, 2)."""
        results = empty_results(sentences, dtype=np.int64)
        for rows, scores in self._scores(sentences):
            for row, tags in zip(rows, self.network.best(scores).numpy(), strict=True):
                results[row][:] = tags
        return results

    @torch.inference_mode()
    def tag_log_posteriors(self, sentences: Sequence[Ids]) -> list[LogProbs]:
        """Return log p(tag of a word | sentence) of each sentence, (T, K)."""
        results = empty_results(sentences, len(self.tags), dtype=np.float32)
        for rows, scores in self._scores(sentences):
            for row, log_probs in zip(rows, self.network.log_marginals(scores).numpy(), strict=True):
                results[row][:] = log_probs
        return [*results]

    def _scores(self, sentences: Sequence[Ids]) -> Iterator[tuple[list[int], Tensor]]:
        """Yield sentences of the same length by their indices, with the scores (B, T, K) of their tags."""
        lengths = np.asarray([[len(sentence)] for sentence in sentences], dtype=np.int64)
        for rows in bucketed_batches(lengths, ROWS, 0, 0):
            if len(sentences[rows[0]]):
                batch = torch.from_numpy(np.stack([np.asarray(sentences[row], dtype=np.int64) for row in rows]))
                yield rows.tolist(), self.network(batch[..., WORD], batch[..., SHAPE])

    def save(self, path: Path) -> None:
        """Write the model into the existing folder `path`."""
        sizes = {"tags": self.tags, "vocabulary_size": self.vocabulary_size, "shapes": self.shapes}
        storage.write(path, {"params": self.params.model_dump(), **sizes}, weights(self.network))


@restored_global_state()
def fit(params: RecurrentTaggerParams, data: Data, inputs: Inputs, log: Log) -> Model:
    """Train on the sentences of the train split with early stopping on the valid split.

    Args:
        params: The settings.
        data: The partition of a tagged corpus.
        inputs: The folder for checkpoints, and the device.
        log: Receives the measurements of the training.

    Returns:
        The trained model, a function of the settings, the data and data.seed.

    Raises:
        UnrollError: The training diverges, the data is too small, or the corpus has no tags.
    """
    from unroll.training.fit import fit as train  # Lightning is imported only where a network is trained.

    require_tags(data)
    torch.manual_seed(data.seed)
    network = Network(params, data.vocabulary_size, data.shapes, len(data.tags))
    task = Task(network, params.training.batch_size, data)
    train(task, params.training, data.seed, log, inputs.checkpoints, inputs.device, inputs.group)
    return Model(params, data.tags, data.vocabulary_size, data.shapes, network)


def load(path: Path) -> Model:
    """Load the model that `Model.save` wrote into the folder `path`."""
    saved = storage.read_params(path)
    params = RecurrentTaggerParams.model_validate(with_ranks(saved["params"]))
    tags, vocabulary_size, shapes = (saved[name] for name in ("tags", "vocabulary_size", "shapes"))
    network = Network(params, vocabulary_size, shapes, len(tags))
    restore(network, storage.read_weights(path))
    return Model(params, tags, vocabulary_size, shapes, network)
