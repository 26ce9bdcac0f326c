"""The table of models that fill blanks."""

import pandas as pd

from unroll.report.markdown import Columns, format_columns, to_markdown_table


def to_markdown(table: pd.DataFrame) -> str:
    """Return the table of models that predict a word from both sides.

    Args:
        table: The table of all models.

    Returns:
        The table with its heading, the most accurate model first; empty if there is no such model.
    """
    if "cloze_accuracy" not in table:
        return ""
    models = table[table.cloze_accuracy.notna() & ~table.repeats]
    if not len(models):
        return ""
    head = (
        "## Filling blanks\n\nEvery word of the test split is predicted from all other words of its document. The "
        "pseudo-perplexity is that of these predictions. It is not the perplexity of a text, and is not comparable "
        "with one.\n\n"
    )
    columns: Columns = {
        "model": ("model", "`{}`".format),
        "family": ("family", str),
        "tokenizer": ("tokenizer", "`{}`".format),
        "accuracy": ("cloze_accuracy", "{:.1%}".format),
        "pseudo-perplexity": ("cloze_perplexity", "{:,.2f}".format),
        "parameters": ("parameters", "{:,}".format),
    }
    shown = format_columns(models.sort_values("cloze_accuracy", ascending=False, kind="stable"), columns)
    return head + to_markdown_table(list(shown), list(zip(*shown.values(), strict=True)))
