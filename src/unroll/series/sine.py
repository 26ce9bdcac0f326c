"""Family `sine`: the truth of a series that corpus source `sine` made, the floor under every other forecaster. The
phase is known and the noise has no memory, so no past is needed and every step is as hard as the first."""

from dataclasses import dataclass

import numpy as np

from unroll.corpora.sine import wave
from unroll.errors import UnrollError
from unroll.params.corpora import SineCorpus
from unroll.params.series import SineParams
from unroll.series.forecaster import Floats, Forecast, Origins, Past
from unroll.text.series import Scale


@dataclass(frozen=True)
class Sine:
    corpus: SineCorpus
    scale: Scale
    parameters: int = 0

    def forecast(self, values: Floats, origins: Origins, horizon: int) -> Forecast:
        times = origins[:, None] + np.arange(horizon)  # (O, K)
        mean = self.scale.apply(wave(times, self.corpus.period))
        return Forecast(mean, np.full(mean.shape, self.corpus.noise / self.scale.unit))


def fit(params: SineParams, past: Past) -> Sine:
    if not isinstance(past.corpus, SineCorpus):
        raise UnrollError("family: only a corpus of source sine has the truth of a sine; leave this forecaster out")
    return Sine(past.corpus, past.scale)
