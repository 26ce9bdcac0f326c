"""Families of word vectors, `word2vec` and `pretrained`: the section `vectors`."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from unroll.params.base import Name, Params, Size


class CatalogueFile(Params):
    """By its name in the catalogue (`src/unroll/corpora/catalogue.yaml`)."""

    source: str


class PathFile(Params):
    """A file of the user's own."""

    source: Literal["path"]
    path: str
    """The file, relative to the repository or absolute."""
    sha256: str
    """Of the file's bytes: pins the result; the error on a wrong one prints the right one to paste here."""


def _kind(value: object) -> str:
    source = value.get("source") if isinstance(value, dict) else getattr(value, "source", None)
    return "path" if source == "path" else "catalogue"


File = Annotated[
    Annotated[CatalogueFile, Tag("catalogue")] | Annotated[PathFile, Tag("path")],
    Discriminator(_kind),
]
"""A file that is no corpus."""


class _Vectors(Params):
    family: str
    tokens: Name
    missing: Literal["zeros", "mean", "normal"]
    """The vector of a token that has none: nought, the mean of the others, or drawn with the mean and the standard
    deviation that the others have in each dimension."""
    analogies: Literal["none"] | File
    """Questions to measure the vectors by, in the format of questions-words (the catalogue's `analogies`)."""


class Word2vecParams(_Vectors):
    """Trained on the train split, by gensim."""

    family: Literal["word2vec"]
    algorithm: Literal["cbow", "skip_gram"]
    """`cbow` predicts a word from the mean of its context, `skip_gram` each word of the context from the word."""
    readout: Literal["first", "second"]
    """E = W1, the vectors of what is given, or E = W2^T, of what is predicted."""
    size: Size
    """D, of the vectors."""
    window: Annotated[int, Field(ge=1, le=1000)]
    """M: words of context on each side at most; every position draws how many of them, from 1 to M."""
    negative: Annotated[int, Field(ge=1, le=1000)]
    """Words of noise beside each word to predict."""
    noise_exponent: Annotated[float, Field(ge=-2, le=2)]
    """Noise is drawn by frequency to this power."""
    subsample: Annotated[float, Field(ge=0, le=1)]
    """t: of words with a share f > t of the text some are left out, about 1 - sqrt(t / f); 0 keeps all."""
    epochs: Annotated[int, Field(ge=1, le=10_000)]
    learning_rate: Annotated[float, Field(gt=0, le=10)]
    """Falls linearly to `final_learning_rate`."""
    final_learning_rate: Annotated[float, Field(gt=0, le=10)]


class PretrainedParams(_Vectors):
    """Read from a text file of GloVe or word2vec."""

    family: Literal["pretrained"]
    file: File


VectorsParams = Annotated[Word2vecParams | PretrainedParams, Field(discriminator="family")]
