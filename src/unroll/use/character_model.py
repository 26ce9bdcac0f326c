"""What a word that no list has may look like: p(its letters), by an n-gram model over the letters of words."""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from unroll.models.ngram import model as ngram
from unroll.models.ngram.params import ModifiedKneserNey, NgramParams
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import BOS, EOS, SPECIAL, UNK

ORDER = 4
SMOOTHING = ModifiedKneserNey(kind="modified_kneser_ney", fallback=[0.5, 1.0, 1.5])


class Letters:
    def __init__(self, words: Iterable[str]) -> None:
        """Learn from a list of words, each as often as it is listed."""
        words = list(words)
        self._ids = {letter: token for token, letter in enumerate(sorted(set("".join(words))), len(SPECIAL))}
        size = len(SPECIAL) + len(self._ids)
        counted = ngram.count(np.concatenate([[BOS, *self._encode(word)] for word in words]), ORDER, size)
        params = NgramParams(family="ngram", tokenizer="letters", order=ORDER, smoothing=SMOOTHING, prune=[0])
        self._model = ngram.Model({}, size, ngram.estimate(counted, params, [1.0] * ORDER, size))
        self.log_prob = lru_cache(1 << 16)(self._log_prob)
        """log p of a word, nats: all its letters, and that it ends there."""

    def _log_prob(self, word: str) -> float:
        return float(self._model.log_probs([self._encode(word)])[0].sum())

    def _encode(self, word: str) -> Ids:
        return np.asarray([self._ids.get(letter, UNK) for letter in word] + [EOS], dtype=np.int64)
