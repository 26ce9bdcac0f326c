"""The probability of the spelling of an unlisted word: an n-gram model over the characters of words."""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from unroll.models.ngram.counting import count_ngrams
from unroll.models.ngram.estimation import estimate
from unroll.models.ngram.model import Model
from unroll.models.ngram.params import ModifiedKneserNey, NgramParams
from unroll.text.streams import Ids
from unroll.text.tokenizers.vocabulary import BOS, EOS, SPECIAL, UNK

ORDER = 4
SMOOTHING = ModifiedKneserNey(kind="modified_kneser_ney", fallback=[0.5, 1.0, 1.5])
CACHE_SIZE = 1 << 16


class CharacterModel:
    """p(word) as a sequence of characters with an end."""

    def __init__(self, words: Iterable[str]) -> None:
        """Train on a list of words. A word that is listed twice counts twice."""
        words = list(words)
        self._ids = {character: token for token, character in enumerate(sorted(set("".join(words))), len(SPECIAL))}
        size = len(SPECIAL) + len(self._ids)
        counts = count_ngrams(np.concatenate([[BOS, *self._encode(word)] for word in words]), ORDER, size)
        params = NgramParams(family="ngram", tokenizer="characters", order=ORDER, smoothing=SMOOTHING, prune=[0])
        self._model = Model({}, size, estimate(counts, params, [1.0] * ORDER, size))
        self.log_prob = lru_cache(CACHE_SIZE)(self._log_prob)
        """Return log p(word) in nats: the sum over its characters and its end. The results are cached."""

    def _log_prob(self, word: str) -> float:
        return float(self._model.log_probs([self._encode(word)])[0].sum())

    def _encode(self, word: str) -> Ids:
        return np.asarray([self._ids.get(character, UNK) for character in word] + [EOS], dtype=np.int64)
