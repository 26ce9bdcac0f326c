"""The pairs of given words and a word to predict that word2vec is trained on."""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from unroll.models.word2vec.params import Word2vecParams
from unroll.text.streams import Data
from unroll.text.tokenizers.vocabulary import BOS

VALIDATION_PAIRS = 10_000
"""The number of pairs of the valid split that the loss is computed on after each epoch."""


def training_pairs(documents: Sequence[list[int]], algorithm: str, window: int) -> Iterator[tuple[list[int], int]]:
    """Make the pairs of all documents.

    Args:
        documents: Lists of token ids.
        algorithm: `cbow` or `skip_gram`.
        window: The maximum number of context words on each side.

    Yields:
        The given words (one word, or those of the context) and the word that is predicted from them.
    """
    for document in documents:
        for at, word in enumerate(document):
            context = document[max(0, at - window) : at] + document[at + 1 : at + 1 + window]
            if algorithm == "skip_gram":
                yield from (([word], other) for other in context)
            elif context:
                yield context, word


class ValidationPairs:
    """The first pairs of the valid split. Words that the train split lacks have no vectors, and are left out."""

    def __init__(self, params: Word2vecParams, data: Data) -> None:
        """Select the pairs.

        Args:
            params: The settings.
            data: The partition.
        """
        self.counts = np.bincount(data.train.tokens[data.train.tokens > BOS], minlength=data.vocabulary_size)  # (V,)
        documents = [document[self.counts[document] > 0].tolist() for document in data.valid.documents]
        pairs = list(islice(training_pairs(documents, params.algorithm, params.window), VALIDATION_PAIRS))
        self.predicted = np.asarray([word for _, word in pairs], dtype=np.int64)  # (N,)
        self.given = np.full((len(pairs), max((len(given) for given, _ in pairs), default=0)), -1)  # (N, <= 2 M)
        for row, (given, _) in enumerate(pairs):
            self.given[row, : len(given)] = given
