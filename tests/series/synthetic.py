"""Series from known processes, and the data that a forecaster is fitted to."""

from typing import Any

import numpy as np

from unroll.params.corpora import SineCorpus
from unroll.params.series import SeriesParams
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
    "latent": LATENT,
    "latent_lstm": LATENT | {"cell": "lstm", "layers": 2, "predict_difference": False},
    "sine": {"family": "sine"},
}


def corpus(**values: Any) -> SineCorpus:
    return SineCorpus.model_validate(CORPUS | {"source": "sine", "length": 600, "period": 10.0, "noise": 0.3} | values)


def params(steps: list[int], **forecasters: dict[str, Any]) -> SeriesParams:
    return SeriesParams.model_validate({"corpus": "wave", "steps": steps, "forecasters": forecasters})


def section(name: str, **values: Any) -> Any:
    return params([1], it=FORECASTERS[name] | values).forecasters["it"]


def past(values: Floats, valid: int = 50, seed: int = 1, **settings: Any) -> Past:
    """All but the last `valid` values are train; the values are not scaled."""
    return Past(values[:-valid], values[-valid:], Scale(0.0, 1.0), corpus(**settings), seed)


def autoregressive(weights: Floats, count: int, seed: int, deviation: float = 1.0, intercept: float = 0.0) -> Floats:
    """A sample of the process, after the same number of steps that are dropped."""
    generator = np.random.default_rng(seed)
    values = np.zeros(2 * count + len(weights))
    for t in range(len(weights), len(values)):
        last = values[t - len(weights) : t][::-1]
        values[t] = intercept + weights @ last + deviation * generator.standard_normal()
    return values[-count:]


def noisy_sine(count: int, seed: int = 1, noise: float = 0.3, period: float = 10.0) -> Floats:
    generator = np.random.default_rng(seed)
    return np.sin(2 * np.pi * np.arange(count) / period) + noise * generator.standard_normal(count)
