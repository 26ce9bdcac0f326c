"""`sine`: a noisy sine, x_t = sin(2 pi t / period) + noise e_t, e_t Gaussian of deviation 1 (D2L, section 9.1)."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unroll.params.corpora import SineCorpus
from unroll.text.manifest import RawFile, write_manifest


def fetch(params: SineCorpus, seed: int, folder: Path) -> None:
    """Write the series into `folder` as CSV (time, value); the same bytes for the same seed."""
    noise = np.random.default_rng(seed).standard_normal(params.length)
    values = wave(np.arange(params.length), params.period) + params.noise * noise
    rows = "".join(f"{time},{value!r}\n" for time, value in enumerate(values.tolist()))
    (folder / "series.csv").write_text("time,value\n" + rows, encoding="utf-8")
    write_manifest(folder, [RawFile("series.csv", "series")])


def wave(times: NDArray[np.integer], period: float) -> NDArray[np.floating]:
    """The sine without its noise at `times`, of any shape."""
    return np.sin(2 * np.pi * times / period)
