"""What a benchmark prints: figures, each beside a peer's of the same run."""

import json
from collections.abc import Iterable
from typing import Any

Figure = dict[str, Any]
LESS_IS_BETTER = ("s", "CPU s", "ms", "MB", "x file", "relative", "absolute")
LESS_IS_BETTER += ("perplexity", "nats per token", "wrong words", "WER")
"""Units of which a smaller value is the better one."""


def figure(
    name: str,
    value: float,
    unit: str,
    peer: str = "none",
    peer_value: float | None = None,
    goal: str = "",
    comparable: bool = True,
) -> Figure:
    """One line of a result. `ratio` > 1 means that we are better; None if there is no peer to be `comparable` with.
    A peer that is missing says why in its name: "skipped: kenlm is not installed"."""
    ratio = None
    if value and peer_value and comparable:
        ratio = peer_value / value if unit in LESS_IS_BETTER else value / peer_value
    names = ("figure", "value", "unit", "peer", "peer_value", "ratio", "goal")
    return dict(zip(names, (name, value, unit, peer, peer_value, ratio, goal), strict=True))


def show(figures: Iterable[Figure], as_json: bool) -> None:
    """Print each as soon as it is found, or all as one JSON list."""
    if as_json:
        print(json.dumps(list(figures), indent=1))
        return
    for row in figures:
        against = row["peer"] if row["peer_value"] is None else f"{row['peer']}: {row['peer_value']:,.6g}"
        ratio = "" if row["ratio"] is None else f"ratio {row['ratio']:.3g}"
        parts = [
            f"{row['figure']}: {row['value']:,.6g} {row['unit']}",
            against if against != "none" else "",
            ratio,
            row["goal"],
        ]
        print(" | ".join(part for part in parts if part), flush=True)
