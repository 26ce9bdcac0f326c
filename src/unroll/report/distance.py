"""How far the models of a sampled corpus are from the source that made it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from unroll.evaluation.analysis import oracle_gap
from unroll.evaluation.analysis.k_step import divergence
from unroll.evaluation.analysis.learning_curve import Point
from unroll.evaluation.statistics import Difference
from unroll.evaluation.token_losses import Column
from unroll.params.evaluate import Statistics
from unroll.report.leaderboard import Result

GROUPS = 10


@dataclass(frozen=True)
class Distance:
    """By the name of the model, the source itself left out."""

    excess: dict[str, Difference]
    """Millibits per token above the source."""
    expected: dict[str, float]
    """d / 2N of the model, millibits per token."""
    approach: dict[str, Sequence[Point]]
    """The excess by the size of the text, of those that stage learn fitted again."""
    rarity: dict[str, list[oracle_gap.Group]]
    ahead: dict[str, NDArray]
    """KL(source || model) in nats, by steps ahead; where both have predicted that far."""


def measure(
    ranked: Sequence[Result],
    losses: Mapping[str, Mapping[str, Column]],
    ahead: Mapping[str, NDArray[Any]],
    learning: Mapping[str, Sequence[Point]],
    params: Statistics,
    seed: int,
) -> Distance | None:
    """Of models on the same tokens; None where there is no source among them."""
    source = next((result.name for result in ranked if result["family"] == "oracle"), None)
    if source is None:
        return None
    others = [result for result in ranked if result.name != source]
    table, known = losses[source], ahead.get(source)
    return Distance(
        {r.name: oracle_gap.excess(losses[r.name]["nll"], table["nll"], params, seed) for r in others},
        {r.name: oracle_gap.expected(r["parameters"], r["train_tokens"]) for r in others},
        {r.name: learning[r.name] for r in others if r.name in learning},
        {
            r.name: oracle_gap.by_rarity(losses[r.name]["nll"], table["nll"], table["train_count"], GROUPS)
            for r in others
        },
        {
            r.name: divergence(known, ahead[r.name])
            for r in others
            if known is not None and known.size and r.name in ahead
        },
    )
