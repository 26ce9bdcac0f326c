"""word2vec (Mikolov et al. 2013): word vectors by CBOW or skip-gram.

In CBOW, h is the mean of W1 x(w) over the words w of the context, and W2 scores the word in the middle. In skip-gram, h
is W1 x(w) of the word in the middle, and W2 scores each word of the context. Either the scores are those of a softmax
over the vocabulary, or each of them tells a word from noise words. The vectors are the rows of either matrix: E = W1 or
E = W2^T.
"""

from unroll.arithmetic.global_state import restored_global_state
from unroll.models.base import word_vectors
from unroll.models.base.inputs import Inputs
from unroll.models.base.protocol import Log
from unroll.models.base.word_vectors import Model
from unroll.models.word2vec import negative_sampling, softmax
from unroll.models.word2vec.params import Word2vecParams
from unroll.text.streams import Data

load = word_vectors.load


@restored_global_state()
def fit(params: Word2vecParams, data: Data, inputs: Inputs, log: Log) -> Model:
    """Train word vectors on data.train.

    Args:
        params: The settings.
        data: The partition.
        inputs: Not used.
        log: Receives the losses after each epoch.

    Returns:
        The vectors, a function of the settings, the data and data.seed.
    """
    matrices = {"softmax": softmax, "negative_sampling": negative_sampling}[params.objective].train(params, data, log)
    return word_vectors.complete(params, matrices[("input", "output").index(params.matrix)], data)
