"""Reproducible experiments with the classic and recurrent language models.

The import of this package is fast, since the other packages are imported where they are used.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from unroll.use import TextModel

__version__ = "0.1.0"


def load(folder: "Path | str") -> "TextModel":
    """Load a trained model, for example `unroll.load("models/lstm")`.

    Args:
        folder: A folder that the train stage wrote, or the name of one under `models/`.

    Returns:
        The model.

    Raises:
        UnrollError: There is no model, or its files are damaged.
    """
    from unroll.use import load

    return load(folder)
