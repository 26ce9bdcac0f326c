"""Series from known processes, and the data that a forecaster is fitted to."""

from dataclasses import replace
from typing import Any

import numpy as np

from unroll.corpora.var_process import sample
from unroll.params.series import SeriesParams, SineCorpus, VarProcessCorpus
from unroll.series.forecaster import Floats, Past, Scale

CORPUS = {
    "sha256": None,
    "seed": 1,
    "cleaning": "plain",
    "invisible": "keep",
    "lowercase": False,
    "empty": "drop",
    "max_characters": 100,
    "duplicates": {"kind": "exact", "drop": False},
    "splits": {"by": "position", "valid": 0.2, "test": 0.2},
}
LATENT = {
    "family": "latent",
    "cell": "gru",
    "hidden_size": 6,
    "layers": 1,
    "predict_difference": True,
    "sequence_length": 20,
    "batch_size": 8,
    "epochs": 3,
    "patience": 3,
    "learning_rate": 0.02,
    "clip_norm": 1.0,
    "samples": 10,
}
FORECASTERS: dict[str, dict[str, Any]] = {
    "persistence": {"family": "persistence"},
    "seasonal_naive": {"family": "seasonal_naive", "season": 10},
    "autoregression": {"family": "autoregression", "order": 4},
    "direct": {"family": "direct", "order": 4},
    "latent": LATENT,
    "latent_lstm": LATENT | {"cell": "lstm", "layers": 2, "predict_difference": False},
    "sine": {"family": "sine"},
    "var_process": {"family": "var_process"},
}


def corpus(**values: Any) -> SineCorpus:
    return SineCorpus.model_validate(CORPUS | {"source": "sine", "length": 600, "period": 10.0, "noise": 0.3} | values)


def params(steps: list[int], **forecasters: dict[str, Any]) -> SeriesParams:
    return SeriesParams.model_validate({"corpus": "wave", "steps": steps, "forecasters": forecasters})


def section(name: str, **values: Any) -> Any:
    return params([1], it=FORECASTERS[name] | values).forecasters["it"]


def var_process(columns: int, **values: Any) -> VarProcessCorpus:
    """A process of order two, in which each column follows the one before it, and the errors are correlated."""
    first = 0.5 * np.eye(columns) + 0.2 * np.eye(columns, k=-1)
    second = -0.3 * np.eye(columns) + 0.1 * np.eye(columns, k=1)
    covariance = 0.5 * np.eye(columns) + 0.2
    settings = {"source": "var-process", "length": 600, "intercept": named(np.arange(columns) * 0.5)}
    settings |= {"coefficients": {"lag1": named(first), "lag2": named(second)}, "covariance": named(covariance)}
    return VarProcessCorpus.model_validate(CORPUS | settings | values)


def named(numbers: Any) -> dict[str, Any]:
    """A vector or a matrix as a mapping from the names x1, x2, .. of the columns."""
    return {f"x{index}": named(row) if np.ndim(row) else float(row) for index, row in enumerate(numbers, 1)}


def past(values: Floats, valid: int = 50, seed: int = 1, horizon: int = 12, **settings: Any) -> Past:
    """All but the last `valid` values (T, d) are train; the values are not scaled."""
    columns = values.shape[1]
    scale = Scale(np.zeros(columns), np.ones(columns))
    return Past(values[:-valid], values[-valid:], scale, corpus(**settings), horizon, seed)


def past_of_process(values: Floats, valid: int = 50, seed: int = 1, horizon: int = 12) -> Past:
    """The same for a sample of `var_process`."""
    return replace(past(values, valid, seed, horizon), corpus=var_process(values.shape[1]))


def autoregressive(weights: Floats, count: int, seed: int, deviation: float = 1.0, intercept: float = 0.0) -> Floats:
    """A sample (count, 1) of the process, after the same number of steps that are dropped."""
    generator = np.random.default_rng(seed)
    values = np.zeros(2 * count + len(weights))
    for t in range(len(weights), len(values)):
        last = values[t - len(weights) : t][::-1]
        values[t] = intercept + weights @ last + deviation * generator.standard_normal()
    return values[-count:, None]


def noisy_sine(count: int, seed: int = 1, noise: float = 0.3, period: float = 10.0) -> Floats:
    """A sample (count, 1)."""
    generator = np.random.default_rng(seed)
    return (np.sin(2 * np.pi * np.arange(count) / period) + noise * generator.standard_normal(count))[:, None]


def vectors(columns: int, count: int = 240) -> Floats:
    """A sample (count, columns) of `var_process`."""
    return sample(var_process(columns, length=count))
