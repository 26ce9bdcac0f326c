"""word2vec with negative sampling (Mikolov et al. 2013), trained by gensim; notes "Transformers-2", "Methods for
learning: Word2vec".

CBOW: h = mean of W1 x(w) over the words w of the context, and W2 scores the word in the middle. Skip-gram: h = W1 x(w)
of the word in the middle, and W2 scores each word of the context. A pair's loss is -log s(w2 . h) minus the sum of
log s(-w2' . h) over words w' of noise, s the logistic function. The notes read the vectors of CBOW off W2 (E = W2^T)
and those of skip-gram off W1 (E = W1); either can be had of both.

One thread, so that the same params give the same bytes: gensim's threads overwrite each other's sums.
"""

import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.models.base import word_vectors
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log
from unroll.models.base.word_vectors import Model
from unroll.models.word2vec.params import Word2vecParams
from unroll.text.streams import Data
from unroll.text.tokenizers.vocabulary import BOS

LONGEST = 10_000
"""Words of a sentence for gensim, which drops the rest without a word: longer documents are cut."""

MEASURED = 10_000
"""Pairs of the valid split that the loss is measured on after each epoch."""

load = word_vectors.load


class Sentences:
    """The documents of the train split with `<eos>`, as often as they are asked for."""

    def __init__(self, data: Data) -> None:
        self.documents = data.train.documents

    def __iter__(self) -> Iterator[list[int]]:
        for document in self.documents:
            for first in range(0, len(document), LONGEST):
                yield document[first : first + LONGEST].tolist()


class Objective:
    """The loss above in nats per pair, on the first pairs of the valid split and noise that stays the same."""

    def __init__(self, params: Word2vecParams, data: Data) -> None:
        counts = np.bincount(data.train.tokens[data.train.tokens > BOS], minlength=data.vocabulary_size)
        documents = [document[counts[document] > 0].tolist() for document in data.valid.documents]
        found = list(islice(pairs(documents, params.algorithm, params.window), MEASURED))
        self.predicted = np.asarray([word for _, word in found], dtype=np.int64)  # (N,)
        self.given = np.full((len(found), max((len(given) for given, _ in found), default=0)), -1)  # (N, <= 2 M)
        for row, (given, _) in enumerate(found):
            self.given[row, : len(given)] = given
        frequency = np.where(counts > 0, counts.clip(1) ** params.noise_exponent, 0)
        generator = np.random.default_rng(data.seed)
        size = (len(found), params.negative)
        self.noise = generator.choice(data.vocabulary_size, size, p=frequency / frequency.sum())  # (N, K)

    def __call__(self, first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
        """`first` is W1^T and `second` W2, both (V, D)."""
        given = (self.given >= 0)[:, :, None]
        h = (first[self.given] * given).sum(1) / given.sum(1)  # (N, D)
        right = (second[self.predicted] * h).sum(1)
        wrong = np.einsum("nkd,nd->nk", second[self.noise], h)
        return float((np.logaddexp(0, -right) + np.logaddexp(0, wrong).sum(1)).mean(dtype=np.float64))


def pairs(documents: Sequence[list[int]], algorithm: str, window: int) -> Iterator[tuple[list[int], int]]:
    """What is given, one word or the context, and the word that is predicted from it."""
    for document in documents:
        for at, word in enumerate(document):
            context = document[max(0, at - window) : at] + document[at + 1 : at + 1 + window]
            if algorithm == "skip_gram":
                yield from (([word], other) for other in context)
            elif context:
                yield context, word


def fit(params: Word2vecParams, data: Data, inputs: Inputs, log: Log) -> Model:
    """Train word vectors on data.train.

    Args:
        params: The settings.
        data: The partition.
        inputs: Not used.
        log: Receives the validation loss after each epoch.

    Returns:
        The vectors, a function of the settings, the data and data.seed.
    """
    # gensim costs most of a second of import: only training pays it.
    from gensim.models import Word2Vec
    from gensim.models.callbacks import CallbackAny2Vec

    logging.getLogger("gensim").setLevel(logging.ERROR)
    objective = Objective(params, data)

    class Report(CallbackAny2Vec):
        epochs = 0

        def on_epoch_end(self, model: Word2Vec) -> None:
            self.epochs += 1
            loss = objective(*_by_token(model, data.vocabulary_size))
            log(self.epochs, epoch=float(self.epochs), valid_loss=loss)

    trained = Word2Vec(
        Sentences(data),
        sg=int(params.algorithm == "skip_gram"),
        cbow_mean=1,
        hs=0,
        vector_size=params.size,
        window=params.window,
        min_count=1,  # the tokenizer has decided what is a word
        negative=params.negative,
        ns_exponent=params.noise_exponent,
        sample=params.subsample,
        epochs=params.epochs,
        alpha=params.learning_rate,
        min_alpha=params.final_learning_rate,
        seed=data.seed,
        workers=1,
        callbacks=[Report()],
    )
    found = _by_token(trained, data.vocabulary_size)[("input", "output").index(params.matrix)]
    known = np.zeros(data.vocabulary_size, dtype=np.bool_)
    known[trained.wv.index_to_key] = True
    return Model(params, word_vectors.complete(found, known, params.oov_init, data.seed), known)


def _by_token(trained: Any, vocabulary_size: int) -> tuple[word_vectors.Vectors, word_vectors.Vectors]:
    """W1^T and W2, (V, D) each, nought for tokens that the train split lacks; gensim's rows are by frequency."""
    first, second = np.zeros((2, vocabulary_size, trained.vector_size), dtype=np.float32)
    first[trained.wv.index_to_key], second[trained.wv.index_to_key] = trained.wv.vectors, trained.syn1neg
    return first, second
