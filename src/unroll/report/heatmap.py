"""Where a model looked: the attention of each target word (rows) on the words of the source (columns)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

SHOWN = 80
"""Words of each side at most: more are not legible."""


def heatmap(source: Sequence[str], target: Sequence[str], weights: Any) -> Figure:
    """`weights` is (T, S), rows that sum to one."""
    weights = np.asarray(weights, dtype=np.float64)[:SHOWN, :SHOWN]
    source, target = ([_plain(word) for word in words[:SHOWN]] for words in (source, target))
    figure = Figure(figsize=(2 + 0.35 * len(source), 1.5 + 0.3 * len(target)), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(source)), source, rotation=60, ha="left", rotation_mode="anchor")
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(target)), target)
    figure.colorbar(image, ax=axes, label="attention")
    return figure


def _plain(word: str) -> str:
    """No part of a word is mathematics, and white space is seen."""
    return word.replace("$", r"\$").replace(" ", "␣" if len(word) == 1 else "")
