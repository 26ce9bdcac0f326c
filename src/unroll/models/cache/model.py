"""Unigram cache (Kuhn and De Mori 1990): relative frequencies of the recent tokens of the document.

    p(x_t | x_1..t-1) = u / U + (1 - u) sum_{i < t} decay^(t-1-i) [x_i = x_t] / sum_{i < t} decay^(t-1-i)

The sums run over the last `window` tokens, U is the number of tokens that can be predicted, and u is the weight of the
uniform distribution. At the beginning of a document, the distribution is uniform. The cache has no trained parameters
and is meant as a member of a mixture.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from unroll.models.base import storage
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log, LogProbs
from unroll.models.cache.params import Cache, CacheParams
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.vocabulary import FIRST_PREDICTED, PAD

BLOCK = 2**22
"""The number of comparisons that `log_probs` makes together. It bounds memory."""

State = NDArray[np.int64]
"""The last tokens of each context (B, window), oldest first; `<pad>` where there are fewer."""


class Model:
    """The cache. It satisfies LanguageModel."""

    fitted_on_valid: tuple[str, ...] = ()

    def __init__(self, params: Cache, vocabulary_size: int) -> None:
        """Set the settings and the size of the vocabulary."""
        self.params, self.vocabulary_size = params, vocabulary_size
        self._weights = params.decay ** np.arange(params.window - 1.0, -1.0, -1.0)  # (window,): oldest first

    @property
    def parameters(self) -> int:
        """Three: the window, the decay and the weight of the uniform distribution."""
        return len(Cache.model_fields)

    def start(self, batch_size: int = 1) -> State:
        """Return the state of `batch_size` contexts that have read only `<bos>`."""
        return np.full((batch_size, self.params.window), PAD)

    def advance(self, state: State, tokens: Ids) -> State:
        """Return the state after row b has read tokens[b]."""
        return np.column_stack([state[:, 1:], tokens])

    def next_log_probs(self, state: State) -> LogProbs:
        """Return log p(next token | context), (B, V)."""
        weights = np.where(state == PAD, 0, self._weights)  # (B, window)
        counts = np.zeros((len(state), self.vocabulary_size))
        np.add.at(counts, (np.arange(len(state))[:, None], state), weights)
        probs = self._interpolate(counts, weights.sum(1, keepdims=True))
        probs[:, :FIRST_PREDICTED] = 0
        return _log(probs)

    def select(self, state: State, rows: Ids) -> State:
        """Return the state whose row i is row rows[i] of `state`."""
        return state[rows]

    def log_probs(self, documents: Sequence[Ids]) -> list[LogProbs]:
        """Return log p of every token given its context."""
        return [self._score(document) for document in documents]

    def _score(self, document: Ids) -> LogProbs:
        window = min(self.params.window, max(1, len(document)))
        past = np.concatenate([np.full(window, PAD), document[:-1]])
        states = sliding_window_view(past, window)[: len(document)]  # (T, window)
        results = np.empty(len(document))
        step = max(1, BLOCK // window)
        for first in range(0, len(document), step):
            state, tokens = states[first : first + step], document[first : first + step]
            count = (state == tokens[:, None]) @ self._weights[-window:]
            results[first : first + step] = self._interpolate(count, (state != PAD) @ self._weights[-window:])
        return _log(results)

    def _interpolate(self, count: NDArray, total: NDArray) -> NDArray[np.float64]:
        """Mix count / total with the uniform distribution. Where the total is 0, the result is uniform."""
        uniform = np.full_like(count, 1 / (self.vocabulary_size - FIRST_PREDICTED))
        cached = np.divide(count, total, out=uniform.copy(), where=total > 0)
        return self.params.uniform * uniform + (1 - self.params.uniform) * cached

    def save(self, path: Path) -> None:
        """Write the model into the existing folder `path`."""
        storage.write(path, {"params": self.params.model_dump(), "vocabulary_size": self.vocabulary_size}, {})


def load(path: Path) -> Model:
    """Load the model that `Model.save` wrote into the folder `path`."""
    saved = storage.read_params(path)
    return Model(CacheParams.model_validate(saved["params"]), saved["vocabulary_size"])


def fit(params: CacheParams, data: Data, inputs: Inputs, log: Log) -> Model:
    """Make the cache. It depends on the data only through the size of the vocabulary.

    Args:
        params: The settings.
        data: The partition.
        inputs: Not used.
        log: Not used.

    Returns:
        The cache as a language model.
    """
    return Model(params, data.vocabulary_size)


def _log(probabilities: NDArray) -> LogProbs:
    """Return natural logarithms, with log 0 = -inf."""
    with np.errstate(divide="ignore"):
        return np.log(probabilities)
