"""A map of tokens: their vectors' first two principal components, as PNG of every vectors model."""

import csv
from pathlib import Path

from matplotlib.figure import Figure


def projection(path: Path, title: str) -> Figure:
    """Tokens where the table that evaluate wrote of a vectors model puts them."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    figure = Figure(figsize=(8, 6.4), layout="constrained")
    axes = figure.add_subplot(title=title, xlabel="first principal component", ylabel="second")
    axes.plot([float(row["x"]) for row in rows], [float(row["y"]) for row in rows], ".", color="C0", markersize=3)
    for row in rows:
        word = row["token"].strip().replace("$", r"\$")
        axes.annotate(word, (float(row["x"]), float(row["y"])), (2, 2), textcoords="offset points", fontsize="x-small")
    return figure
