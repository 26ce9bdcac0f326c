"""Settings that all families of word vectors share, and the files that they name."""

from typing import Annotated, Literal

from pydantic import Discriminator, Tag

from unroll.params.base import Name, Params


class CatalogueFile(Params):
    """A file of the catalogue (`src/unroll/corpora/catalogue.yaml`)."""

    source: str
    """The name of the file in the catalogue."""


class PathFile(Params):
    """A file of the user."""

    source: Literal["path"]
    path: str
    """The path of the file, relative to the repository or absolute."""
    sha256: str
    """The SHA-256 of the file. It determines the result; the error for a wrong one shows the right one."""


def _kind(value: object) -> str:
    source = value.get("source") if isinstance(value, dict) else getattr(value, "source", None)
    return "path" if source == "path" else "catalogue"


File = Annotated[
    Annotated[CatalogueFile, Tag("catalogue")] | Annotated[PathFile, Tag("path")],
    Discriminator(_kind),
]
"""A file that is not a corpus."""


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
