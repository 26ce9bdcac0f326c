"""The settings of reading, cleaning and splitting (stage clean)."""

import json
import re
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
    """The share of valid in the documents (`hash`) or characters (`position`). If the source defines no valid split,
    `source` takes this share of its train split by hash; otherwise it ignores the share."""
    test: Share
    """The share of test in the documents or characters. `source` ignores it."""

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


class GeneratedCorpus(BaseCorpus):
    """A corpus that the project generates. The format of its files needs no settings."""


class PinnedCorpus(BaseCorpus):
    """A corpus that is made without a download, and whose bytes are the same everywhere."""

    sha256: str | None
    """The SHA-256 of the data file. The error for a wrong one shows the right one. `null` means that the bytes are not
    verified."""


class SeededCorpus(PinnedCorpus, GeneratedCorpus):
    """A corpus that is sampled. It is a function of its settings, so another seed of the models keeps the text."""

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    """The random seed of the corpus."""


Column = Annotated[int, Field(ge=1, le=100_000)] | Annotated[str, Field(min_length=1, max_length=1000)]
"""The name of a column in the header, or its number from 1."""


class SeriesFormat(Params):
    """How the CSV file of a series is read: `format` of a corpus, if what stage clean finds is not what is meant.

    `auto` finds a setting in the file, and refuses what has two readings.
    """

    kind: Literal["series"]
    delimiter: Literal["auto", "comma", "semicolon", "tab", "bar", "space", "none"]
    """What separates columns. `bar` is |, and `none` reads a single column."""
    decimal: Literal["auto", "point", "comma"]
    """What separates the fraction of a number."""
    thousands: Literal["auto", "none", "comma", "point", "apostrophe", "space", "underscore"]
    """What separates groups of digits in large numbers."""
    header: Literal["auto"] | bool
    """Whether the first row names the columns."""
    time: Column
    """The column of the time, `auto` for the first one, or `none` if the rows have no time."""
    value: Column | Annotated[list[Column], Field(min_length=1, max_length=1000)]
    """The column of the value, a list of columns for a vector at each time, or `auto` for all columns beside the time.
    Other columns are named as ignored."""
    dates: Literal["auto", "day-first", "month-first"]
    """What 1/2/2020 means: 1 February (`day-first`) or 2 January (`month-first`)."""
    order: Literal["auto", "sort", "keep"]
    """`auto` accepts times that only ascend, or only descend and are then reversed. `sort` sorts any times, and `keep`
    keeps the order of the rows."""


PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
"""What YAML reads as a string without quotes, except for words such as true, which are no names of columns."""
AUTO = {"kind": "series"} | dict.fromkeys(list(SeriesFormat.__annotations__)[1:], "auto")
"""The settings that find everything in the file: what `format: series` means."""


def spell_format(**values: object) -> str:
    """Return the YAML of a format that sets these values and finds everything else.

    Args:
        values: Values of fields of `SeriesFormat`.

    Returns:
        Text such as "format: {kind: series, delimiter: auto, ...}", for a message.
    """
    return "format: {" + ", ".join(f"{key}: {_scalar(value)}" for key, value in (AUTO | values).items()) + "}"


def _scalar(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_scalar, value)) + "]"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if isinstance(value, int) or PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
