"""Tables in Markdown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, tuple[str, Callable[[Any], str]]]
"""The name of a column of a table and the format of its values, by the heading of the column that is shown."""


def to_markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]], padded: bool = False) -> str:
    """Return a table whose first column is aligned left, and the others right.

    Args:
        heads: The headings.
        rows: The texts of each row.
        padded: Whether all cells of a column have the same width, for a terminal.

    Returns:
        The lines of the table.
    """
    lines = [heads, *rows]
    widths = [max(map(len, column)) if padded else 0 for column in zip(*lines, strict=True)]
    lines.insert(1, [_align(":", index, max(width, 3), "-") for index, width in enumerate(widths)])
    aligned = [[_align(text, index, widths[index]) for index, text in enumerate(line)] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in aligned)


def _align(text: str, column: int, width: int, fill: str = " ") -> str:
    return text.rjust(width, fill) if column else text.ljust(width, fill)


def format_columns(table: "pd.DataFrame", columns: Columns) -> dict[str, list[str]]:
    """Format the values of a table. A column without any value is left out, and a missing value is empty.

    Args:
        table: The values.
        columns: The columns to show. Those that the table does not have are left out.

    Returns:
        The texts of each column, by heading.
    """
    shown = {}
    for heading, (name, form) in columns.items():
        if name in table and (known := table[name].notna()).any():
            shown[heading] = [form(value) if has else "" for value, has in zip(table[name], known, strict=True)]
    return shown
