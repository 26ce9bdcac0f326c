"""The formats of the files of users, and the columns of tagged text."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from unroll.params.base import Params
from unroll.params.cleaning import SeriesFormat

ColumnNumber = Annotated[int, Field(ge=1, le=1000)]
"""The number of a column, from 1."""
UniversalColumn = Literal["upos", "xpos"]
"""The tag of a word in CoNLL-U: its universal part of speech (column 4) or that of its treebank (column 5)."""


class ColumnsFormat(Params):
    """A token and its tags on each line, and a blank line between sentences: `format` of a corpus.

    The columns are separated by tabs, or by spaces in a line without tabs.
    """

    kind: Literal["tagged"]
    token: ColumnNumber
    """The column of the token."""
    tag: ColumnNumber
    """The column of the tag. Other columns are ignored and counted."""


class ConlluFormat(Params):
    """CoNLL-U, the format of Universal Dependencies: `format` of a corpus."""

    kind: Literal["conllu"]
    tag: UniversalColumn


Format = Literal["text", "pairs", "labelled", "tagged", "series"]
"""The format of a user's file. `text`: plain text. `pairs`: source and target, separated by a tab. `labelled`: label
and text, separated by a tab. `tagged`: token and tag on each line, and a blank line between sentences. `series`: CSV
with times and numbers, whose dialect is found in the file."""


def _tag_format(value: Any) -> str:
    if not isinstance(value, dict | Params):
        return "name"
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return kind if kind in ("tagged", "conllu") else "series"


FileFormat = Annotated[
    Annotated[Format, Tag("name")]
    | Annotated[SeriesFormat, Tag("series")]
    | Annotated[ColumnsFormat, Tag("tagged")]
    | Annotated[ConlluFormat, Tag("conllu")],
    Discriminator(_tag_format),
]
"""A format by name, the dialect of a series, or the columns of tagged text."""
