"""Tagging by a hidden Markov model (Church 1988; Brants 2000): p(x, y) = prod p(y_t | history) p(x_t | y_t).

The states y are the tags. All probabilities are smoothed counts of the train split. The emission of a known word w is
p(known | y) p(w | y). An unknown word is known by its shape s (`unroll.text.tokenizers.shape`) only, and has the
emission p(unknown | y) p(s | y). Rare words of the train split stand for unknown words, since a word that was seen once
could as well have been unseen.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unroll.models.base import storage
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log, LogProbs
from unroll.models.base.tag_chain import Array, TagChain
from unroll.models.base.tagged import SHAPE, WORD, is_unknown, sentences, tags
from unroll.models.hmm_tagger.params import HmmTaggerParams
from unroll.models.hmm_tagger.transitions import count, estimate
from unroll.text.streams import Data, Ids
from unroll.text.tokenizers.vocabulary import UNK


class Model:
    """A hidden Markov model as a tagger. It satisfies Tagger."""

    fitted_on_valid: tuple[str, ...] = ()

    def __init__(
        self, params: HmmTaggerParams, tags: list[str], transition: Array, word_emission: Array, shape_emission: Array
    ) -> None:
        """Set the probabilities.

        Args:
            params: The settings.
            tags: The K tags.
            transition: The transition probabilities (K + 1, R, K + 1) of `TagChain`.
            word_emission: p(known, word | tag), (V, K). The rows of special tokens are zero.
            shape_emission: p(unknown, shape | tag), (shapes, K).
        """
        self.params, self.tags = params, tags
        self.transition, self.word_emission, self.shape_emission = transition, word_emission, shape_emission
        self.chain = TagChain(transition)

    @property
    def parameters(self) -> int:
        """The free parameters of all distributions.

        Those of the transitions are H K for H histories that can occur, since the next is one of K tags or the end. A
        tag has V' - 1 free probabilities of V' known words, S - 1 of the S shapes, and that of an unknown word.
        """
        count, words = len(self.tags), int(self.word_emission.any(axis=1).sum())
        histories = 1 + count if self.params.order == 2 else 1 + count + count * count
        return histories * count + count * (max(0, words - 1) + len(self.shape_emission) - 1 + 1)

    def tag(self, sentences: Sequence[Ids]) -> list[Ids]:
        """Return the most probable sequence of tags (T,) of each sentence (T, 2), by the Viterbi algorithm."""
        return self.chain.viterbi(sentences, self._emission)

    def tag_log_posteriors(self, sentences: Sequence[Ids]) -> list[LogProbs]:
        """Return log p(tag of a word | sentence) of each sentence, (T, K)."""
        return [*self.chain.log_posteriors(sentences, self._emission)]

    def _emission(self, batch: Ids, position: int) -> Array:
        """Return p(word | tag), (B, K), of the words at a position of sentences (B, T, 2)."""
        at = batch[:, position]
        return np.where(is_unknown(at)[:, None], self.shape_emission[at[:, SHAPE]], self.word_emission[at[:, WORD]])

    def save(self, path: Path) -> None:
        """Write the model into the existing folder `path`."""
        weights = {
            "transition": self.transition,
            "word_emission": self.word_emission,
            "shape_emission": self.shape_emission,
        }
        storage.write(path, {"params": self.params.model_dump(), "tags": self.tags}, weights)


def load(path: Path) -> Model:
    """Load the model that `Model.save` wrote into the folder `path`."""
    saved = storage.read_params(path)
    params = HmmTaggerParams.model_validate(saved["params"])
    return Model(params, saved["tags"], **storage.read_weights(path))


def fit(params: HmmTaggerParams, data: Data, inputs: Inputs, log: Log) -> Model:
    """Count the tags and the words of the train split.

    Args:
        params: The settings.
        data: The partition of a tagged corpus.
        inputs: Not used.
        log: Not used, since counting takes a single pass.

    Returns:
        The tagger.

    Raises:
        UnrollError: The corpus has no tags.
    """
    words, labels = sentences(data, "train"), tags(data, "train")
    transition = estimate(count(labels, len(data.tags), params.order), params.smoothing)
    return Model(params, data.tags, transition, *emissions(params, data, np.concatenate(words), np.concatenate(labels)))


def emissions(params: HmmTaggerParams, data: Data, words: Ids, labels: Ids) -> tuple[Array, Array]:
    """Estimate the emission probabilities.

    Args:
        params: The settings.
        data: The partition.
        words: The words (N, 2) of the train split.
        labels: Their tags (N,).

    Returns:
        p(known, word | tag), (V, K), and p(unknown, shape | tag), (shapes, K).
    """
    tag_count, added = len(data.tags), params.shape_pseudo_count
    by_word = np.zeros((data.vocabulary_size, tag_count))
    np.add.at(by_word, (words[:, WORD], labels), 1.0)
    frequency = by_word.sum(1)
    frequency[UNK] = 0  # always rare
    rare = frequency[words[:, WORD]] <= params.rare_count
    by_shape = np.full((data.shapes, tag_count), added)
    np.add.at(by_shape, (words[rare, SHAPE], labels[rare]), 1.0)
    # A word that was seen once says how often a new word occurs (Good and Turing), and so does one that is unknown.
    once = frequency[words[:, WORD]] <= 1
    unknown = np.bincount(labels[once], minlength=tag_count) + added
    total = np.bincount(labels, minlength=tag_count) + 2 * added
    known = (np.arange(data.vocabulary_size) > UNK)[:, None] * (by_word + params.word_pseudo_count)
    sums = known.sum(0)
    word_emission = np.divide(known, sums, out=np.zeros_like(known), where=sums > 0) * (1 - unknown / total)
    return word_emission, by_shape / by_shape.sum(0) * (unknown / total)
