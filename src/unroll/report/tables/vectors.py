"""The tables of word vectors: coverage and analogies, and the quality of rare and frequent words."""

import pandas as pd

from unroll.report.markdown import Columns, format_columns, to_markdown_table


def to_markdown(table: pd.DataFrame) -> str:
    """Return the tables of word vectors.

    Args:
        table: The table of all models.

    Returns:
        The tables with their headings; empty if there are no word vectors.
    """
    vectors = table[table.dimensions.notna() & ~table.repeats]
    if not len(vectors):
        return ""
    head = "## Word vectors\n\nCoverage is the share of tokens that have a vector; analogies are those solved.\n\n"
    columns: Columns = {
        "vectors": ("model", "`{}`".format),
        "family": ("family", str),
        "tokenizer": ("tokenizer", "`{}`".format),
        "dimensions": ("dimensions", str),
        "vocabulary coverage": ("coverage", "{:.1%}".format),
        "test coverage": ("test_coverage", "{:.1%}".format),
        "analogies": ("solved", str),
    }
    if "analogies" in vectors:
        solved = [f"{row.analogy_accuracy:.1%} of {row.analogies_covered:,}" for row in vectors.itertuples()]
        vectors = vectors.assign(solved=pd.Series(solved, vectors.index).where(vectors.analogies.notna()))
    shown = format_columns(vectors, columns)
    return head + to_markdown_table(list(shown), list(zip(*shown.values(), strict=True))) + _frequency_table(vectors)


def _frequency_table(vectors: pd.DataFrame) -> str:
    """Return the table of word vectors by the frequency of words; empty if none was measured."""
    if "context_accuracy" not in vectors:
        return ""
    shares = {row.model: row.context_accuracy for row in vectors.itertuples() if isinstance(row.context_accuracy, dict)}
    bands = list(dict.fromkeys(band for by_band in shares.values() for band in by_band))
    if not bands:
        return ""
    head = (
        "\n### Rare and frequent words\n\nHow often the word of a test position is told from a random word of the same "
        "frequency by the words nearby; chance is 50 %. Columns are counts in the train split.\n\n"
    )
    rows = [
        [f"`{name}`", *(f"{by_band[band]:.1%}" if band in by_band else "" for band in bands)]
        for name, by_band in shares.items()
    ]
    return head + to_markdown_table(["vectors", *bands], rows)
