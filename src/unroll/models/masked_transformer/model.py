"""Masked language models (BERT; Devlin et al. 2019): a transformer that reads both sides fills blanks.

    p(x_t | all other words) = softmax(W h_t + b),   h = transformer(E x_1, .., E mask, .., E x_n)

Training hides a share of the words of each subsequence and predicts them together. A word is scored with only itself
hidden; the sum of these log-probabilities is the pseudo-log-likelihood of a text (Salazar et al. 2020). It is no
log-probability of the text, so the pseudo-perplexity is not comparable with a perplexity.

The layers are those of family `transformer` with attention to n positions on each side, so an output depends on L n
positions on each side, in a text of any length.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from unroll.arithmetic.global_state import restored_global_state
from unroll.layers.network import as_tensor, restore, weights
from unroll.models.base import storage
from unroll.models.base.inputs import Inputs
from unroll.models.base.neural_language_model import LOGITS
from unroll.models.base.protocol import Log, LogProbs
from unroll.models.masked_transformer.network import MASK, OUTSIDE, Network
from unroll.models.masked_transformer.params import MaskedTransformerParams
from unroll.models.masked_transformer.task import Task
from unroll.params.training import with_ranks
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.vocabulary import BOS, EOS

TOKENS = 1 << 14
"""The number of tokens of the windows that are read together. It bounds memory and changes no score."""


class Model:
    """A masked language model. It satisfies ClozeModel, ContextualModel and EmbeddingModel."""

    def __init__(self, params: MaskedTransformerParams, vocabulary_size: int, network: Network) -> None:
        """Set the settings, the size of the vocabulary and the trained network."""
        self.params, self.vocabulary_size, self.network = params, vocabulary_size, network.eval()

    @property
    def parameters(self) -> int:
        """The number of weights of the network; a tied matrix counts once."""
        return sum(weight.numel() for weight in self.network.parameters())

    @property
    def fitted_on_valid(self) -> tuple[str, ...]:
        """What the training selected on the valid split."""
        return self.params.training.fitted_on_valid

    @property
    def embedding(self) -> NDArray[np.floating]:
        """The embeddings (V, H)."""
        return self.network.embedding.weight.detach().numpy()

    def save(self, path: Path) -> None:
        """Write the model into the existing folder `path`."""
        settings = {"params": self.params.model_dump(), "vocabulary_size": self.vocabulary_size}
        storage.write(path, settings, weights(self.network))

    def cloze_log_probs(self, documents: Sequence[Ids]) -> tuple[list[LogProbs], list[Ids]]:
        """Predict every token from all others of its document.

        Args:
            documents: Documents without `<eos>`.

        Returns:
            For each document, the log-probability of the token at each position, and the most probable token there.
        """
        scores: list[LogProbs] = []
        guesses: list[Ids] = []
        for document in documents:
            scored, best = np.zeros(len(document), np.float32), np.zeros(len(document), np.int64)
            for rows, log_probs in self._distributions(document):
                scored[rows] = log_probs[np.arange(len(log_probs)), document[rows]]
                best[rows] = log_probs.argmax(1)
            scores.append(scored)
            guesses.append(best)
        return scores, guesses

    @torch.inference_mode()
    def blank_log_probs(self, document: Ids, blanks: Ids) -> LogProbs:
        """Predict the tokens of blanks from all other tokens.

        Args:
            document: A document without `<eos>`.
            blanks: The positions of the blanks (B,). What the document has there is not read.

        Returns:
            The log-probabilities (B, V).
        """
        tokens = _with_ends(document)
        tokens[np.asarray(blanks) + 1] = MASK
        hidden = self.network(as_tensor(tokens)[None], torch.zeros(1, len(tokens)))[0]
        return self.network.softmax.log_probs(hidden[as_tensor(np.asarray(blanks)) + 1]).numpy()

    @torch.inference_mode()
    def contextual(self, document: Ids) -> NDArray[np.floating]:
        """Return contextual vectors (n, H) of the tokens, none of which is hidden."""
        tokens = _with_ends(document)
        return self.network(as_tensor(tokens)[None], torch.zeros(1, len(tokens)))[0, 1:-1].numpy()

    @torch.inference_mode()
    def _distributions(self, document: Ids) -> Iterator[tuple[slice, NDArray[np.floating]]]:
        """Yield slices of positions with log p(x_t | all others), (positions, V).

        Of each position, only the window of the positions that its output depends on is read.
        """
        tokens, reach = _with_ends(document), min(self.network.reach, len(document) + 1)
        offsets = np.arange(-reach, reach + 1)
        step = max(1, min(TOKENS // len(offsets), LOGITS // self.vocabulary_size))
        for first in range(0, len(document), step):
            rows = np.arange(first, min(first + step, len(document)))
            places = rows[:, None] + 1 + offsets  # (R, 2 reach + 1)
            inside = (places >= 0) & (places < len(tokens))
            read = np.where(inside, tokens[places.clip(0, len(tokens) - 1)], MASK)
            read[:, reach] = MASK
            hidden = self.network(as_tensor(read), torch.from_numpy(np.where(inside, 0, OUTSIDE)))[:, reach]
            yield slice(first, first + step), self.network.softmax.log_probs(hidden).numpy()


@restored_global_state()
def fit(params: MaskedTransformerParams, data: Data, inputs: Inputs, log: Log) -> Model:
    """Train a network on data.train with early stopping on data.valid.

    Args:
        params: The settings.
        data: The partition.
        inputs: The folder for checkpoints, the device and the ranks.
        log: Receives the measurements of the training.

    Returns:
        The trained model, a function of the settings, the data and data.seed.

    Raises:
        UnrollError: The training diverges, or the data is too small.
    """
    from unroll.training.fit import fit  # Lightning is imported only where a network is trained.

    torch.manual_seed(data.seed)
    network = Network(params, data.vocabulary_size)
    fit(Task(network, params, data), params.training, data.seed, log, inputs.checkpoints, inputs.device, inputs.group)
    return Model(params, data.vocabulary_size, network)


def load(path: Path) -> Model:
    """Load the model that `Model.save` wrote into the folder `path`."""
    saved = storage.read_params(path)
    params = MaskedTransformerParams.model_validate(with_ranks(saved["params"]))
    network = Network(params, saved["vocabulary_size"])
    restore(network, storage.read_weights(path))
    return Model(params, saved["vocabulary_size"], network)


def _with_ends(document: Ids) -> NDArray[np.int64]:
    """Return a copy of a document with `<bos>` before and `<eos>` after it."""
    return np.concatenate([[BOS], np.asarray(document, dtype=np.int64), [EOS]])
