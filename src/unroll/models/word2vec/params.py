"""Settings of family `word2vec`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unroll.params.base import Size
from unroll.params.word_vectors import WordVectorParams, is_omitted


class Word2vecParams(WordVectorParams):
    """Word vectors that are trained on the train split."""

    family: Literal["word2vec"]
    algorithm: Literal["cbow", "skip_gram"]
    """`cbow` predicts a word from the mean of its context, `skip_gram` each word of the context from the word."""
    objective: Annotated[Literal["softmax", "negative_sampling"], Field(exclude_if=is_omitted("word2vec", "objective"))]
    """`softmax` predicts a word among all words of the vocabulary; `negative_sampling` tells it from noise words."""
    matrix: Literal["input", "output"]
    """The matrix whose rows are the vectors: `input` is E = W1, of the words that are given; `output` is E = W2^T, of
    the words that are predicted."""
    size: Size
    """D: the number of dimensions."""
    window: Annotated[int, Field(ge=1, le=1000)]
    """M: the maximum number of context words on each side."""
    shrink_windows: Annotated[bool, Field(exclude_if=is_omitted("word2vec", "shrink_windows"))]
    """Whether every position draws the number of its context words on each side from 1 to M; otherwise it is M."""
    negative: Annotated[int, Field(ge=0, le=1000)]
    """The number of noise words for each word to predict; 0 with `objective: softmax`."""
    noise_exponent: Annotated[float, Field(ge=-2, le=2)]
    """Noise words are drawn with probability proportional to their frequency to this power; 0.0 with `objective:
    softmax`."""
    subsample: Annotated[float, Field(ge=0, le=1)]
    """t: an occurrence of a word with relative frequency f > t is left out with a probability of about 1 - sqrt(t / f);
    0 keeps all."""
    epochs: Annotated[int, Field(ge=1, le=10_000)]
    """The number of passes over the train split."""
    batch_size: Annotated[Size, Field(exclude_if=is_omitted("word2vec", "batch_size"))]
    """The number of positions of a step of the training; 1 with `objective: negative_sampling`."""
    learning_rate: Annotated[float, Field(gt=0, le=10)]
    """The initial learning rate, of AdaGrad with `objective: softmax`. It falls linearly to `final_learning_rate`."""
    final_learning_rate: Annotated[float, Field(gt=0, le=10)]
    """The learning rate at the end of the last epoch."""

    @model_validator(mode="after")
    def _fits_the_objective(self) -> "Word2vecParams":
        if self.objective == "softmax" and (self.negative or self.noise_exponent):
            raise ValueError("objective softmax draws no noise words; set negative to 0 and noise_exponent to 0.0")
        if self.objective == "negative_sampling" and not self.negative:
            raise ValueError("objective negative_sampling needs noise words; raise negative, or set objective: softmax")
        if self.objective == "negative_sampling" and self.batch_size > 1:
            raise ValueError("objective negative_sampling is trained position by position; set batch_size to 1")
        return self
