"""Maps of tokens: the first two principal components of their vectors."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from unroll.report import chart
from unroll.report.leaderboard import Result

Place = tuple[str, float, float]
"""A token with its place (x, y)."""


def parse_places(table: str) -> list[Place]:
    """Parse the table that stage evaluate writes of word vectors: token, x, y and neighbours, separated by tabs."""
    rows = (line.split("\t") for line in table.split("\n")[1:] if line)
    return [(row[0], float(row[1]), float(row[2])) for row in rows]


def draw_maps(
    results: Sequence[Result], samples: Mapping[str, str], diagnostics: Mapping[str, Mapping[str, Any]]
) -> list[tuple[str, Markup]]:
    """Draw the map of each model of word vectors and of the embedding of each network that has one.

    Args:
        results: The results of all models.
        samples: The tables of word vectors, by model.
        diagnostics: The diagnostics, by model.

    Returns:
        Pairs of a caption and a map.
    """
    maps = []
    for r in results:
        if "dimensions" in r.metrics:
            share = 100 * r["coverage"]
            caption = f"{r.name}: {r['dimensions']} dimensions, for {share:.1f} % of the vocabulary."
            maps.append((caption, chart.draw_map(parse_places(samples[r.name]))))
        elif places := diagnostics[r.name].get("map"):
            maps.append((f"{r.name}: the embedding of its tokens.", chart.draw_map([(t, x, y) for t, x, y in places])))
    return maps
