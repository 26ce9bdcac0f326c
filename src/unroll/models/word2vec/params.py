"""Settings of family `word2vec`."""

from typing import Annotated, Literal

from pydantic import Field

from unroll.params.base import Size
from unroll.params.word_vectors import WordVectorParams


class Word2vecParams(WordVectorParams):
    """Word vectors that gensim trains on the train split."""

    family: Literal["word2vec"]
    algorithm: Literal["cbow", "skip_gram"]
    """`cbow` predicts a word from the mean of its context, `skip_gram` each word of the context from the word."""
    matrix: Literal["input", "output"]
    """The matrix whose rows are the vectors: `input` is E = W1, of the words that are given; `output` is E = W2^T, of
    the words that are predicted."""
    size: Size
    """D: the number of dimensions."""
    window: Annotated[int, Field(ge=1, le=1000)]
    """M: the maximum number of context words on each side. Every position draws its number from 1 to M."""
    negative: Annotated[int, Field(ge=1, le=1000)]
    """The number of noise words for each word to predict."""
    noise_exponent: Annotated[float, Field(ge=-2, le=2)]
    """Noise words are drawn with probability proportional to their frequency to this power."""
    subsample: Annotated[float, Field(ge=0, le=1)]
    """t: an occurrence of a word with relative frequency f > t is left out with a probability of about 1 - sqrt(t / f);
    0 keeps all."""
    epochs: Annotated[int, Field(ge=1, le=10_000)]
    """The number of passes over the train split."""
    learning_rate: Annotated[float, Field(gt=0, le=10)]
    """The initial learning rate. It falls linearly to `final_learning_rate`."""
    final_learning_rate: Annotated[float, Field(gt=0, le=10)]
    """The learning rate at the end of the last epoch."""
