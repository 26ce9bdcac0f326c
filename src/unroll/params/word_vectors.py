"""Settings that all families of word vectors share, and the files that they name."""

from collections.abc import Callable, Mapping
from functools import partial
from operator import eq
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag

from unroll.params.base import Name, Params

OMITTED: dict[str, dict[str, Any]] = {
    "word2vec": {"objective": "negative_sampling", "shrink_windows": True, "batch_size": 1},
    "vector_file": {"keep": "vocabulary"},
}
"""By family, the values of settings that a saved model omits, so that such models have the same bytes as those of
earlier releases, which did not have these settings."""


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


def is_omitted(family: str, setting: str) -> Callable[[Any], bool]:
    """Return the function that says whether a saved model omits a value of a setting."""
    return partial(eq, OMITTED[family][setting])


def with_omitted(saved: Mapping[str, Any]) -> dict[str, Any]:
    """Add the settings that saved word vectors omit.

    Args:
        saved: The settings of word vectors of any family, as they were saved.

    Returns:
        The settings with all keys.
    """
    return {**OMITTED.get(saved["family"], {}), **saved}
