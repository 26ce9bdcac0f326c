"""Reproducible experiments with the classic and recurrent language models.

Importing this package imports nothing heavy; each layer is imported where it is used.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from unroll.use import TextModel

__version__ = "0.1.0"


def load(folder: "Path | str") -> "TextModel":
    """The trained model of a folder: load("models/lstm").score(["the students opened their books"])."""
    from unroll.use import load

    return load(folder)
