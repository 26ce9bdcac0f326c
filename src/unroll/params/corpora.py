"""`corpora`: where text comes from and how it is cleaned (stages download and clean)."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from unroll.params.base import Params, Share


class Splits(Params):
    """How documents are divided into train, valid and test; train is what the two shares leave."""

    by: Literal["given", "hash", "position"]
    """`given`: by the source's own files; `hash`: by a stable hash of the text (pairs: of the source sentence), so
    that equal texts never part; `position`: the last characters are test, those before them valid."""
    valid: Share
    """Share of the documents (`hash`) or characters (`position`); not read by `given`."""
    test: Share
    """As `valid`."""

    @model_validator(mode="after")
    def _leave_some_to_train(self) -> "Splits":
        if self.valid + self.test >= 1:
            raise ValueError(f"valid + test = {self.valid + self.test:g} leaves nothing to train on; keep the sum below 1")
        return self


class TextCorpus(Params):
    """Running text by name: `python-docs` or an entry of the catalogue (`src/unroll/corpora/catalogue.yaml`)."""

    source: str
    """Name of the source."""
    documents: Literal["given", "line", "paragraph", "file"]
    """What one document is: what the source or catalogue says, a line, a block between blank lines, or a file."""
    cleaning: Literal["plain", "letters"]
    """`plain`: white space folded, control characters dropped; `letters`: everything but A-Z a-z becomes a space
    (`clean_text` of the lecture notes)."""
    lowercase: bool
    splits: Splits


class PathCorpus(TextCorpus):
    """A text file of the user's own."""

    source: Literal["path"]
    path: str
    """The file, relative to the repository or absolute."""
    sha256: str
    """Of the file's bytes: pins the result; the error on a wrong one prints the right one to paste here."""


class ToyDutchCorpus(Params):
    """English-Dutch sentence pairs from the synchronous grammar of `unroll.corpora.toy_dutch`."""

    source: Literal["toy-dutch"]
    pairs: Annotated[int, Field(ge=10, le=1_000_000)]
    """Distinct pairs to sample."""
    lowercase: bool
    splits: Splits


def _kind(value: Any) -> str:
    source = value.get("source") if isinstance(value, dict) else getattr(value, "source", None)
    return source if source in ("path", "toy-dutch") else "text"


Corpus = Annotated[
    Annotated[TextCorpus, Tag("text")]
    | Annotated[PathCorpus, Tag("path")]
    | Annotated[ToyDutchCorpus, Tag("toy-dutch")],
    Discriminator(_kind),
]
