"""Family `var_process`: the oracle of a corpus of source `var-process`, which none can beat in expectation.

It forecasts as a vector autoregression does, with the coefficients and the covariance that the corpus was sampled with.
"""

from dataclasses import dataclass

import numpy as np

from unroll.corpora.var_process import read_process
from unroll.errors import UnrollError
from unroll.params.series import VarProcessCorpus, VarProcessParams
from unroll.series.autoregression import Autoregression
from unroll.series.forecaster import Floats, Forecast, Origins, Past


@dataclass(frozen=True)
class VarProcess:
    """The distribution that a corpus of source `var-process` was sampled from."""

    process: Autoregression
    """The process of the standardised values."""
    parameters: int = 0
    """The number of fitted parameters."""

    def forecast(self, values: Floats, origins: Origins, horizon: int) -> Forecast:
        """Return the true means and deviations; see `Forecaster.forecast`."""
        return self.process.forecast(values, origins, horizon)


def fit(params: VarProcessParams, past: Past) -> VarProcess:
    """Return the distribution of the corpus of `past`.

    Args:
        params: The settings of the family.
        past: The data.

    Returns:
        The oracle.

    Raises:
        UnrollError: The corpus is not a vector autoregression.
    """
    if not isinstance(past.corpus, VarProcessCorpus):
        raise UnrollError("family: var_process forecasts only a corpus of source var-process; remove this forecaster")
    shift, unit = past.scale.shift, past.scale.unit
    constant, coefficients, covariance = read_process(past.corpus)
    intercept = (constant + coefficients.sum(0) @ shift - shift) / unit
    deviation = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(deviation, deviation)
    np.fill_diagonal(correlation, 1.0)
    return VarProcess(Autoregression(intercept, coefficients * unit / unit[:, None], deviation / unit, correlation))
