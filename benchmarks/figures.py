"""The figures that a benchmark prints, each beside that of a peer in the same run."""

import json
from collections.abc import Iterable
from typing import Any

Figure = dict[str, Any]
LESS_IS_BETTER = ("s", "CPU s", "ms", "MB", "x file", "relative", "absolute")
LESS_IS_BETTER += ("perplexity", "nats per token", "wrong words", "WER")
"""The units of which a smaller value is better."""


def figure(
    name: str,
    value: float,
    unit: str,
    peer: str = "none",
    peer_value: float | None = None,
    goal: str = "",
    comparable: bool = True,
) -> Figure:
    """Make one figure of a result.

    Args:
        name: What was measured.
        value: The value.
        unit: The unit of the value.
        peer: The name of the peer. If the peer is missing, the reason: "skipped: kenlm is not installed".
        peer_value: The value of the peer, or None if there is none.
        goal: What the value should reach.
        comparable: Whether the two values can be compared.

    Returns:
        The figure. Its `ratio` is greater than 1 if the value is better than that of the peer, and None if there is no
        value to compare with.
    """
    ratio = None
    if value and peer_value and comparable:
        ratio = peer_value / value if unit in LESS_IS_BETTER else value / peer_value
    names = ("figure", "value", "unit", "peer", "peer_value", "ratio", "goal")
    return dict(zip(names, (name, value, unit, peer, peer_value, ratio, goal), strict=True))


def show(figures: Iterable[Figure], as_json: bool) -> None:
    """Print each figure as soon as it is measured, or all of them as one JSON list."""
    if as_json:
        print(json.dumps(list(figures), indent=1))
        return
    for row in figures:
        peer = row["peer"] if row["peer_value"] is None else f"{row['peer']}: {row['peer_value']:,.6g}"
        parts = [
            f"{row['figure']}: {row['value']:,.6g} {row['unit']}",
            peer if peer != "none" else "",
            "" if row["ratio"] is None else f"ratio {row['ratio']:.3g}",
            row["goal"],
        ]
        print(" | ".join(part for part in parts if part), flush=True)
