"""Files that are not corpora: word vectors and analogy questions."""

from typing import Annotated, Literal

from pydantic import Discriminator, Tag

from unroll.params.base import Params


class CatalogueFile(Params):
    """A file of the catalogue (`src/unroll/corpora/catalogue.yaml`)."""

    source: str
    """Its name in the catalogue."""


class PathFile(Params):
    """A file of the user's own."""

    source: Literal["path"]
    path: str
    """The file, relative to the repository or absolute."""
    sha256: str
    """The SHA-256 of the file. It pins the result; the error for a wrong one shows the right one."""


def _kind(value: object) -> str:
    source = value.get("source") if isinstance(value, dict) else getattr(value, "source", None)
    return "path" if source == "path" else "catalogue"


File = Annotated[
    Annotated[CatalogueFile, Tag("catalogue")] | Annotated[PathFile, Tag("path")],
    Discriminator(_kind),
]
"""A file that is not a corpus."""
