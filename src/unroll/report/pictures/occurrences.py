"""The picture of the occurrences of a word in different contexts."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from unroll.report.maps import Place

NEAR = 0.03
"""Occurrences that are nearer than this share of the picture have one label."""


def draw(places: Sequence[Place], title: str) -> Figure:
    """Draw occurrences as numbers, and list their contexts by number beside them.

    Args:
        places: The context of each occurrence, with its place (x, y).
        title: The title.

    Returns:
        The figure.
    """
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.add_subplot(title=title, xlabel="first principal component", ylabel="second")
    points = np.asarray([(x, y) for _, x, y in places])  # (N, 2)
    axes.plot(*points.T, ".", color="C0")
    for numbers in _group(points):
        text = ", ".join(str(number + 1) for number in numbers)
        axes.annotate(text, points[numbers[0]], (4, 4), textcoords="offset points", annotation_clip=False)
    lines = [f"{number}  {text}".replace("$", r"\$") for number, (text, _, _) in enumerate(places, 1)]
    axes.text(1.03, 1, "\n".join(lines), transform=axes.transAxes, verticalalignment="top")
    axes.margins(0.1)
    return figure


def _group(points: np.ndarray) -> list[list[int]]:
    """Return the numbers of points (N, 2) in groups: a point belongs to the first group whose first point is near."""
    scale = np.ptp(points, axis=0).max() or 1.0
    groups: list[list[int]] = []
    for number, point in enumerate(points):
        for group in groups:
            if np.abs(points[group[0]] - point).max() < NEAR * scale:
                group.append(number)
                break
        else:
            groups.append([number])
    return groups
