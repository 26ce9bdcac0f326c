"""The settings of cleaning and splitting, which all corpora share (stage clean)."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unroll.params.base import Params, Share


class Splits(Params):
    """How documents are divided into train, valid and test. The rest after the two shares is train."""

    by: Literal["source", "hash", "position"]
    """The rule. `source`: the files of the source define the splits. `hash`: a stable hash of the text (of the source
    sentence for pairs) selects the split, so that equal texts are in the same split. `position`: the last characters
    are test, and those before them are valid."""
    valid: Share
    """The share of valid in the documents (`hash`) or characters (`position`). `source` ignores it."""
    test: Share
    """The share of test, defined in the same way."""

    @model_validator(mode="after")
    def _check_train_is_not_empty(self) -> "Splits":
        if self.valid + self.test >= 1:
            taken = f"valid + test = {self.valid + self.test:g}"
            raise ValueError(f"{taken} leaves nothing to train on; keep the sum below 1")
        return self


class Duplicates(Params):
    """Documents (source sentences of pairs) that are also in a later split, in the order train, valid, test."""

    drop: bool
    """Whether duplicates are removed from the earlier split. Test never changes. Duplicates are always counted."""


class ExactDuplicates(Duplicates):
    """Documents with the same text."""

    kind: Literal["exact"]
    """Texts are compared character by character."""


class NearDuplicates(Duplicates):
    """Documents with similar sets of word n-grams (Broder, 1997). MinHash estimates their Jaccard similarity."""

    kind: Literal["near"]
    """Texts are compared by their word n-grams."""
    words: Annotated[int, Field(ge=1, le=20)]
    """The order n of the n-grams. Case, punctuation and digits are ignored."""
    similarity: Annotated[float, Field(ge=0.5, le=1)]
    """The minimum similarity. Below 0.5 MinHash would miss too many duplicates."""


class BaseCorpus(Params):
    """The settings of cleaning and splitting, which all sources share."""

    cleaning: Literal["plain", "layout", "letters"]
    """The rule. `plain`: white space becomes single spaces, and is removed at both ends. `layout`: white space does not
    change. `letters`: everything except A-Z and a-z becomes a single space. All rules convert the text to Unicode NFC
    and remove control characters."""
    invisible: Literal["keep", "drop"]
    """Whether soft hyphens, zero-width spaces, word joiners and byte order marks are kept. They split words in two."""
    lowercase: bool
    """Whether the text is converted to lower case."""
    empty: Literal["keep", "drop"]
    """Whether documents without characters are kept. WikiText counts the <eos> of its blank lines. A pair or labelled
    text with an empty side is always dropped."""
    max_characters: Annotated[int, Field(ge=100, le=100_000_000)]
    """The maximum length of a document, which limits the memory of every stage. Longer running text is cut into
    documents at white space, and longer pairs and labelled texts are dropped. Both are counted."""
    duplicates: Annotated[ExactDuplicates | NearDuplicates, Field(discriminator="kind")]
    """Documents that are in two splits."""
    splits: Splits
    """How documents are divided into train, valid and test."""
