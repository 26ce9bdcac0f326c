"""Settings of family `vector_file`."""

from typing import Literal

from unroll.params.word_vectors import File, WordVectorParams


class VectorFileParams(WordVectorParams):
    """Word vectors that are read from a text file of GloVe or word2vec."""

    family: Literal["vector_file"]
    file: File
    """The file: a name of the catalogue, or a path."""
