"""n-gram language models: smoothed relative frequencies of words after the n - 1 words before them.

As in an ARPA file, a model is log p_k of every n-gram that was seen, and log gamma of every context. For an n-gram that
was not seen, p_k(w | h) = gamma(h) p_{k-1}(w | h'), where h' is h without its first token.
`unroll.models.ngram.estimation` defines p_k and gamma, and `unroll.models.ngram.index` the tables.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from unroll.errors import UnrollError
from unroll.models.base import storage
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log, LogProbs
from unroll.models.ngram import k_step
from unroll.models.ngram.counting import count_ngrams
from unroll.models.ngram.estimation import estimate, fit_weights
from unroll.models.ngram.index import (
    MISSING,
    Index,
    NgramTable,
    find_extensions,
    find_ngrams,
    match_ngrams,
)
from unroll.models.ngram.params import JelinekMercer, NgramParams
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.vocabulary import BOS, FIRST_PREDICTED


class Model:
    """An n-gram model. It satisfies LanguageModel, KStepModel and NgramTablesModel.

    A state is an array (n - 1, B): the indices of the 1-, 2-, ... (n-1)-gram at the end of each context, or MISSING.
    """

    def __init__(self, params: dict[str, Any], vocabulary_size: int, orders: Sequence[NgramTable]) -> None:
        """Set the settings, the size of the vocabulary, and the table of each order."""
        self.params, self.vocabulary_size, self.orders = params, vocabulary_size, orders

    @property
    def parameters(self) -> int:
        """V' - 1 unigram probabilities, and for each longer context the number of its stored successors.

        An ARPA file has D probabilities and a back-off weight for a context with D successors. All of them sum to one
        with the words that were not seen, so the weight follows from the probabilities (Stolcke 1998): D of the D + 1
        numbers are free. D - 1 are free if the weight is 0 (maximum likelihood), and none if it is 1 and nothing was
        kept, as in the lower orders of add-k. Discounts and interpolation weights only determine these numbers.
        """
        unigrams = self.orders[0].log_probs[FIRST_PREDICTED:]
        free = len(unigrams) - 1 if (unigrams != unigrams[0]).any() else 0
        for shorter, longer in pairwise(self.orders):
            successors = np.bincount(longer.keys // self.vocabulary_size, minlength=len(shorter.keys))
            closed = np.isneginf(shorter.log_backoffs) & (successors > 0)
            free += int(successors[shorter.log_backoffs != 0].sum()) - int(closed.sum())
        return free

    @property
    def fitted_on_valid(self) -> tuple[str, ...]:
        """The weights of Jelinek-Mercer smoothing. Discounts are estimated from the train split."""
        kind = self.params.get("smoothing", {}).get("kind")  # a model from an ARPA file has no smoothing
        return ("interpolation weights",) if kind == "jelinek_mercer" else ()

    @property
    def stored_ngrams(self) -> list[tuple[int, int]]:
        """For each order n = 1 .. N, the number of contexts of n - 1 tokens, and that of n-grams with a probability."""
        unigrams = len(self.orders[0].log_probs) - FIRST_PREDICTED
        longer = [table.keys for table in self.orders[1:]]
        return [(1, unigrams)] + [(len(np.unique(keys // self.vocabulary_size)), len(keys)) for keys in longer]

    def start(self, batch_size: int = 1) -> Index:
        """Return the state of `batch_size` contexts that have read only `<bos>`."""
        state = np.full((len(self.orders) - 1, batch_size), MISSING)
        state[:1] = BOS
        return state

    def advance(self, state: Index, tokens: Ids) -> Index:
        """Return the state after row b has read tokens[b]."""
        after = np.empty_like(state)
        after[:1] = tokens
        for k in range(1, len(after)):
            after[k] = find_ngrams(self.orders[k].keys, state[k - 1], tokens, self.vocabulary_size)
        return after

    def next_log_probs(self, state: Index) -> LogProbs:
        """Return log p(next token | context), (B, V)."""
        scores = np.repeat(self.orders[0].log_probs[None].astype(np.float64), state.shape[1], axis=0)  # (B, V)
        for shorter, longer, contexts in zip(self.orders[:-1], self.orders[1:], state, strict=True):
            scores += np.where(contexts == MISSING, 0, shorter.log_backoffs[contexts])[:, None]
            row, seen = find_extensions(longer.keys, contexts, self.vocabulary_size)
            scores[row, longer.keys[seen] - contexts[row] * self.vocabulary_size] = longer.log_probs[seen]
        return scores

    def select(self, state: Index, rows: Ids) -> Index:
        """Return the state whose row i is row rows[i] of `state`."""
        return state[:, rows]

    def log_probs(self, documents: Sequence[Ids]) -> list[LogProbs]:
        """Return log p of every token given its context. All documents are scored together."""
        if not documents:
            return []
        lengths = [len(document) for document in documents]
        starts = np.cumsum([0, *lengths[:-1]])
        tokens = np.insert(np.concatenate(documents).astype(np.int64), starts, BOS)
        scores = self.orders[0].log_probs[tokens].astype(np.float64)
        matches = match_ngrams([table.keys for table in self.orders], tokens, self.vocabulary_size)
        for shorter, longer, (at, contexts, found) in zip(self.orders[:-1], self.orders[1:], matches, strict=True):
            backed_off = scores[at] + shorter.log_backoffs[contexts]
            scores[at] = np.where(found == MISSING, backed_off, longer.log_probs[found])
        firsts = starts + np.arange(1, len(starts) + 1)
        return [scores[first : first + length] for first, length in zip(firsts, lengths, strict=True)]

    def k_step_log_probs(self, state: Index, steps: int) -> LogProbs:
        """Return log p(x_{t+k} | x_1..x_t) for k = 1 .. steps, (steps, B, V). `<eos>` is followed by `<eos>`."""
        return k_step.k_step_log_probs(self.orders, self.vocabulary_size, state, steps)

    def save(self, path: Path) -> None:
        """Write the model into the existing folder `path`."""
        weights = {
            f"{k}.{name}": value for k, table in enumerate(self.orders, 1) for name, value in vars(table).items()
        }
        storage.write(path, {"params": self.params, "vocabulary_size": self.vocabulary_size}, weights)


def load(path: Path) -> Model:
    """Load the model that `Model.save` wrote into the folder `path`."""
    saved, weights = storage.read_params(path), storage.read_weights(path)
    names = list(NgramTable.__dataclass_fields__)
    orders = [NgramTable(*(weights[f"{k}.{name}"] for name in names)) for k in range(1, len(weights) // len(names) + 1)]
    return Model(saved["params"], saved["vocabulary_size"], orders)


def fit(params: NgramParams, data: Data, inputs: Inputs, log: Log) -> Model:
    """Estimate the model from data.train.

    Args:
        params: The settings.
        data: The partition. Jelinek-Mercer smoothing fits its weights on the valid split, and every smoothing logs the
            loss on it.
        inputs: The folder of checkpoints, for temporary files.
        log: Receives the validation loss, if the valid split has documents.

    Returns:
        The model.

    Raises:
        UnrollError: Jelinek-Mercer smoothing has no documents to fit its weights on.
    """
    size, updates, weights = data.vocabulary_size, 0, [1.0] * params.order
    orders = count_ngrams(data.train.tokens, params.order, size, inputs.checkpoints)
    if isinstance(params.smoothing, JelinekMercer):
        if not data.valid.predicted:
            raise UnrollError(
                "smoothing.kind jelinek_mercer fits its weights on the valid split, which has no documents; provide "
                "some, or choose modified_kneser_ney"
            )
        updates = params.smoothing.iterations
        weights = fit_weights(orders, data.valid.tokens, updates, size, log)
    model = Model(params.model_dump(), size, estimate(orders, params, weights, size))
    if data.valid.predicted:
        log(updates, valid_loss=float(-np.concatenate(model.log_probs(data.valid.documents)).mean()))
    return model
