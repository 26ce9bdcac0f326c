"""Family `sine`: the oracle of a corpus of source `sine`, which no other forecaster can beat in expectation.

It has the phase of the sine, and the noise is independent, so it needs no past and every step is equally hard.
"""

from dataclasses import dataclass

import numpy as np

from unroll.corpora.sine import wave
from unroll.errors import UnrollError
from unroll.params.series import SineCorpus, SineParams
from unroll.series.forecaster import Floats, Forecast, Origins, Past, Scale


@dataclass(frozen=True)
class Sine:
    """The distribution that a corpus of source `sine` was sampled from."""

    corpus: SineCorpus
    """The settings of the corpus."""
    scale: Scale
    """The scale of the values to forecast."""
    parameters: int = 0
    """The number of fitted parameters."""

    def forecast(self, values: Floats, origins: Origins, horizon: int) -> Forecast:
        """Return the true means and deviations; see `Forecaster.forecast`."""
        times = origins[:, None] + np.arange(horizon)  # (O, K)
        mean = self.scale.apply(wave(times, self.corpus.period)[..., None])
        return Forecast(mean, np.broadcast_to(self.corpus.noise / self.scale.unit, mean.shape))


def fit(params: SineParams, past: Past) -> Sine:
    """Return the distribution of the corpus of `past`.

    Args:
        params: The settings of the family.
        past: The data.

    Returns:
        The oracle.

    Raises:
        UnrollError: The corpus is not a sine.
    """
    if not isinstance(past.corpus, SineCorpus):
        raise UnrollError("family: sine forecasts only a corpus of source sine; remove this forecaster")
    return Sine(past.corpus, past.scale)
