"""Settings of family `vector_file`."""

from typing import Annotated, Literal

from pydantic import Field

from unroll.params.word_vectors import File, WordVectorParams, is_omitted


class VectorFileParams(WordVectorParams):
    """Word vectors that are read from a text file of GloVe or word2vec."""

    family: Literal["vector_file"]
    file: File
    """The file: a name of the catalogue, or a path."""
    keep: Annotated[Literal["vocabulary", "all"], Field(exclude_if=is_omitted("vector_file", "keep"))]
    """The words whose vectors are kept: those of the vocabulary of the tokenizer, or `all` words of the file, so that
    `unroll similar`, `analogy` and `similarity` know words that the text does not have."""
