"""The section of the page on sampled corpora: how far models are from the source that made their text."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from unroll.evaluation.analysis import oracle_gap
from unroll.evaluation.analysis.k_step import kl_bias, kl_divergence
from unroll.evaluation.analysis.learning_curve import Point
from unroll.evaluation.statistics import Difference
from unroll.evaluation.token_losses import Column
from unroll.params.evaluate import Statistics
from unroll.report import chart

GROUPS = 10
"""The number of groups of test tokens by how often they occur in the train split."""


@dataclass(frozen=True)
class OracleDistance:
    """The distance of each model to the oracle, by the name of the model."""

    excess: dict[str, Difference]
    """The excess of the loss over the oracle's, in millibits per token."""
    expected: dict[str, float]
    """The expected excess d / 2N of a model with d parameters and N train tokens, in millibits per token."""
    by_train_size: dict[str, Sequence[Point]]
    """The excess by the size of the train split, for entries of `learning_curves`."""
    by_frequency: dict[str, list[oracle_gap.FrequencyGroup]]
    """The gain by how often a token occurs in the train split."""
    by_step: dict[str, NDArray]
    """KL(oracle || model) (K,) of the prediction k steps ahead, in nats."""
    step_bias: dict[str, NDArray]
    """The estimated upward bias (K,) of `by_step`, where the model or the oracle samples its predictions."""


def measure(
    ranked: pd.DataFrame,
    losses: Mapping[str, Mapping[str, Column]],
    k_step: Mapping[str, NDArray[Any]],
    k_step_bias: Mapping[str, NDArray[Any]],
    learning_curves: Mapping[str, Sequence[Point]],
    params: Statistics,
    seed: int,
) -> OracleDistance | None:
    """Measure the distance of models on the same tokens to their oracle.

    Args:
        ranked: The rows of the models in the leaderboard, the oracle among them.
        losses: The table of losses of each model.
        k_step: The log-probabilities (K, contexts, V) of predictions k steps ahead, of models that have them.
        k_step_bias: The bias (K, contexts, V) of these predictions, of models that sample them.
        learning_curves: The excess by the size of the train split, of models that have it.
        params: The settings of the intervals.
        seed: The random seed of the intervals.

    Returns:
        The distances, or None if there is no oracle.
    """
    is_oracle = ranked.family == "oracle"
    if not is_oracle.any():
        return None
    oracle, models = ranked.model[is_oracle].iloc[0], ranked[~is_oracle]
    table, true = losses[oracle], k_step.get(oracle, np.empty(0))
    counts = table["train_count"]
    by_step, step_bias = {}, {}
    for name in (name for name in models.model if true.size and name in k_step):
        by_step[name] = kl_divergence(true, k_step[name])
        if biases := [k_step_bias[one] for one in (name, oracle) if one in k_step_bias]:
            step_bias[name] = kl_bias(true, biases)
    return OracleDistance(
        excess={name: oracle_gap.excess(losses[name]["nll"], table["nll"], params, seed) for name in models.model},
        expected={r.model: oracle_gap.expected_excess(r.parameters, r.train_tokens) for r in models.itertuples()},
        by_train_size={name: learning_curves[name] for name in models.model if name in learning_curves},
        by_frequency={
            name: oracle_gap.gain_by_frequency(losses[name]["nll"], table["nll"], counts, GROUPS)
            for name in models.model
        },
        by_step=by_step,
        step_bias=step_bias,
    )


class OracleSection:
    """The charts of one tokenizer with an oracle; each is empty if there is nothing to show."""

    def __init__(self, tokenizer: str, colors: Mapping[str, int], distance: OracleDistance) -> None:
        """Prepare the charts.

        Args:
            tokenizer: The name of the tokenizer.
            colors: The colours of the models on the page.
            distance: The distances to show.
        """
        self.tokenizer, self._distance = tokenizer, distance
        self.colors = {name: colors[name] for name in distance.excess}

    @property
    def excess(self) -> Markup:
        """The excess of each model, with its interval and d / 2N."""
        finite = {name: d for name, d in self._distance.excess.items() if math.isfinite(d.mean)}
        largest = max((d.high for d in finite.values()), default=0.0)
        rows = []
        for name, d in finite.items():
            # d / 2N holds for maximum likelihood. For smoothed n-grams it is far too large, often off the scale.
            mark = expected if (expected := self._distance.expected[name]) < largest else None
            rows.append(chart.Bar(name, self.colors[name], d.mean, d.low, d.high, mark))
        return chart.draw_bars(rows, "excess millibits per token", "d / 2N")

    @property
    def train_size(self) -> Markup:
        """The excess by the size of the train split, and d / 2N of models whose d does not depend on the size."""
        excess, expected = {}, {}
        for name, points in self._distance.by_train_size.items():
            excess[name] = [(p.train_tokens, p.excess) for p in points if 0 < p.excess < math.inf]
            if len({round(p.expected * p.train_tokens) for p in points}) == 1:
                expected[name] = [(p.train_tokens, p.expected) for p in points]
        traces = self._traces(excess) + self._traces(expected, dots=True)
        return chart.draw_lines(traces, "train tokens", "excess millibits per token", log_x=True, log_y=True)

    @property
    def frequency(self) -> Markup:
        """The gain by group of test tokens, from rare to frequent."""
        points = {
            name: [(number, g.gain) for number, g in enumerate(groups, 1) if math.isfinite(g.gain)]
            for name, groups in self._distance.by_frequency.items()
        }
        return chart.draw_lines(self._traces(points), "frequency group, rarest first", "log p model − log p oracle")

    @property
    def k_step(self) -> Markup:
        """The KL divergence from the oracle by steps ahead; dots: without the bias of models that sample it."""
        values, bias = self._distance.by_step, self._distance.step_bias
        without = {name: values[name] - high for name, high in bias.items()}
        traces = self._traces(_by_step(values)) + self._traces(_by_step(without), dots=True)
        return chart.draw_lines(traces, "steps ahead", "KL(oracle ‖ model), nats")

    def _traces(self, points: Mapping[str, Sequence[Any]], dots: bool = False) -> list[chart.Trace]:
        return [chart.Trace(name, self.colors[name], line, dots=dots) for name, line in points.items() if line]


def _by_step(values: Mapping[str, NDArray]) -> dict[str, list[tuple[int, float]]]:
    """Return the finite points (k, value) of each model."""
    return {
        name: [(step, float(nats)) for step, nats in enumerate(row, 1) if math.isfinite(nats)]
        for name, row in values.items()
    }
