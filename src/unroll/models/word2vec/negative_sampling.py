"""word2vec with negative sampling (Mikolov et al. 2013), trained by gensim.

The loss of a pair is -log s(w2 . h) minus the sum of log s(-w2' . h) over noise words w', where s is the logistic
function. gensim uses one thread, since several threads would overwrite each other's sums and give other bytes in each
run.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unroll.models.base.protocol import Log
from unroll.models.base.word_vectors import Vectors
from unroll.models.word2vec.pairs import ValidationPairs
from unroll.models.word2vec.params import Word2vecParams
from unroll.text.streams import Data

MAX_SENTENCE = 10_000
"""The maximum number of words of a sentence. gensim drops the rest silently, so longer documents are cut."""


class Sentences:
    """The documents of the train split with `<eos>`, as an iterable that can be read several times."""

    def __init__(self, data: Data) -> None:
        """Set the partition."""
        self.documents = data.train.documents

    def __iter__(self) -> Iterator[list[int]]:
        """Iterate over the documents, cut to sentences of at most MAX_SENTENCE words."""
        for document in self.documents:
            for first in range(0, len(document), MAX_SENTENCE):
                yield document[first : first + MAX_SENTENCE].tolist()


class Objective(ValidationPairs):
    """The loss of this module in nats per pair, on the first pairs of the valid split and fixed noise words."""

    def __init__(self, params: Word2vecParams, data: Data) -> None:
        """Select the pairs and draw the noise words."""
        super().__init__(params, data)
        frequency = np.where(self.counts > 0, self.counts.clip(1) ** params.noise_exponent, 0)
        generator = np.random.default_rng(data.seed)
        size = (len(self.predicted), params.negative)
        self.noise = generator.choice(data.vocabulary_size, size, p=frequency / frequency.sum())  # (N, K)

    def __call__(self, first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
        """Compute the loss.

        Args:
            first: W1^T, (V, D).
            second: W2, (V, D).

        Returns:
            The loss in nats per pair.
        """
        given = (self.given >= 0)[:, :, None]
        h = (first[self.given] * given).sum(1) / given.sum(1)  # (N, D)
        right = (second[self.predicted] * h).sum(1)
        wrong = np.einsum("nkd,nd->nk", second[self.noise], h)
        return float((np.logaddexp(0, -right) + np.logaddexp(0, wrong).sum(1)).mean(dtype=np.float64))


def train(params: Word2vecParams, data: Data, log: Log) -> tuple[Vectors, Vectors]:
    """Train word vectors on data.train.

    Args:
        params: The settings.
        data: The partition.
        log: Receives the validation loss after each epoch.

    Returns:
        W1^T and W2, (V, D) each, with zeros for tokens that the train split lacks.
    """
    # gensim is slow to import, so it is imported only where vectors are trained.
    from gensim.models import Word2Vec
    from gensim.models.callbacks import CallbackAny2Vec

    objective = Objective(params, data)

    class LogEpoch(CallbackAny2Vec):
        """Log the loss after each epoch."""

        epochs = 0

        def on_epoch_end(self, model: Word2Vec) -> None:
            """Log the loss."""
            self.epochs += 1
            if len(objective.predicted):  # a short valid split has no pairs, which change no vector
                loss = objective(*_by_token(model, data.vocabulary_size))
                log(self.epochs, epoch=float(self.epochs), valid_loss=loss)

    trained = Word2Vec(
        Sentences(data),
        sg=int(params.algorithm == "skip_gram"),
        cbow_mean=1,
        hs=0,
        vector_size=params.size,
        window=params.window,
        shrink_windows=params.shrink_windows,
        min_count=1,  # the tokenizer has already removed rare words
        negative=params.negative,
        ns_exponent=params.noise_exponent,
        sample=params.subsample,
        epochs=params.epochs,
        alpha=params.learning_rate,
        min_alpha=params.final_learning_rate,
        seed=data.seed,
        workers=1,
        callbacks=[LogEpoch()],
    )
    return _by_token(trained, data.vocabulary_size)


def _by_token(trained: Any, vocabulary_size: int) -> tuple[Vectors, Vectors]:
    """Return W1^T and W2, (V, D) each, with zeros for tokens that the train split lacks. gensim sorts by frequency."""
    first, second = np.zeros((2, vocabulary_size, trained.vector_size), dtype=np.float32)
    first[trained.wv.index_to_key], second[trained.wv.index_to_key] = trained.wv.vectors, trained.syn1neg
    return first, second
