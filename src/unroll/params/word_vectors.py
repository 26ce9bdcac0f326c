"""Settings that all families of word vectors share."""

from typing import Literal

from unroll.params.base import Name, Params
from unroll.params.files import File


class WordVectorParams(Params):
    """The settings of word vectors of any family."""

    family: str
    tokenizer: Name
    """A key of `tokenizers`."""
    oov_init: Literal["zeros", "mean", "normal"]
    """The vector of a token that has none: zeros, the mean of the others, or a draw from a normal distribution with the
    mean and the standard deviation that the others have in each dimension."""
    analogies: Literal["none"] | File
    """Analogy questions for the evaluation, in the format of questions-words (`analogies` in the catalogue)."""
