"""The contract of a forecaster: the k-step-ahead prediction P(x_{t+k-1} | x_0 .. x_{t-1}) as a Gaussian.

Notes "Recurrent Neural Networks" (Qin), section 2, equations 1 to 4 and 7. A module of this package has

    fit(params, past) -> Forecaster

and sees the train and valid values alone. All values are standardised: of mean 0 and deviation 1 over the train split.
An *origin* t is the number of values that are known: step k = 1, 2, .. predicts value t + k - 1.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unroll.params.corpora import Corpus
from unroll.text.series import Scale

Floats = NDArray[np.floating]
Origins = NDArray[np.integer]


@dataclass(frozen=True)
class Past:
    """What a forecaster is fitted on."""

    train: Floats
    """(N,) standardised, in time."""
    valid: Floats
    """(M,) the values after them: to decide when to stop, not to fit."""
    scale: Scale
    """x -> (x - shift) / unit, measured on train."""
    corpus: Corpus
    """Where the series is from: what made a sampled one is known."""
    seed: int


@dataclass(frozen=True)
class Forecast:
    """Row i is of origin i, column k - 1 of step k; NaN in both where there is nothing to tell it from."""

    mean: Floats
    """(O, K)"""
    deviation: Floats
    """(O, K), not negative."""


class Forecaster(Protocol):
    parameters: int
    """Numbers that were fitted."""

    def forecast(self, values: Floats, origins: Origins, horizon: int) -> Forecast:
        """Row i from values[:origins[i]] alone, whatever follows; `values` (T,) begin where train begins. The same
        arguments give the same forecast, and a row does not depend on which others are asked for."""
        ...
