"""word2vec with negative sampling (Mikolov et al. 2013), trained by gensim; notes "Transformers-2", "Methods for
learning: Word2vec".

CBOW: h = mean of W1 x(w) over the words w of the context, and W2 scores the word in the middle. Skip-gram: h = W1 x(w)
of the word in the middle, and W2 scores each word of the context. A pair's loss is -log s(w2 . h) minus the sum of
log s(-w2' . h) over words w' of noise, s the logistic function. The notes read the vectors of CBOW off W2 (E = W2^T)
and those of skip-gram off W1 (E = W1); either can be had of both.

One thread, so that the same params give the same bytes: gensim's threads overwrite each other's sums.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from unroll.models import vectors
from unroll.models.vectors import Model
from unroll.params.models import Word2vecParams
from unroll.partition import Data

LONGEST = 10_000
"""Words of a sentence for gensim, which drops the rest without a word: longer documents are cut."""

load = vectors.load


class Sentences:
    """The documents of the train split with `<eos>`, as often as they are asked for."""

    def __init__(self, data: Data) -> None:
        self.documents = data.train.documents

    def __iter__(self) -> Iterator[list[int]]:
        for document in self.documents:
            for first in range(0, len(document), LONGEST):
                yield document[first : first + LONGEST].tolist()


def fit(params: Word2vecParams, data: Data, report: Callable[..., None]) -> Model:
    """Train on data.train. Deterministic in data.seed."""
    # gensim costs most of a second of import: only training pays it.
    from gensim.models import Word2Vec

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
    )
    tokens = np.asarray(trained.wv.index_to_key)
    read_out: dict[str, Any] = {"first": trained.wv.vectors, "second": trained.syn1neg}
    found = np.zeros((data.vocabulary_size, params.size), dtype=np.float32)
    found[tokens] = read_out[params.readout]
    known = np.zeros(data.vocabulary_size, dtype=np.bool_)
    known[tokens] = True
    report(params.epochs, vectors=int(known.sum()), missing=int((~known).sum()))
    return Model(params, vectors.complete(found, known, params.missing, data.seed), known)
