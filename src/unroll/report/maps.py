"""Maps of tokens: the first two principal components of their vectors."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from unroll.report import chart

Place = tuple[str, float, float]
"""A token with its place (x, y)."""


def parse_places(table: str) -> list[Place]:
    """Parse the table that stage evaluate writes of word vectors: token, x, y and neighbours, separated by tabs."""
    rows = (line.split("\t") for line in table.split("\n")[1:] if line)
    return [(row[0], float(row[1]), float(row[2])) for row in rows]


def draw_maps(
    results: pd.DataFrame, samples: Mapping[str, str], diagnostics: Mapping[str, Mapping[str, Any]]
) -> list[tuple[str, Markup]]:
    """Draw the map of each model of word vectors and of the embedding of each network that has one.

    Args:
        results: The table of all models.
        samples: The tables of word vectors, by model.
        diagnostics: The diagnostics, by model.

    Returns:
        Pairs of a caption and a map.
    """
    maps = []
    for r in results.itertuples():
        if pd.notna(r.dimensions):
            caption = f"{r.model}: {r.dimensions} dimensions, for {100 * r.coverage:.1f} % of the vocabulary."
            maps.append((caption, chart.draw_map(parse_places(samples[r.model]))))
        elif places := diagnostics[r.model].get("map"):
            maps.append((f"{r.model}: the embedding of its tokens.", chart.draw_map([(t, x, y) for t, x, y in places])))
    return maps
